import { randomStream } from '@dskd/base';
import {
  kCenterCoreset,
  NeighborBank,
  principalRotation,
  randomProjection,
  type Rows,
} from '@dskd/closed-form';
import * as tf from '@tensorflow/tfjs-core';
import type { FitInput, JsonObject } from '../contract.js';
import { BankPart, roundedPatches } from './bank-part.js';
import { coordinatesOf, gatherPatches, originsOf } from './bank-patches.js';
import { gatherRows } from './matrices.js';
import type { BankOptions } from './part-options.js';
import { download, type PartContext, type PartFitter } from './parts.js';
import { bankPlan } from './patch-plans.js';
import { PatchEmbedder, type PatchPlan } from './patches.js';

/** Training patches that tell how far patches of good images are from the bank. */
export const RADIUS_SAMPLE = 4096;

/** Patches that each of `images` images gives a bank: all, or so many that there are `maxPatches`, at least one. */
export function patchesPerImage({ grid }: PatchPlan, { maxPatches }: BankOptions, images: number): number {
  return Math.min(grid[0] * grid[1], Math.max(1, Math.floor(maxPatches / images)));
}

/** Rows that a bank of `images` images keeps, where it is given so many patches. */
export function coresetSize({ grid }: PatchPlan, { coreset }: BankOptions, images: number): number {
  if ('count' in coreset) return coreset.count;
  return Math.max(1, Math.round(coreset.fraction * images * grid[0] * grid[1]));
}

/** Collects patches of the training images, then keeps a coreset of them. */
export class BankFitter implements PartFitter {
  readonly #plan: PatchPlan;
  readonly #perImage: number;
  readonly #data: Float32Array;
  readonly #origins: Int32Array;
  #count = 0;
  readonly #embedder: PatchEmbedder;

  constructor(
    readonly name: string,
    private readonly options: BankOptions,
    private readonly input: FitInput,
    private readonly context: PartContext,
  ) {
    this.#plan = bankPlan(options, context);
    const images = input.trainingImages.length;
    this.#perImage = patchesPerImage(this.#plan, options, images);
    this.#data = new Float32Array(images * this.#perImage * this.#plan.width);
    this.#origins = new Int32Array(3 * images * this.#perImage);
    this.#embedder = new PatchEmbedder(this.#plan, context.teacher.extractor);
  }

  async add(features: readonly tf.Tensor4D[], first: number): Promise<void> {
    const batch = features[0]!.shape[0];
    const values = await download(this.#embedder.embed(features));
    const { grid, width } = this.#plan;
    const places = grid[0] * grid[1];
    for (let image = 0; image < batch; image++) {
      const chosen = chosenPlaces(places, this.#perImage, this.input.seed, first + image);
      this.#origins.set(originsOf(chosen, first + image, grid), 3 * this.#count);
      const own = values.subarray(image * places * width, (image + 1) * places * width);
      if (chosen.length === places) {
        this.#data.set(own, this.#count * width);
      } else {
        chosen.forEach((place, at) =>
          this.#data.set(own.subarray(place * width, (place + 1) * width), (this.#count + at) * width),
        );
      }
      this.#count += chosen.length;
    }
  }

  /** The patches with their positions appended, where these count. */
  #rows(): { readonly rows: Rows; readonly positionScale: number } {
    const { grid, width } = this.#plan;
    const { positionWeight } = this.options;
    const count = this.#count;
    if (positionWeight === 0) return { rows: { data: this.#data, count, width }, positionScale: 0 };
    const squares = this.#data.reduce((sum, value) => sum + value * value, 0);
    const positionScale = positionWeight * Math.sqrt(squares / count);
    const rows = { data: new Float32Array(count * (width + 2)), count, width: width + 2 };
    for (let row = 0; row < count; row++) {
      const [, down, right] = this.#origins.subarray(3 * row, 3 * row + 3);
      const at = row * rows.width;
      rows.data.set(this.#data.subarray(row * width, (row + 1) * width), at);
      rows.data.set(coordinatesOf(down!, right!, positionScale, grid), at + width);
    }
    return { rows, positionScale };
  }

  async finish(
    progress: (done: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<{ part: BankPart; record: JsonObject }> {
    const { options, name } = this;
    const { seed, trainingImages } = this.input;
    const { rows, positionScale } = this.#rows();
    const { projection } = options;
    const projected = rows.width > projection ? await randomProjection(rows, projection, seed) : rows;
    const chosen = await kCenterCoreset(
      await principalRotation(projected),
      coresetSize(this.#plan, options, trainingImages.length),
      {
        first: randomStream(seed, 'coreset', name).integer(rows.count),
        onProgress: (selected, wanted) => progress((0.95 * selected) / wanted),
        ...(signal && { signal }),
      },
    );
    const coreset = gatherPatches({ rows, origins: this.#origins }, chosen);
    const bank = roundedPatches(coreset, { options }, name);
    const radius = await radiusOf(rows, bank.rows);
    progress(1);
    const config = { options, positionScale, radius, images: trainingImages.length, lessons: [] };
    const part = new BankPart(name, this.context, config, bank);
    return { part, record: { patches: rows.count, rows: bank.rows.count, width: bank.rows.width } };
  }

  dispose(): void {
    this.#embedder.dispose();
  }
}

/** The 0.9 quantile of the distances of some training patches to the bank. */
async function radiusOf(rows: Rows, bank: Rows): Promise<number> {
  const step = Math.max(1, Math.floor(rows.count / RADIUS_SAMPLE));
  const count = Math.floor(rows.count / step);
  const sample = gatherRows(
    rows,
    Int32Array.from({ length: count }, (_, index) => index * step),
  );
  const neighbors = new NeighborBank(bank);
  const queries = tf.tensor2d(sample.data, [sample.count, sample.width]);
  try {
    const { distances } = await neighbors.nearest(queries);
    return distances.sort()[Math.floor(0.9 * (count - 1))]!;
  } finally {
    queries.dispose();
    neighbors.dispose();
  }
}

/** Which `count` of `places` positions an image gives: all, or a draw of (seed, image), in ascending order. */
function chosenPlaces(places: number, count: number, seed: number, image: number): Int32Array {
  const all = Int32Array.from({ length: places }, (_, place) => place);
  if (count >= places) return all;
  return randomStream(seed, 'patches', image).shuffle(all).slice(0, count).sort();
}
