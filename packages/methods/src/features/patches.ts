import { DskdError } from '@dskd/base';
import type { FeatureExtractor } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Size } from '../contract.js';

/**
 * How patches are made of a teacher's features. `concat`: each level's 3x3 mean, brought to the grid, side by side (as
 * anomalib). `official`: as amazon-science/patchcore-inspection, which averages channels and positions of a 3x3 patch
 * in one row to a fixed width, 1024 there.
 */
export type Embedding = 'concat' | 'official';

/** Which levels of the teacher make patches, and on which grid. Follows from a part's options and its teacher. */
export interface PatchPlan {
  /** Indexes into the teacher's levels, from shallow to deep. */
  readonly levels: readonly number[];
  /** `[height, width]` in positions. */
  readonly grid: Size;
  readonly embedding: Embedding;
  /** Whether levels are brought to the grid before their neighborhoods are averaged: on a coarser grid that is wider. */
  readonly gridFirst: boolean;
  /** Length of the vector of one position. */
  readonly width: number;
}

/** The width of each level of the `official` embedding before they are joined, and of a patch vector of PatchCore. */
const OFFICIAL_WIDTH = 1024;

/**
 * Indexes into a teacher's levels, from shallow to deep, each once.
 * @param levels their numbers, 1 for the shallowest.
 * @throws {DskdError} `invalid-config` for levels the teacher does not have.
 */
export function levelIndexes(teacher: FeatureExtractor, levels: readonly number[]): number[] {
  const count = teacher.levels.length;
  const wrong = levels.find((level) => level < 1 || level > count);
  if (wrong !== undefined) {
    throw new DskdError(
      'invalid-config',
      `Got level ${wrong} of teacher ${teacher.name}; wanted levels from 1 (the shallowest) to ${count}.`,
      { details: { levels, teacher: teacher.name } },
    );
  }
  return [...new Set(levels)].sort((a, b) => a - b).map((level) => level - 1);
}

/**
 * Chooses levels and grid.
 * @param options.levels numbers of the teacher's levels, 1 for the shallowest, at least one.
 * @param options.gridLevel number of the level whose positions are the grid.
 * @throws {DskdError} `invalid-config` for levels the teacher does not have.
 */
export function planPatches(
  teacher: FeatureExtractor,
  inputSize: Size,
  options: {
    readonly levels: readonly number[];
    readonly gridLevel: number;
    readonly embedding?: Embedding;
    readonly gridFirst?: boolean;
  },
): PatchPlan {
  const { embedding = 'concat', gridFirst = false } = options;
  const levels = levelIndexes(teacher, options.levels);
  const [gridLevel] = levelIndexes(teacher, [options.gridLevel]);
  const shapes = teacher.outputShapes([inputSize[0], inputSize[1]]);
  const [height, width] = shapes[gridLevel!]!;
  const channels = levels.reduce((sum, level) => sum + shapes[level]![2], 0);
  return {
    levels,
    grid: [height, width],
    embedding,
    gridFirst,
    width: embedding === 'official' ? OFFICIAL_WIDTH : channels,
  };
}

/** The mean of each 3x3 neighborhood; positions outside the map count as zeros, as in torch's `avg_pool2d`. */
function neighborhoodMeans(features: tf.Tensor4D): tf.Tensor4D {
  const padded = tf.pad4d(features, [
    [0, 0],
    [1, 1],
    [1, 1],
    [0, 0],
  ]);
  return tf.avgPool(padded, 3, 1, 'valid');
}

/** Bilinear with half-pixel centers; features on that grid stay as they are. */
export function toGrid(features: tf.Tensor4D, [height, width]: Size): tf.Tensor4D {
  const [, rows, columns] = features.shape;
  if (rows === height && columns === width) return features;
  return tf.image.resizeBilinear(features, [height, width], false, true);
}

/** The entries `[from, to)` of `length` whose mean is output `index` of `outputs`, as in torch's `adaptive_avg_pool1d`. */
function pooledRange(index: number, length: number, outputs: number): [from: number, to: number] {
  return [Math.floor((index * length) / outputs), Math.ceil(((index + 1) * length) / outputs)];
}

/**
 * The part of one level, the `place`-th of `levels`, in the official embedding, as a 3x3 filter. A patch, flattened as
 * (channel, row, column), is pooled to 1024 values; then the values of all levels, level after level, to `width`.
 */
function officialFilter(channels: number, place: number, levels: number, width: number): tf.Tensor4D {
  const values = new Float32Array(9 * channels * width);
  for (let output = 0; output < width; output++) {
    const [first, last] = pooledRange(output, levels * OFFICIAL_WIDTH, width);
    for (let joined = first; joined < last; joined++) {
      if (Math.floor(joined / OFFICIAL_WIDTH) !== place) continue;
      const [from, to] = pooledRange(joined % OFFICIAL_WIDTH, 9 * channels, OFFICIAL_WIDTH);
      for (let input = from; input < to; input++) {
        const channel = Math.floor(input / 9);
        values[((input % 9) * channels + channel) * width + output]! += 1 / ((last - first) * (to - from));
      }
    }
  }
  return tf.tensor4d(values, [3, 3, channels, width]);
}

/** Makes patches of a teacher's features as a plan says. */
export class PatchEmbedder {
  readonly #filters: readonly tf.Tensor4D[];

  constructor(
    readonly plan: PatchPlan,
    teacher: FeatureExtractor,
  ) {
    const { levels, embedding, width } = plan;
    this.#filters =
      embedding === 'official'
        ? levels.map((level, place) =>
            officialFilter(teacher.levels[level]!.channels, place, levels.length, width),
          )
        : [];
  }

  /**
   * @param features the teacher's, one tensor per level; the caller keeps them.
   * @returns `[batch, grid height, grid width, width]`; the caller disposes it.
   */
  embed(features: readonly tf.Tensor4D[]): tf.Tensor4D {
    const { levels, grid, embedding, gridFirst } = this.plan;
    return tf.tidy(() => {
      if (embedding === 'official') {
        return tf.addN(
          levels.map((level, place) =>
            toGrid(tf.conv2d(features[level]!, this.#filters[place]!, 1, 'same'), grid),
          ),
        );
      }
      const parts = levels.map((index) => {
        const level = features[index]!;
        return gridFirst ? neighborhoodMeans(toGrid(level, grid)) : toGrid(neighborhoodMeans(level), grid);
      });
      return parts.length === 1 ? parts[0]!.clone() : tf.concat(parts, 3);
    });
  }

  dispose(): void {
    tf.dispose([...this.#filters]);
  }
}
