import { randomStream } from '@dskd/base';
import type { Teacher } from '@dskd/models';
import * as tf from '@tensorflow/tfjs-core';
import type { FitInput } from '../contract.js';

// A teacher that plain JavaScript can compute in float64, too: the means of an image over squares, and of its squares.

/** Side of the images in pixels. */
export const SIDE = 32;
const STRIDES = [4, 8, 16] as const;
/** The first level has no means of squares. */
const CHANNELS = [3, 6, 6] as const;
/** Values of one image. */
const SIZE = SIDE * SIDE * 3;

/** Features of three levels: strides 4, 8 and 16 with 3, 6 and 6 channels. Has no tensors of its own. */
export function poolingTeacher(): Teacher {
  return {
    extractor: {
      name: 'pooling',
      levels: STRIDES.map((stride, index) => ({
        name: `level${index + 1}`,
        stride,
        channels: CHANNELS[index]!,
      })),
      inputTransform: { channelOrder: 'rgb', scale: 1, mean: [0, 0, 0], standardDeviation: [1, 1, 1] },
      outputShapes: ([height, width]) =>
        STRIDES.map((stride, index) => [height / stride, width / stride, CHANNELS[index]!]),
      extract: (images) =>
        Promise.resolve(
          STRIDES.map((stride, index) =>
            tf.tidy(() => {
              const means = tf.avgPool(images, stride, stride, 'valid');
              if (CHANNELS[index] === 3) return means;
              return tf.concat([means, tf.avgPool(tf.square(images), stride, stride, 'valid')], 3);
            }),
          ),
        ),
      dispose: () => undefined,
    },
    sha256: 'b'.repeat(64),
    dispose: () => undefined,
  };
}

/** An image of number `index`: random blocks of 4x4 pixels on a slope that all images share. */
export function blockImage(index: number): Float32Array {
  const random = randomStream(index, 'blocks');
  const blocks = Array.from({ length: (SIZE / 16) | 0 }, () => random.uniform());
  return Float32Array.from({ length: SIZE }, (_, at) => {
    const [row, column, channel] = [Math.floor(at / 3 / SIDE), Math.floor(at / 3) % SIDE, at % 3];
    const block = blocks[(Math.floor(row / 4) * (SIDE / 4) + Math.floor(column / 4)) * 3 + channel]!;
    return 0.4 * block + (0.6 * (row + 2 * column)) / (3 * SIDE);
  });
}

/** Images as a batch; the caller disposes it. */
export function batchOf(images: readonly Float32Array[]): tf.Tensor4D {
  const data = new Float32Array(images.length * SIZE);
  images.forEach((image, index) => data.set(image, index * SIZE));
  return tf.tensor4d(data, [images.length, SIDE, SIDE, 3]);
}

/** A fit on `images`. */
export function fitOn(images: readonly Float32Array[], changes: Partial<FitInput> = {}): FitInput {
  return {
    images: images.length,
    inputSize: [SIDE, SIDE],
    teacher: poolingTeacher(),
    seed: 3,
    imagesChange: false,
    execution: {},
    trainingImages: {
      length: images.length,
      changesEachEpoch: false,
      batch: (indices) => Promise.resolve(batchOf(indices.map((index) => images[index]!))),
    },
    run: {},
    ...changes,
  };
}

/** A map in float64: `[height, width, channels]`, row by row. */
export interface OracleMap {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Float64Array;
}

export function oracleMap(
  height: number,
  width: number,
  channels: number,
  valueAt: (row: number, column: number, channel: number) => number,
): OracleMap {
  const data = new Float64Array(height * width * channels);
  for (let at = 0; at < data.length; at++) {
    const place = Math.floor(at / channels);
    data[at] = valueAt(Math.floor(place / width), place % width, at % channels);
  }
  return { height, width, channels, data };
}

/** The value of a map; zero outside of it. */
export function valueOf(
  { height, width, channels, data }: OracleMap,
  row: number,
  column: number,
  channel: number,
): number {
  if (row < 0 || row >= height || column < 0 || column >= width) return 0;
  return data[(row * width + column) * channels + channel]!;
}

/** The teacher's levels of one image. */
export function oracleFeatures(image: Float32Array): OracleMap[] {
  return STRIDES.map((stride, level) =>
    oracleMap(SIDE / stride, SIDE / stride, CHANNELS[level]!, (row, column, channel) => {
      let sum = 0;
      for (let y = row * stride; y < (row + 1) * stride; y++) {
        for (let x = column * stride; x < (column + 1) * stride; x++) {
          const value = image[(y * SIDE + x) * 3 + (channel % 3)]!;
          sum += channel < 3 ? value : value * value;
        }
      }
      return sum / stride ** 2;
    }),
  );
}

