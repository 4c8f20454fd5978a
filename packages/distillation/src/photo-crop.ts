import { DskdError, type PixelBuffer, type RandomStream } from '@dskd/base';
import { resizeBilinearAntialiased } from '@dskd/core';
import { between, scaleBetween } from './procedural/canvas.js';

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

/** From a twentieth of the image to all of it, up to a third wider than high or the other way round. */
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

/** One of the eight ways a square can lie. */
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

/** Brightness, contrast, saturation, a tint and noise; now and then gray, or a negative. */
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
 * A square piece of a photo, of random size, place and orientation, in random colors.
 * @param photo RGB.
 * @param size of either side of the result, in pixels.
 * @throws {DskdError} `shape-mismatch` unless the photo has three channels.
 */
export function photoCrop(photo: PixelBuffer, random: RandomStream, size: number): PixelBuffer {
  if (photo.channels !== 3) {
    throw new DskdError('shape-mismatch', `Got a photo of ${photo.channels} channels, wanted 3 (RGB).`);
  }
  const piece = resizeBilinearAntialiased(cut(photo, drawArea(random, photo)), { width: size, height: size });
  return recolor(turn(piece, random.integer(8)), random);
}
