import type { Rows } from '@dskd/closed-form';
import * as tf from '@tensorflow/tfjs-core';
import type { Size } from '../contract.js';
import { gatherRows, joinRows } from './matrices.js';
import type { PartContext } from './parts.js';
import { PatchEmbedder, type PatchPlan } from './patches.js';

/** Patch vectors with where each comes from: `(image, row, column)`, one after another. */
export interface Patches {
  readonly rows: Rows;
  readonly origins: Int32Array;
}

/** The patches at `indexes`, in that order. */
export function gatherPatches({ rows, origins }: Patches, indexes: Int32Array): Patches {
  const gathered = new Int32Array(3 * indexes.length);
  indexes.forEach((index, at) => gathered.set(origins.subarray(3 * index, 3 * index + 3), 3 * at));
  return { rows: gatherRows(rows, indexes), origins: gathered };
}

/** The patches of all, one after another; at least one of `all`. */
export function joinPatches(all: readonly Patches[]): Patches {
  const origins = new Int32Array(all.reduce((sum, patches) => sum + patches.origins.length, 0));
  let at = 0;
  for (const patches of all) {
    origins.set(patches.origins, at);
    at += patches.origins.length;
  }
  return { rows: joinRows(all.map(({ rows }) => rows)), origins };
}

/** The same patches of images whose indexes are larger by `offset`. */
export function shiftImages({ rows, origins }: Patches, offset: number): Patches {
  return { rows, origins: origins.map((value, at) => (at % 3 === 0 ? value + offset : value)) };
}

/** `(image, row, column)` of the patches at `places` of a batch whose first image has the index `first`. */
export function originsOf(places: Int32Array, first: number, [height, width]: Size): Int32Array {
  const origins = new Int32Array(3 * places.length);
  places.forEach((place, at) => {
    const within = place % (height * width);
    const image = first + Math.floor(place / (height * width));
    origins.set([image, Math.floor(within / width), within % width], 3 * at);
  });
  return origins;
}

/**
 * What a position adds to a patch vector: row and column, 0 at the upper left to `scale` at the lower right.
 * @param scale in the units of the features.
 */
export function coordinatesOf(
  row: number,
  column: number,
  scale: number,
  [height, width]: Size,
): [down: number, right: number] {
  return [(scale * row) / Math.max(1, height - 1), (scale * column) / Math.max(1, width - 1)];
}

/** Makes patch vectors, with their positions where these count. */
export class PatchVectors {
  readonly #embedder: PatchEmbedder;
  /** `[1, grid height, grid width, 2]` */
  readonly #coordinates: tf.Tensor4D | null;

  /** @param positionScale null where positions do not count. */
  constructor(
    readonly plan: PatchPlan,
    { teacher }: PartContext,
    positionScale: number | null,
  ) {
    this.#embedder = new PatchEmbedder(plan, teacher.extractor);
    const [height, width] = plan.grid;
    const places = Array.from({ length: height * width }, (_, place) => place);
    this.#coordinates =
      positionScale === null
        ? null
        : tf.tensor4d(
            places.flatMap((place) =>
              coordinatesOf(Math.floor(place / width), place % width, positionScale, plan.grid),
            ),
            [1, height, width, 2],
          );
  }

  get width(): number {
    return this.plan.width + (this.#coordinates ? 2 : 0);
  }

  /** @returns `[batch * grid height * grid width, width]`; the caller disposes it. */
  of(features: readonly tf.Tensor4D[]): tf.Tensor2D {
    return tf.tidy(() => {
      const patches = this.#embedder.embed(features);
      const whole = this.#coordinates
        ? tf.concat([patches, tf.tile(this.#coordinates, [patches.shape[0], 1, 1, 1])], 3)
        : patches;
      return tf.reshape(whole, [-1, this.width]);
    });
  }

  dispose(): void {
    this.#embedder.dispose();
    this.#coordinates?.dispose();
  }
}
