import { randomStream } from '@dskd/base';
import { kCenterCoreset, NeighborBank, randomProjection, type Rows } from '@dskd/closed-form';
import { checkMetadata, type StateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { BranchOutput, FitInput, JsonObject, NearestPatch, Size } from '../contract.js';
import { assertFitKept, floats, gatherRows, joinRows, roundedAs, rowsOf, tensorOf } from './matrices.js';
import type { Part, PartContext, PartFitter } from './parts.js';
import { PatchEmbedder, planPatches, type PatchPlan } from './patches.js';
import { bankOptions, gridLevelFor, levelsOf, type BankOptions } from './part-options.js';

// PatchCore (Roth et al., CVPR 2022; code: amazon-science/patchcore-inspection): the distance of each patch of an image
// to the nearest of a coreset of the training images' patches.

const bankConfig = z.object({
  options: bankOptions,
  /** Weight of a position in a patch vector, times the root mean square of the training patches' lengths. */
  positionScale: z.number().nonnegative(),
  /** Distance to the bank that a tenth of the training patches exceed: a lesson adds patches farther than that. */
  radius: z.number().nonnegative(),
  /** What each lesson added, the latest last: rows at the end of the bank, from so many images. */
  lessons: z.array(z.object({ rows: z.int().nonnegative(), images: z.int().nonnegative() })),
  /** Images of the fit. */
  images: z.int().positive(),
});
type BankConfig = z.output<typeof bankConfig>;

/** Patches with where each comes from: `(image, row, column)`. */
interface Patches {
  readonly rows: Rows;
  readonly origins: Int32Array;
}

/** What a lesson that has not ended gathered of a batch. */
interface Pending extends Patches {
  readonly images: number;
}

/** At most so many rows are added by one lesson. */
const LESSON_ROWS = 256;

/** Training patches that tell how far patches of good images are from the bank. */
const RADIUS_SAMPLE = 4096;

/** Makes patch vectors, with their positions where these count. */
class BankPatches {
  readonly #embedder: PatchEmbedder;
  readonly #coordinates: tf.Tensor4D | undefined;

  constructor(
    readonly plan: PatchPlan,
    { teacher }: PartContext,
    positionScale: number,
  ) {
    this.#embedder = new PatchEmbedder(plan, teacher.extractor);
    if (positionScale === 0) return;
    const [height, width] = plan.grid;
    const values = new Float32Array(height * width * 2);
    for (let place = 0; place < height * width; place++) {
      values[2 * place] = (positionScale * Math.floor(place / width)) / Math.max(1, height - 1);
      values[2 * place + 1] = (positionScale * (place % width)) / Math.max(1, width - 1);
    }
    this.#coordinates = tf.tensor4d(values, [1, height, width, 2]);
  }

  get width(): number {
    return this.plan.width + (this.#coordinates ? 2 : 0);
  }

  /** @returns `[batch * grid height * grid width, width]`; the caller disposes it. */
  of(features: readonly tf.Tensor4D[]): tf.Tensor2D {
    return tf.tidy(() => {
      const patches = this.#embedder.embed(features);
      const [batch] = patches.shape;
      const coordinates = this.#coordinates;
      const whole = coordinates
        ? tf.concat([patches, tf.tile(coordinates, [batch, 1, 1, 1])], 3)
        : patches;
      return tf.reshape(whole, [-1, this.width]);
    });
  }

  dispose(): void {
    this.#embedder.dispose();
    this.#coordinates?.dispose();
  }
}

/** A bank of good patches as a branch. */
export class BankPart implements Part {
  readonly info;
  #bank: NeighborBank;
  #pending: Pending[] = [];

  constructor(
    readonly name: string,
    private readonly patches: BankPatches,
    private readonly inputSize: Size,
    private config: BankConfig,
    rows: Rows,
    private origins: Int32Array,
  ) {
    this.info = { name, map: true };
    this.#bank = new NeighborBank(rows);
  }

  async #nearest(
    features: readonly tf.Tensor4D[],
  ): Promise<{ readonly distances: Float32Array; readonly indices: Int32Array }> {
    const queries = this.patches.of(features);
    return this.#bank.nearest(queries).finally(() => queries.dispose());
  }

  async score(features: readonly tf.Tensor4D[]): Promise<BranchOutput> {
    const { distances, indices } = await this.#nearest(features);
    const [height, width] = this.patches.plan.grid;
    const batch = features[0]!.shape[0];
    const { reweight } = this.config.options;
    if (reweight > 1) await this.#reweight(features, distances, indices, reweight);
    return { name: this.name, map: tf.tensor3d(distances, [batch, height, width]) };
  }

  /**
   * Eq. 7 of the PatchCore paper: an image's distances are multiplied by 1 - softmax of the distance of its farthest
   * patch to the bank row nearest to it, among that row's `count` nearest rows. The whole map is, so that its maximum
   * is the image's score.
   */
  async #reweight(
    features: readonly tf.Tensor4D[],
    distances: Float32Array,
    indices: Int32Array,
    count: number,
  ): Promise<void> {
    const queries = this.patches.of(features);
    const values = (await queries.data()) as Float32Array;
    queries.dispose();
    const { rows } = this.#bank;
    const batch = features[0]!.shape[0];
    const places = distances.length / batch;
    for (let image = 0; image < batch; image++) {
      const own = distances.subarray(image * places, (image + 1) * places);
      const farthest = own.reduce((best, distance, place) => (distance > own[best]! ? place : best), 0);
      const at = image * places + farthest;
      const patch = values.subarray(at * rows.width, (at + 1) * rows.width);
      const neighbors = this.#bank.neighbors(indices[at]!, count);
      const lengths = Array.from(neighbors, (row) => distanceOf(patch, rows, row));
      // Subtracting the maximum keeps exp finite for distances of hundreds.
      const largest = Math.max(...lengths);
      const sum = lengths.reduce((total, length) => total + Math.exp(length - largest), 0);
      const factor = 1 - Math.exp(own[farthest]! - largest) / sum;
      own.forEach((distance, place) => (own[place] = distance * factor));
    }
  }

  /**
   * The training patches nearest to places of one image.
   * @param places `[row, column]` in pixels of the network's input.
   */
  async nearestPatches(
    features: readonly tf.Tensor4D[],
    places: readonly (readonly [number, number])[],
  ): Promise<NearestPatch[]> {
    const { distances, indices } = await this.#nearest(features);
    const [rows, columns] = this.patches.plan.grid;
    const [height, width] = this.inputSize;
    const cell = { width: width / columns, height: height / rows };
    return places.map(([y, x]) => {
      const at =
        Math.min(rows - 1, Math.floor(y / cell.height)) * columns +
        Math.min(columns - 1, Math.floor(x / cell.width));
      const [image, row, column] = this.origins.subarray(3 * indices[at]!, 3 * indices[at]! + 3);
      const area = { x: column! * cell.width, y: row! * cell.height, ...cell };
      return { image: image!, area, distance: distances[at]! };
    });
  }

  async learn(features: readonly tf.Tensor4D[]): Promise<void> {
    const queries = this.patches.of(features);
    try {
      const { distances } = await this.#bank.nearest(queries);
      const values = (await queries.data()) as Float32Array;
      const all = { data: values, count: distances.length, width: this.patches.width };
      const far = Int32Array.from(distances.keys()).filter((at) => distances[at]! > this.config.radius);
      const [height, width] = this.patches.plan.grid;
      const seen = [...this.config.lessons, ...this.#pending];
      const first = seen.reduce((sum, { images }) => sum + images, this.config.images);
      const origins = originsOf(far, first, [height, width]);
      this.#pending.push({ rows: gatherRows(all, far), origins, images: features[0]!.shape[0] });
    } finally {
      queries.dispose();
    }
  }

  async endLesson(): Promise<void> {
    const lesson = this.#pending.splice(0);
    const pending = lesson.filter(({ rows }) => rows.count > 0);
    let added = 0;
    if (pending.length > 0) {
      const rows = joinRows(pending.map((patches) => patches.rows));
      const origins = joinOrigins(pending.map((patches) => patches.origins));
      const chosen = await kCenterCoreset(rows, LESSON_ROWS, { first: 0 });
      const { storage } = this.config.options;
      const picked = gatherRows(rows, chosen);
      const rounded = { ...picked, data: roundedAs(storage, `${this.name}.rows`, picked.data) };
      this.#replace(joinRows([this.#bank.rows, rounded]), joinOrigins([this.origins, pick(origins, chosen)]));
      added = rounded.count;
    }
    const images = lesson.reduce((sum, batch) => sum + batch.images, 0);
    this.config = { ...this.config, lessons: [...this.config.lessons, { rows: added, images }] };
  }

  dropLesson(): void {
    this.#pending = [];
  }

  forget(): void {
    const added = this.config.lessons.at(-1)?.rows ?? 0;
    const count = this.#bank.rows.count - added;
    this.#replace(
      gatherRows(this.#bank.rows, Int32Array.from({ length: count }, (_, index) => index)),
      this.origins.slice(0, 3 * count),
    );
    this.config = { ...this.config, lessons: this.config.lessons.slice(0, -1) };
  }

  #replace(rows: Rows, origins: Int32Array): void {
    this.#bank.dispose();
    this.#bank = new NeighborBank(rows);
    this.origins = origins;
  }

  save(): { config: JsonObject; tensors: StateDict } {
    const { rows } = this.#bank;
    const tensors: StateDict = new Map();
    tensors.set('rows', floats([rows.count, rows.width], rows.data));
    tensors.set('origins', { dtype: 'I32', shape: [rows.count, 3], data: this.origins });
    return { config: JSON.parse(JSON.stringify(this.config)) as JsonObject, tensors };
  }

  dispose(): void {
    this.#bank.dispose();
    this.patches.dispose();
  }
}

