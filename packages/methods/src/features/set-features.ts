import { randomStream } from '@dskd/base';
import * as tf from '@tensorflow/tfjs-core';
import { download } from './parts.js';

// Set features of SINBAD ("Set Features for Fine-grained Anomaly Detection", Cohen, Tzachor and Hoshen, 2023; code NivC/SINBAD,
// set_features.py): how the features of a crop are distributed, wherever they lie in it. Each feature vector is projected on
// random directions; of each direction it is counted which part of the positions lies below each of some thresholds.

/** Parts of the distance between crops in an image's side. */
const STEPS = 4;
/** Of the values of a direction over the training images, the range that thresholds divide. */
const RANGE = [0.01, 0.99] as const;

/** A rectangle of positions of a map. */
export interface Crop {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

function starts(side: number, length: number): number[] {
  const step = Math.max(1, Math.floor(side / STEPS));
  const count = Math.floor((side - length) / step) + 1;
  return Array.from({ length: count }, (_, index) => index * step);
}

/** The crops of a map whose sides are `ratio` of the map's, a quarter of a side apart, row by row. */
export function cropsOf(height: number, width: number, ratio: number): Crop[] {
  const [h, w] = [height, width].map((side) => Math.max(1, Math.round(ratio * side))) as [number, number];
  return starts(height, h).flatMap((top) =>
    starts(width, w).map((left) => ({ top, left, height: h, width: w })),
  );
}

/** Random directions of a level, standard normal: `[channels, projections]`. The caller disposes it. */
export function directions(seed: number, level: number, channels: number, projections: number): tf.Tensor2D {
  const stream = randomStream(seed, 'set features', level);
  const values = Float32Array.from({ length: channels * projections }, () => stream.normal());
  return tf.tensor2d(values, [channels, projections]);
}

/** The features of each image on the directions, position by position. */
export async function projected(level: tf.Tensor4D, onto: tf.Tensor2D): Promise<Float32Array[]> {
  const [count, height, width, channels] = level.shape;
  const values = await download(
    tf.tidy(() => tf.matMul(tf.reshape(level, [count * height * width, channels]), onto)),
  );
  const size = values.length / count;
  return Array.from({ length: count }, (_, image) => values.subarray(image * size, (image + 1) * size));
}

/** Calls `visit` with the index of the first projection of each position of the crop. */
function eachPosition(crop: Crop, mapWidth: number, projections: number, visit: (at: number) => void): void {
  for (let y = crop.top; y < crop.top + crop.height; y++) {
    for (let x = crop.left; x < crop.left + crop.width; x++) visit((y * mapWidth + x) * projections);
  }
}

/** Linear interpolation between sorted values, as numpy.quantile. */
function quantile(sorted: Float32Array, part: number): number {
  const at = part * (sorted.length - 1);
  const below = Math.floor(at);
  const [low, high] = [sorted[below]!, sorted[Math.min(below + 1, sorted.length - 1)]!];
  return low + (at - below) * (high - low);
}

/**
 * Thresholds of a crop, `count` for each projection, rising: they divide the range between the 1 % and 99 % quantiles over the
 * positions of the crop in all `maps` into equal parts.
 */
export function thresholdsOf(
  maps: readonly Float32Array[],
  crop: Crop,
  mapWidth: number,
  projections: number,
  count: number,
): Float32Array {
  const positions = crop.height * crop.width;
  const values = Array.from({ length: projections }, () => new Float32Array(maps.length * positions));
  let index = 0;
  for (const map of maps) {
    eachPosition(crop, mapWidth, projections, (at) => {
      for (let p = 0; p < projections; p++) values[p]![index] = map[at + p]!;
      index++;
    });
  }
  const thresholds = new Float32Array(projections * count);
  for (let p = 0; p < projections; p++) {
    const sorted = values[p]!.sort();
    const [low, high] = RANGE.map((part) => quantile(sorted, part)) as [number, number];
    for (let t = 0; t < count; t++) thresholds[p * count + t] = low + ((high - low) * (t + 1)) / (count + 1);
  }
  return thresholds;
}

/** The part of the crop's positions that lies below each threshold, 0..1: for each projection all of its thresholds. */
export function setFeatures(
  map: Float32Array,
  crop: Crop,
  mapWidth: number,
  thresholds: Float32Array,
  count: number,
): Float32Array {
  const projections = thresholds.length / count;
  const below = new Float32Array(thresholds.length);
  eachPosition(crop, mapWidth, projections, (at) => {
    for (let p = 0, t = 0; p < projections; p++, t += count) {
      const value = map[at + p]!;
      // Thresholds rise: a value below one is below all after it.
      for (let k = count - 1; k >= 0 && value < thresholds[t + k]!; k--) below[t + k]!++;
    }
  });
  const positions = crop.height * crop.width;
  return below.map((number) => number / positions);
}
