import { DskdError, type PixelBuffer, type RandomStream, randomStream } from '@dskd/base';
import { resizeBilinearAntialiased } from '@dskd/core';
import { toImageTensor } from '@dskd/data';
import { proceduralImage } from '@dskd/synthetic';
import * as tf from '@tensorflow/tfjs-core';
import { between, scaleBetween } from './random.js';

interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function cut({ data, width, channels }: PixelBuffer, area: Rectangle): PixelBuffer {
  const row = area.width * channels;
  const pixels = new Uint8Array(area.height * row);
  for (let y = 0; y < area.height; y++) {
    const from = ((area.top + y) * width + area.left) * channels;
    pixels.set(data.subarray(from, from + row), y * row);
  }
  return { data: pixels, width: area.width, height: area.height, channels };
}

/** Draws an area of 5 % to 100 % of the image, with an aspect ratio of 3:4 to 4:3. */
function drawArea(random: RandomStream, { width, height }: PixelBuffer): Rectangle {
  const area = width * height * scaleBetween(random, 0.05, 1);
  const aspect = scaleBetween(random, 3 / 4, 4 / 3);
  const side = (wanted: number, most: number): number => Math.max(1, Math.min(most, Math.round(wanted)));
  const [across, down] = [side(Math.sqrt(area * aspect), width), side(Math.sqrt(area / aspect), height)];
  return {
    left: random.integer(width - across + 1),
    top: random.integer(height - down + 1),
    width: across,
    height: down,
  };
}

/** Applies one of the eight symmetries of a square (rotations and flips). */
function turn({ data, width: size, ...rest }: PixelBuffer, way: number): PixelBuffer {
  const turned = new Uint8Array(data.length);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [a, b] = way & 4 ? [y, x] : [x, y];
      const from = ((way & 2 ? size - 1 - b : b) * size + (way & 1 ? size - 1 - a : a)) * 3;
      const to = (y * size + x) * 3;
      for (let channel = 0; channel < 3; channel++) turned[to + channel] = data[from + channel]!;
    }
  }
  return { data: turned, width: size, ...rest };
}

/** Varies brightness, contrast, saturation, tint and noise; sometimes converts to gray or to a negative. */
function recolor({ data, ...rest }: PixelBuffer, random: RandomStream): PixelBuffer {
  const contrast = scaleBetween(random, 0.6, 1.6);
  const brightness = between(random, -40, 40);
  const saturation = random.uniform() < 0.15 ? 0 : between(random, 0.3, 1.7);
  const tint = [0, 1, 2].map(() => between(random, 0.85, 1.15));
  const negative = random.uniform() < 0.1;
  const grain = random.uniform() < 0.4 ? between(random, 0, 25) : 0;
  const result = new Uint8ClampedArray(data.length);
  for (let at = 0; at < data.length; at += 3) {
    const gray = 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
    for (let channel = 0; channel < 3; channel++) {
      const value = (gray + (data[at + channel]! - gray) * saturation) * tint[channel]!;
      const noise = grain === 0 ? 0 : (random.uniform() - 0.5) * grain;
      const lit = (value - 128) * contrast + 128 + brightness + noise;
      result[at + channel] = negative ? 255 - lit : lit;
    }
  }
  return { data: result, ...rest };
}

/**
 * Cuts a square crop of random size, position and orientation from a photo, and varies its colors.
 * @param photo RGB.
 * @param size width and height of the result in pixels.
 * @throws {DskdError} `shape-mismatch` unless the photo has three channels.
 */
export function photoCrop(photo: PixelBuffer, random: RandomStream, size: number): PixelBuffer {
  if (photo.channels !== 3) {
    throw new DskdError('shape-mismatch', `Got a photo of ${photo.channels} channels, wanted 3 (RGB).`);
  }
  const piece = resizeBilinearAntialiased(cut(photo, drawArea(random, photo)), { width: size, height: size });
  return recolor(turn(piece, random.integer(8)), random);
}

/** A photo to cut crops from. */
export interface Photo {
  /** SHA-256 of its file, hexadecimal. It decides the order of the photos and which are held out. */
  readonly sha256: string;
  /** RGB, 3 channels. */
  load(): Promise<PixelBuffer>;
}

/** Purpose of drawn images. Each has its own random stream, so no two purposes share images. */
export type Purpose = 'training' | 'held-out' | 'statistics' | 'settling';

interface DistillationImagesOptions {
  readonly seed: number;
  /** Width and height in pixels. */
  readonly size: number;
  /** Share of procedural images, 0 to 1. */
  readonly proceduralFraction: number;
  /** Each is read once, downscaled and kept in memory. */
  readonly photos: readonly Photo[];
}

/** Largest shorter side of a kept photo, relative to the size of a crop. */
const KEPT_SCALE = 3;

/** An infinite sequence of images. Image `index` depends only on the options, the purpose and `index`. */
export class DistillationImages {
  readonly #options: DistillationImagesOptions;
  readonly #purpose: Purpose;
  readonly #kept = new Map<number, PixelBuffer>();

  constructor(purpose: Purpose, options: DistillationImagesOptions) {
    this.#purpose = purpose;
    this.#options = options;
  }

  async image(index: number): Promise<PixelBuffer> {
    const { seed, size, proceduralFraction, photos } = this.#options;
    const random = randomStream(seed, 'distillation', this.#purpose, index);
    const isProcedural = random.uniform() < proceduralFraction;
    if (isProcedural || photos.length === 0) return proceduralImage(random, size);
    return photoCrop(await this.#photo(random.integer(photos.length)), random, size);
  }

  /** Returns images `from` to `from + count - 1`: float32 `[count, size, size, 3]`, 0..1. The caller disposes it. */
  async batch(from: number, count: number): Promise<tf.Tensor4D> {
    const images: PixelBuffer[] = [];
    for (let index = from; index < from + count; index++) images.push(await this.image(index));
    return toImageTensor(images);
  }

  async #photo(index: number): Promise<PixelBuffer> {
    const kept = this.#kept.get(index);
    if (kept) return kept;
    const photo = await this.#options.photos[index]!.load();
    const scale = Math.min(1, (KEPT_SCALE * this.#options.size) / Math.min(photo.width, photo.height));
    const reduced =
      scale === 1
        ? photo
        : resizeBilinearAntialiased(photo, {
            width: Math.round(photo.width * scale),
            height: Math.round(photo.height * scale),
          });
    this.#kept.set(index, reduced);
    return reduced;
  }
}