function distanceOf(vector: Float32Array, { data, width }: Rows, row: number): number {
  let sum = 0;
  for (let column = 0; column < width; column++) {
    sum += (vector[column]! - data[row * width + column]!) ** 2;
  }
  return Math.sqrt(sum);
}

/** `(image, row, column)` of the patches at `places` of a batch whose first image has the index `first`. */
function originsOf(places: Int32Array, first: number, [height, width]: readonly [number, number]): Int32Array {
  const origins = new Int32Array(3 * places.length);
  places.forEach((place, index) => {
    const within = place % (height * width);
    origins.set(
      [first + Math.floor(place / (height * width)), Math.floor(within / width), within % width],
      3 * index,
    );
  });
  return origins;
}

function joinOrigins(all: readonly Int32Array[]): Int32Array {
  const joined = new Int32Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const origins of all) {
    joined.set(origins, at);
    at += origins.length;
  }
  return joined;
}

function pick(origins: Int32Array, indexes: Int32Array): Int32Array {
  return joinOrigins(Array.from(indexes, (index) => origins.subarray(3 * index, 3 * index + 3)));
}

/** Collects patches of the training images, at most `maxPatches`, then keeps a coreset of them. */
export class BankFitter implements PartFitter {
  readonly #plan: PatchPlan;
  readonly #embedder: PatchEmbedder;
  readonly #perImage: number;
  readonly #patches: { data: Float32Array; origins: Int32Array; count: number };
  readonly #total: number;