/** The mean of 3x3 values; those outside count as zeros. */
export function oracleNeighborhoods(map: OracleMap): OracleMap {
  return oracleMap(map.height, map.width, map.channels, (row, column, channel) => {
    let sum = 0;
    for (let down = -1; down <= 1; down++) {
      for (let right = -1; right <= 1; right++) sum += valueOf(map, row + down, column + right, channel);
    }
    return sum / 9;
  });
}

/** Bilinear with half-pixel centers, as torch's `interpolate(..., align_corners=False)`. */
export function oracleResize(map: OracleMap, height: number, width: number): OracleMap {
  const along = (at: number, from: number, to: number): [number, number, number] => {
    const place = Math.max(0, ((at + 0.5) * from) / to - 0.5);
    const first = Math.min(from - 1, Math.floor(place));
    return [first, Math.min(from - 1, first + 1), place - first];
  };
  return oracleMap(height, width, map.channels, (row, column, channel) => {
    const [top, bottom, down] = along(row, map.height, height);
    const [left, right, across] = along(column, map.width, width);
    const upper =
      (1 - across) * valueOf(map, top, left, channel) + across * valueOf(map, top, right, channel);
    const lower =
      (1 - across) * valueOf(map, bottom, left, channel) + across * valueOf(map, bottom, right, channel);
    return (1 - down) * upper + down * lower;
  });
}

/** Channels side by side. */
export function oracleConcat(maps: readonly OracleMap[]): OracleMap {
  const [{ height, width }] = maps as [OracleMap];
  const channels = maps.reduce((sum, map) => sum + map.channels, 0);
  return oracleMap(height, width, channels, (row, column, channel) => {
    let rest = channel;
    for (const map of maps) {
      if (rest < map.channels) return valueOf(map, row, column, rest);
      rest -= map.channels;
    }
    throw new Error('There is no such channel.');
  });
}

/**
 * The embedding `concat` of one image.
 * @param levels indexes of the levels.
 * @param side of the grid.
 */
export function oracleConcatPatches(
  image: Float32Array,
  levels: readonly number[],
  side: number,
  gridFirst = false,
): OracleMap {
  const features = oracleFeatures(image);
  return oracleConcat(
    levels.map((level) =>
      gridFirst
        ? oracleNeighborhoods(oracleResize(features[level]!, side, side))
        : oracleResize(oracleNeighborhoods(features[level]!), side, side),
    ),
  );
}

/** torch's `adaptive_avg_pool1d`. */
function adaptiveAverages(values: ArrayLike<number>, outputs: number): Float64Array {
  return Float64Array.from({ length: outputs }, (_, output) => {
    const from = Math.floor((output * values.length) / outputs);
    const to = Math.ceil(((output + 1) * values.length) / outputs);
    let sum = 0;
    for (let at = from; at < to; at++) sum += values[at]!;
    return sum / (to - from);
  });
}

/** The 3x3 patches of a level, flattened as (channel, row, column), zeros outside. */
function unfolded(map: OracleMap): OracleMap {
  return oracleMap(map.height, map.width, 9 * map.channels, (row, column, at) =>
    valueOf(map, row + (Math.floor(at / 3) % 3) - 1, column + (at % 3) - 1, Math.floor(at / 9)),
  );
}

/** Word by word as patchcore-inspection: unfold, interpolate, average to 1024, stack the levels, average to `width`. */
export function officialPatches(
  image: Float32Array,
  levels: readonly number[],
  side: number,
  width = 1024,
): OracleMap {
  const features = oracleFeatures(image);
  const patches = levels.map((level) => oracleResize(unfolded(features[level]!), side, side));
  const vectors = Array.from({ length: side * side }, (_, place) => {
    const averages = patches.map(({ channels, data }) =>
      adaptiveAverages(data.subarray(place * channels, (place + 1) * channels), 1024),
    );
    return adaptiveAverages(
      averages.flatMap((values) => [...values]),
      width,
    );
  });
  return oracleMap(side, side, width, (row, column, channel) => vectors[row * side + column]![channel]!);
}

/** The vectors of a map's positions. */
export function vectorsOf({ channels, data }: OracleMap): Float64Array[] {
  return Array.from({ length: data.length / channels }, (_, place) =>
    data.slice(place * channels, (place + 1) * channels),
  );
}

/** Euclidean. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(squares);
}
