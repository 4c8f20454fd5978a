import { nearestCenter, type Rows } from '@dskd/closed-form';
import { fixedPoint } from '@dskd/core';
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

function shrunk(images: tf.Tensor4D, factor: number): tf.Tensor4D {
  return tf.tidy(() => tf.mul(tf.avgPool(images, factor, factor, 'valid'), 255));
}

/** Images made smaller, with colors in 0..255: whole numbers, so that backends agree on them. */
export async function smallImages(images: tf.Tensor4D, factor: number): Promise<Uint8Array[]> {
  const small = shrunk(images, factor);
  const [count, height, width] = small.shape;
  const colors = await download(small);
  const values = new Uint8Array(colors.length);
  // Rounded: an array of bytes drops the fraction.
  for (let i = 0; i < values.length; i++) values[i] = colors[i]! + 0.5;
  const size = height * width * 3;
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

/** {@link smallImages} by tensor operations alone. Call it inside `tf.tidy`. */
export function smallImageTensor(images: tf.Tensor4D, factor: number): tf.Tensor4D {
  return tf.floor(tf.add(shrunk(images, factor), 0.5));
}

/** A matrix of rows as columns, and half their squared lengths: the nearest row of a vector `v` has the largest `v.row - half`. */
function closenessOf({ data, count, width }: Rows): { columns: tf.Tensor2D; halves: tf.Tensor1D } {
  const rows = tf.tensor2d(data, [count, width]);
  return { columns: tf.transpose(rows), halves: tf.mul(tf.sum(tf.square(rows), 1), 0.5) };
}

/** Of each row the nearest one of `others`, as 1 in its column: `[rows, others]`. */
export function nearestRow(rows: tf.Tensor2D, others: Rows): tf.Tensor2D {
  const { columns, halves } = closenessOf(others);
  const nearest = tf.argMax(tf.sub(tf.matMul(rows, columns), halves), 1);
  const is = tf.equal(tf.expandDims(nearest, 1), tf.range(0, others.count, 1, 'int32'));
  return tf.cast(is, 'float32') as tf.Tensor2D;
}

/**
 * {@link findPieces} by tensor operations alone: rows that are a piece, and rows that are none. Call it inside `tf.tidy`.
 * @param colors of the pixels of one image, `[height * width, 3]`, whole numbers in 0..255.
 * @returns `pieces` `[n, PIECE_WIDTH]`, and which of them are pieces, `[n, 1]`, 1 or 0.
 */
export function pieceTensors(
  colors: tf.Tensor2D,
  [height, width]: Size,
  palette: Rows,
): { readonly pieces: tf.Tensor2D; readonly are: tf.Tensor2D } {
  const pixels = height * width;
  const count = palette.count * pixels;
  // A map for each color, 1 where a pixel has it.
  const maps = tf.reshape<tf.Rank.R4>(tf.transpose(nearestRow(colors, palette)), [
    palette.count,
    height,
    width,
    1,
  ]);
  // Each pixel begins with a number of its own, and takes over the largest one beside it, and that of the pixel with that number.
  const numbers = tf.reshape<tf.Rank.R4>(tf.range(1, count + 1, 1, 'float32'), maps.shape);
  const labels = fixedPoint(tf.mul<tf.Tensor4D>(numbers, maps), (before) => {
    const largest = tf.reshape<tf.Rank.R1>(tf.mul(tf.maxPool(before, 3, 1, 'same'), maps), [count]);
    const table = tf.concat([tf.zeros<tf.Rank.R1>([1]), largest]);
    return tf.reshape<tf.Rank.R4>(tf.gather(table, tf.cast(largest, 'int32')), before.shape);
  });
  const pieceOf = tf.cast(tf.reshape<tf.Rank.R1>(labels, [count]), 'int32');
  const sums = (values: tf.Tensor2D): tf.Tensor2D => tf.unsortedSegmentSum(values, pieceOf, count + 1);
  const places = Array.from({ length: pixels }, (_, at) => [1, Math.floor(at / width), at % width]).flat();
  const own = tf.concat([tf.tensor2d(places, [pixels, 3]), colors], 1);
  const totals = sums(tf.tile<tf.Tensor2D>(own, [palette.count, 1]));
  const area = tf.slice(totals, [0, 0], [-1, 1]);
  const means = tf.div<tf.Tensor2D>(tf.slice(totals, [0, 1], [-1, 5]), tf.maximum(area, 1));
  // Deviations from a piece's own mean: float32 holds those of large pieces, too.
  const position = tf.tile(tf.slice<tf.Rank.R2, tf.Tensor2D>(tf.tensor2d(places, [pixels, 3]), [0, 1]), [
    palette.count,
    1,
  ]);
  const from = tf.sub<tf.Tensor2D>(position, tf.gather(tf.slice(means, [0, 0], [-1, 2]), pieceOf));
  const [down, right] = tf.split(from, 2, 1) as [tf.Tensor2D, tf.Tensor2D];
  const products = tf.concat<tf.Tensor2D>([tf.square(down), tf.mul(down, right), tf.square(right)], 1);
  const [vertical, both, horizontal] = tf.split(
    tf.div<tf.Tensor2D>(sums(products), tf.maximum(area, 1)),
    3,
    1,
  );
  const middle = tf.mul(tf.add(vertical!, horizontal!), 0.5);
  const half = tf.mul(tf.sub(vertical!, horizontal!), 0.5);
  const spread = tf.sqrt(tf.add(tf.square(half), tf.square(both!)));
  const pieces = tf.concat<tf.Tensor2D>(
    [
      tf.sqrt(area),
      tf.sqrt(tf.relu(tf.sub<tf.Tensor2D>(middle, spread))),
      tf.sqrt(tf.add<tf.Tensor2D>(middle, spread)),
      tf.div<tf.Tensor2D>(tf.slice(means, [0, 2], [-1, 3]), 255),
    ],
    1,
  );
  // The first row is what belongs to no piece.
  const isPiece = tf.greaterEqual<tf.Tensor2D>(area, LEAST_SHARE * pixels);
  const are = tf.cast(isPiece, 'float32');
  return { pieces: tf.slice(pieces, [1, 0]), are: tf.slice(are, [1, 0]) };
}
