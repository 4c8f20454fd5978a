import { nearestCenter, type Rows } from '@dskd/closed-form';
import { connectedComponents } from '@dskd/metrics';
import * as tf from '@tensorflow/tfjs-core';
import type { Size } from '../contract.js';
import { download } from './parts.js';

// What an image consists of: it is cut into areas of similar color, and each connected area is a piece with a size, a shape
// and a color. An idea of ComAD (Liu et al., "Component-aware anomaly detection framework for adjustable and logical
// industrial visual inspection", 2023), with colors in place of a transformer's features.

/** Longer side of the image that pieces are found in, about. */
const SIDE = 128;
/** Smaller areas are no pieces: 12 pixels of an image of 128 px. */
const LEAST_SHARE = 12 / SIDE ** 2;

/** Numbers that describe a piece: square root of the area, short and long deviation of its pixels, color. */
export const PIECE_WIDTH = 6;

/** Size of the image that pieces are found in, and the pixels of the input that one of it stands for. */
export function pieceGrid([height, width]: Size): { readonly factor: number; readonly size: Size } {
  const factor = Math.max(1, Math.round(Math.max(height, width) / SIDE));
  return { factor, size: [Math.floor(height / factor), Math.floor(width / factor)] };
}

/** Images made smaller, with colors in 0..255: whole numbers, so that backends agree on them. */
export async function smallImages(images: tf.Tensor4D, factor: number): Promise<Uint8Array[]> {
  const small = tf.tidy(() => tf.mul(tf.avgPool(images, factor, factor, 'valid'), 255));
  const [count, height, width] = small.shape;
  const colors = await download(small);
  const values = new Uint8Array(colors.length);
  for (let i = 0; i < values.length; i++) values[i] = Math.round(colors[i]!);
  const size = height! * width! * 3;
  return Array.from({ length: count }, (_, image) => values.slice(image * size, (image + 1) * size));
}

/**
 * The pieces of an image, those of the first color first.
 * @param colors of the pixels, as {@link smallImages} gives them.
 * @param palette colors in 0..255: a pixel belongs to the nearest one.
 * @returns a row of {@link PIECE_WIDTH} numbers for each; color in 0..1.
 */
export function findPieces(colors: Uint8Array, [height, width]: Size, palette: Rows): Rows {
  const pixels = new Float32Array(colors);
  const nearest = new Uint8Array(height * width);
  for (let pixel = 0; pixel < nearest.length; pixel++) {
    nearest[pixel] = nearestCenter(pixels, 3 * pixel, palette).index;
  }
  const least = LEAST_SHARE * height * width;
  const rows: number[] = [];
  for (let color = 0; color < palette.count; color++) {
    const mask = nearest.map((index) => (index === color ? 1 : 0));
    // Of each piece: sums of 1, y, x, y*y, y*x, x*x, red, green, blue.
    const sums: Float64Array[] = [];
    connectedComponents(mask, width, height, (pixel, piece) => {
      const sum = (sums[piece - 1] ??= new Float64Array(9));
      const [y, x] = [Math.floor(pixel / width), pixel % width];
      sum[0]! += 1;
      sum[1]! += y;
      sum[2]! += x;
      sum[3]! += y * y;
      sum[4]! += y * x;
      sum[5]! += x * x;
      for (let channel = 0; channel < 3; channel++) sum[6 + channel]! += pixels[3 * pixel + channel]!;
    });
    for (const sum of sums) if (sum[0]! >= least) rows.push(...describe(sum));
  }
  return { data: Float32Array.from(rows), count: rows.length / PIECE_WIDTH, width: PIECE_WIDTH };
}

function describe(sums: Float64Array): number[] {
  const area = sums[0]!;
  const [y, x, yy, yx, xx, red, green, blue] = Array.from(sums.subarray(1), (sum) => sum / area);
  const [vertical, both, horizontal] = [yy! - y! * y!, yx! - y! * x!, xx! - x! * x!];
  const middle = (vertical + horizontal) / 2;
  const spread = Math.hypot((vertical - horizontal) / 2, both);
  return [
    Math.sqrt(area),
    Math.sqrt(Math.max(0, middle - spread)),
    Math.sqrt(middle + spread),
    ...[red!, green!, blue!].map((value) => value / 255),
  ];
}
