import { DskdError } from '@dskd/base';
import { kCenterCoreset, NeighborBank, type Nearest, type Rows } from '@dskd/closed-form';
import { type StateDict, tensorFiles } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { BranchInfo, BranchOutput, BranchTensors, NearestPatch } from '../contract.js';
import { asJson } from '../json.js';
import {
  gatherPatches,
  joinPatches,
  originsOf,
  PatchVectors,
  shiftImages,
  type Patches,
} from './bank-patches.js';
import { firstRows, floats, integersOf, roundedAs, rowsOf } from './matrices.js';
import { bankOptions } from './part-options.js';
import type { LearningPart, Lesson, PartContext, SavedPart } from './parts.js';
import { bankPlan } from './patch-plans.js';

// PatchCore (Roth et al., CVPR 2022; code: amazon-science/patchcore-inspection): the distance of each patch of an image
// to the nearest of a coreset of the training images' patches.

const bankConfig = z.object({
  options: bankOptions,
  /**
   * What the whole height or width of the image adds to a distance, where positions count: their weight times the root
   * mean square of the training patches' lengths.
   */
  positionScale: z.number().nonnegative(),
  /** Distance to the bank that a tenth of the training patches exceed: a lesson adds patches farther than that. */
  radius: z.number().nonnegative(),
  /** Images of the fit. */
  images: z.int().positive(),
  /** How many images each lesson had, and how many rows it added at the end of the bank; the latest is last. */
  lessons: z.array(z.object({ images: z.int().positive(), rows: z.int().nonnegative() })),
});
export type BankConfig = z.output<typeof bankConfig>;

type PatchOrigin = Omit<NearestPatch, 'distance'>;

/** At most so many rows are added by one lesson. */
const LESSON_ROWS = 256;

/** A bank of good patches as a branch. */
export class BankPart implements LearningPart {
  readonly info: BranchInfo;
  readonly #vectors: PatchVectors;
  #bank: NeighborBank;
  #origins: Int32Array;

  constructor(
    readonly name: string,
    private readonly context: PartContext,
    private config: BankConfig,
    { rows, origins }: Patches,
  ) {
    this.info = { name, map: true };
    // Before the vectors: it refuses rows that are not finite.
    this.#bank = new NeighborBank(rows);
    const { options, positionScale } = config;
    const plan = bankPlan(options, context);
    this.#vectors = new PatchVectors(plan, context, options.positionWeight > 0 ? positionScale : null);
    this.#origins = origins;
  }

  get lessons(): number {
    return this.config.lessons.length;
  }

