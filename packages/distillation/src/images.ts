import { randomStream, type PixelBuffer } from '@dskd/base';
import { resizeBilinearAntialiased } from '@dskd/core';
import { toImageTensor } from '@dskd/data';
import * as tf from '@tensorflow/tfjs-core';
import { photoCrop } from './photo-crop.js';
import { proceduralImage } from './procedural/procedural-image.js';

/** An image that crops are cut from. */
export interface Photo {
  /** Of its file, hexadecimal: which photos are held out goes by it, and their order. */
  readonly sha256: string;
  /** RGB, 3 channels. */
  load(): Promise<PixelBuffer>;
}

/** What images are drawn for; each has a stream of its own, and so images that no other sees. */
export type Purpose = 'training' | 'held-out' | 'statistics' | 'settling';

export interface DistillationImagesOptions {
  readonly seed: number;
  /** Of either side, in pixels. */
  readonly size: number;
  /** Share of procedural images, 0 to 1. */
  readonly proceduralFraction: number;
  /** Read once each, reduced and kept. */
  readonly photos: readonly Photo[];
}

/** Of what is kept of a photo the shorter side is at most this many times the size of a crop. */
const KEPT_SCALE = 3;

/** An endless row of images: number `index` depends on (seed, purpose, index) and nothing else. */
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

  /** Images `from` to `from + count - 1`: float32 `[count, size, size, 3]`, 0..1. The caller disposes it. */
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