  constructor(
    readonly name: string,
    private readonly options: BankOptions,
    private readonly input: FitInput,
    private readonly context: PartContext,
  ) {
    this.#plan = bankPlan(options, context);
    this.#embedder = new PatchEmbedder(this.#plan, context.teacher.extractor);
    const [height, width] = this.#plan.grid;
    const images = input.trainingImages.length;
    this.#perImage = Math.min(height * width, Math.max(1, Math.floor(options.maxPatches / images)));
    this.#total = images * height * width;
    const count = images * this.#perImage;
    this.#patches = {
      data: new Float32Array(count * this.#plan.width),
      origins: new Int32Array(3 * count),
      count: 0,
    };
  }

  async add(features: readonly tf.Tensor4D[], first: number): Promise<void> {
    const embedded = this.#embedder.embed(features);
    const values = (await embedded.data()) as Float32Array;
    const [batch, height, width] = embedded.shape;
    embedded.dispose();
    const patches = this.#patches;
    const places = height * width;
    for (let image = 0; image < batch; image++) {
      const chosen = chosenPlaces(places, this.#perImage, this.input.seed, first + image);
      for (const place of chosen) {
        const start = (image * places + place) * this.#plan.width;
        patches.data.set(values.subarray(start, start + this.#plan.width), patches.count * this.#plan.width);
        patches.origins.set(
          [first + image, Math.floor(place / width), place % width],
          3 * patches.count,
        );
        patches.count++;
      }
    }
  }

  /** The patches with their positions appended, where these count. */
  #withPositions(): { readonly rows: Rows; readonly positionScale: number } {
    const { data, origins, count } = this.#patches;
    const { width } = this.#plan;
    const { positionWeight } = this.options;
    if (positionWeight === 0) return { rows: { data, count, width }, positionScale: 0 };
    let squares = 0;
    for (const value of data) squares += value * value;
    const positionScale = Math.fround(positionWeight * Math.sqrt(squares / count));
    const [height, columns] = this.#plan.grid;
    const whole = new Float32Array(count * (width + 2));
    for (let row = 0; row < count; row++) {
      const at = row * (width + 2);
      whole.set(data.subarray(row * width, (row + 1) * width), at);
      whole[at + width] = (positionScale * origins[3 * row + 1]!) / Math.max(1, height - 1);
      whole[at + width + 1] = (positionScale * origins[3 * row + 2]!) / Math.max(1, columns - 1);
    }
    return { rows: { data: whole, count, width: width + 2 }, positionScale };
  }

  async finish(
    progress: (done: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<{ part: BankPart; record: JsonObject }> {
    const { options, context } = this;
    const { seed } = this.input;
    const { rows, positionScale } = this.#withPositions();
    const wanted = coresetSize(options, this.#total);
    const projected = rows.width > options.projection ? await randomProjection(rows, options.projection, seed) : rows;
    const chosen = await kCenterCoreset(projected, wanted, {
      first: randomStream(seed, 'coreset', this.name).integer(rows.count),
      onProgress: (selected, count) => progress((0.95 * selected) / count),
      ...(signal && { signal }),
    });
    const picked = gatherRows(rows, chosen);
    const bank = { ...picked, data: roundedAs(options.storage, `${this.name}.rows`, picked.data) };
    const config: BankConfig = {
      options,
      positionScale,
      radius: await this.#radius(rows, bank),
      lessons: [],
      images: this.input.trainingImages.length,
    };
    progress(1);
    const patches = new BankPatches(this.#plan, context, positionScale);
    const part = new BankPart(this.name, patches, context.inputSize, config, bank, pick(this.#patches.origins, chosen));
    return { part, record: { patches: rows.count, rows: bank.count, width: bank.width } };
  }

  /** The 0.9 quantile of the distances of some training patches to the bank. */
  async #radius(rows: Rows, bank: Rows): Promise<number> {
    const step = Math.max(1, Math.floor(rows.count / RADIUS_SAMPLE));
    const sample = gatherRows(
      rows,
      Int32Array.from({ length: Math.floor(rows.count / step) }, (_, index) => index * step),
    );
    const neighbors = new NeighborBank(bank);
    const queries = tf.tensor2d(sample.data, [sample.count, sample.width]);
    try {
      const { distances } = await neighbors.nearest(queries);
      return distances.sort()[Math.floor(0.9 * (distances.length - 1))]!;
    } finally {
      queries.dispose();
      neighbors.dispose();
    }
  }

  dispose(): void {
    this.#embedder.dispose();
  }
}

/** Which `count` of `places` positions an image gives: all, or a draw of (seed, image), in ascending order. */
function chosenPlaces(places: number, count: number, seed: number, image: number): Int32Array {
  const all = Int32Array.from({ length: places }, (_, place) => place);
  if (count >= places) return all;
  return randomStream(seed, 'patches', image).shuffle(all).slice(0, count).sort();
}

function coresetSize({ coreset }: BankOptions, patches: number): number {
  return 'count' in coreset ? coreset.count : Math.max(1, Math.round(coreset.fraction * patches));
}

function bankPlan(options: BankOptions, { teacher, inputSize }: PartContext): PatchPlan {
  return planPatches(teacher.extractor, inputSize, {
    levels: levelsOf(options.levels, teacher.extractor, 'all'),
    gridLevel: options.gridLevel ?? gridLevelFor(teacher.extractor, 8),
    embedding: options.embedding,
  });
}

/**
 * Restores a bank.
 * @throws {DskdError} `artifact-invalid`, `weights-mismatch`
 */
export function restoreBank(
  name: string,
  config: unknown,
  tensors: StateDict,
  context: PartContext,
): BankPart {
  const checked = checkMetadata(bankConfig, config, 'detector');
  const patches = new BankPatches(bankPlan(checked.options, context), context, checked.positionScale);
  try {
    const rows = rowsOf(tensors, 'rows', patches.width);
    assertFitKept(
      name,
      rows,
      checked.lessons.map((lesson) => lesson.rows),
    );
    const origins = tensorOf(tensors, 'origins', [rows.count, 3]);
    return new BankPart(name, patches, context.inputSize, checked, rows, origins.data as Int32Array);
  } catch (error) {
    patches.dispose();
    throw error;
  }
}