  async #nearest(features: readonly tf.Tensor4D[]): Promise<Nearest & { readonly queries: Rows }> {
    const queries = this.#vectors.of(features);
    try {
      const nearest = await this.#bank.nearest(queries);
      const [count, width] = queries.shape;
      return { ...nearest, queries: { data: (await queries.data()) as Float32Array, count, width } };
    } finally {
      queries.dispose();
    }
  }

  async score(features: readonly tf.Tensor4D[]): Promise<BranchOutput> {
    const { distances, indices, queries } = await this.#nearest(features);
    const [height, width] = this.#vectors.plan.grid;
    const places = height * width;
    for (let first = 0; this.config.options.reweight > 1 && first < distances.length; first += places) {
      const own = distances.subarray(first, first + places);
      const factor = this.#reweighting(own, indices.subarray(first), queries, first);
      own.forEach((distance, place) => (own[place] = distance * factor));
    }
    return { name: this.name, map: tf.tensor3d(distances, [distances.length / places, height, width]) };
  }

  /**
   * Eq. 7 of the PatchCore paper: 1 - softmax of the distance of an image's farthest patch to the bank row nearest to
   * it, among the distances to that row's nearest rows. It is the factor of the whole map, so that the map's maximum is
   * the image's score.
   */
  #reweighting(distances: Float32Array, indices: Int32Array, queries: Rows, first: number): number {
    const farthest = distances.reduce((best, value, place) => (value > distances[best]! ? place : best), 0);
    const start = (first + farthest) * queries.width;
    const patch = queries.data.subarray(start, start + queries.width);
    const neighbors = this.#bank.neighbors(indices[farthest]!, this.config.options.reweight);
    const lengths = Array.from(neighbors, (row) => distanceOf(patch, this.#bank.rows, row));
    // Subtracting the maximum keeps exp finite for distances of hundreds.
    const largest = Math.max(...lengths);
    const sum = lengths.reduce((total, length) => total + Math.exp(length - largest), 0);
    return 1 - Math.exp(lengths[0]! - largest) / sum;
  }

  scoreTensors(features: readonly tf.Tensor4D[]): BranchTensors {
    const [height, width] = this.#vectors.plan.grid;
    const places = height * width;
    const neighbors = this.config.options.reweight;
    const map = tf.tidy(() => {
      const { mean, rows, halfNorms } = this.#bank.tensors();
      const closeness = (vectors: tf.Tensor2D): tf.Tensor2D =>
        tf.sub(tf.matMul(vectors, rows, false, true), halfNorms);
      const queries = tf.sub<tf.Tensor2D>(this.#vectors.of(features), mean);
      // Closeness is rounded: of the two closest rows the distances decide.
      const { indices: candidates } = tf.topk(closeness(queries), Math.min(2, rows.shape[0]));
      const both = distancesOf(tf.expandDims<tf.Tensor3D>(queries, 1), gatherRowsOf(rows, candidates));
      const maps = tf.reshape<tf.Rank.R2>(tf.min(both, 1), [-1, places]);
      if (!(neighbors > 1)) return tf.reshape<tf.Rank.R3>(maps, [-1, height, width]);
      // As #reweighting, of all images at once.
      const isChosen = tf.cast(tf.equal(both, tf.min(both, 1, true)), 'float32');
      const indices = tf.max(tf.mul(isChosen, tf.cast(candidates, 'float32')), 1);
      const farthest = tf.argMax<tf.Tensor1D>(maps, 1);
      const isFarthest = tf.cast(
        tf.equal(tf.reshape(farthest, [-1, 1]), tf.range(0, places, 1, 'int32')),
        'float32',
      );
      const chosen = tf.sum(tf.mul(isFarthest, tf.reshape(indices, [-1, places])), 1);
      const patches = tf.matMul<tf.Tensor3D>(
        tf.reshape(isFarthest, [-1, 1, places]),
        tf.reshape(queries, [-1, places, queries.shape[1]]),
      );
      const nearest = tf.gather<tf.Tensor2D>(rows, tf.cast<tf.Tensor1D>(chosen as tf.Tensor1D, 'int32'));
      const { indices: beside } = tf.topk(closeness(nearest), Math.min(neighbors, rows.shape[0]));
      const lengths = distancesOf(patches, gatherRowsOf(rows, beside));
      const first = tf.slice(tf.softmax(lengths), [0, 0], [-1, 1]);
      return tf.reshape<tf.Rank.R3>(tf.mul(maps, tf.sub(1, first)), [-1, height, width]);
    });
    return { name: this.name, map };
  }

  /**
   * The training patches nearest to places of one image.
   * @param places `[row, column]` in pixels of the network's input, inside of it.
   */
  async nearestPatches(
    features: readonly tf.Tensor4D[],
    places: readonly (readonly [number, number])[],
  ): Promise<NearestPatch[]> {
    const { distances, indices } = await this.#nearest(features);
    const [rows, columns] = this.#vectors.plan.grid;
    const [height, width] = this.context.inputSize;
    const cell = { width: width / columns, height: height / rows };
    return places.map(([y, x]) => {
      const row = Math.min(rows - 1, Math.floor(y / cell.height));
      const column = Math.min(columns - 1, Math.floor(x / cell.width));
      const at = row * columns + column;
      return { ...this.#origin(indices[at]!, cell), distance: distances[at]! };
    });
  }

  /** Where a bank row comes from. */
  #origin(index: number, cell: { readonly width: number; readonly height: number }): PatchOrigin {
    const [image, row, column] = this.#origins.subarray(3 * index, 3 * index + 3);
    return { image: image!, area: { x: column! * cell.width, y: row! * cell.height, ...cell } };
  }

  beginLesson(): Lesson {
    const seen: Patches[] = [];
    let images = 0;
    return {
      add: async (features) => {
        const { distances, queries } = await this.#nearest(features);
        const far = Int32Array.from(distances.keys()).filter((at) => distances[at]! > this.config.radius);
        const everywhere = Int32Array.from(distances.keys());
        const origins = originsOf(everywhere, images, this.#vectors.plan.grid);
        seen.push(gatherPatches({ rows: queries, origins }, far));
        images += features[0]!.shape[0];
      },
      finish: async () => {
        const added = await this.#lessonPatches(joinPatches(seen));
        return () => {
          const { rows } = this.#bank;
          const known = { rows, origins: this.#origins };
          const before = this.config.lessons.reduce((sum, lesson) => sum + lesson.images, this.config.images);
          if (added.rows.count > 0) this.#replace(joinPatches([known, shiftImages(added, before)]));
          const lesson = { images, rows: added.rows.count };
          this.config = { ...this.config, lessons: [...this.config.lessons, lesson] };
        };
      },
    };
  }

  /** A coreset of a lesson's patches, rounded as they will be stored. */
  async #lessonPatches(patches: Patches): Promise<Patches> {
    if (patches.rows.count === 0) return patches;
    const chosen = await kCenterCoreset(patches.rows, LESSON_ROWS, { first: 0 });
    return roundedPatches(gatherPatches(patches, chosen), this.config, this.name);
  }

  forget(): void {
    const { lessons } = this.config;
    const count = this.#bank.rows.count - lessons.at(-1)!.rows;
    if (count < this.#bank.rows.count) {
      this.#replace({ rows: firstRows(this.#bank.rows, count), origins: this.#origins.slice(0, 3 * count) });
    }
    this.config = { ...this.config, lessons: lessons.slice(0, -1) };
  }

  #replace({ rows, origins }: Patches): void {
    this.#bank.dispose();
    this.#bank = new NeighborBank(rows);
    this.#origins = origins;
  }

  save(): SavedPart {
    const { rows } = this.#bank;
    const tensors: StateDict = new Map();
    tensors.set('rows', floats([rows.count, rows.width], rows.data));
    tensors.set('origins', { dtype: 'I32', shape: [rows.count, 3], data: this.#origins });
    return { config: asJson(this.config), tensors };
  }

  dispose(): void {
    this.#bank.dispose();
    this.#vectors.dispose();
  }
}

/** The rows at `indices` `[n, k]`, `[n, k, width]`. */
function gatherRowsOf(rows: tf.Tensor2D, indices: tf.Tensor): tf.Tensor3D {
  // The type of tf.gather says that the result has as many axes as the rows.
  return tf.gather<tf.Tensor>(rows, indices) as tf.Tensor3D;
}

/** `[n, k]` from `[n, 1, width]` and `[n, k, width]`. */
function distancesOf(vectors: tf.Tensor3D, rows: tf.Tensor3D): tf.Tensor2D {
  return tf.sqrt(tf.sum(tf.squaredDifference(vectors, rows), 2));
}

function distanceOf(vector: Float32Array, { data, width }: Rows, row: number): number {
  let sum = 0;
  for (let column = 0; column < width; column++) sum += (vector[column]! - data[row * width + column]!) ** 2;
  return Math.sqrt(sum);
}

/** Patches with their vectors as a file gives them back. */
export function roundedPatches(
  { rows, origins }: Patches,
  { options }: Pick<BankConfig, 'options'>,
  name: string,
): Patches {
  return { rows: { ...rows, data: roundedAs(options.storage, `${name}.rows`, rows.data) }, origins };
}

/**
 * Restores a bank.
 * @throws {DskdError} `artifact-invalid` for a config that is none, lessons of more rows than there are, or an origin
 * outside of all images; `weights-mismatch`; `invalid-config` for levels that the teacher does not have.
 */
export function restoreBank(
  name: string,
  config: unknown,
  tensors: StateDict,
  context: PartContext,
): BankPart {
  const checked = tensorFiles.checkMetadata(bankConfig, config, 'detector');
  const { options, lessons } = checked;
  const plan = bankPlan(options, context);
  const rows = rowsOf(tensors, 'rows', plan.width + (options.positionWeight > 0 ? 2 : 0));
  const origins = integersOf(tensors, 'origins', [rows.count, 3]);
  const taught = lessons.reduce((sum, lesson) => sum + lesson.rows, 0);
  const images = lessons.reduce((sum, lesson) => sum + lesson.images, checked.images);
  const ends = [images, ...plan.grid];
  const isOutside = (value: number, at: number): boolean => value < 0 || value >= ends[at % 3]!;
  if (taught >= rows.count || origins.some(isOutside)) {
    throw new DskdError(
      'artifact-invalid',
      `The bank ${name} of ${rows.count} rows does not fit its config: ${taught} rows of lessons, ` +
        `${images} images, a grid of ${plan.grid.join('x')}.`,
      { details: { rows: rows.count, taught, images, grid: plan.grid } },
    );
  }
  return new BankPart(name, context, checked, { rows, origins });
}
