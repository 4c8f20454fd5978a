import type { Rows } from '@dskd/closed-form';
import { type StateDict, tensorFiles } from '@dskd/weights';
import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { BranchInfo, BranchOutput, JsonObject } from '../contract.js';
import { floats, floatsOf } from './matrices.js';
import { ImageVectorCollector, ImageVectors, nearestImages } from './nearest-images.js';
import { nearestImagesOptions, type NearestImagesOptions } from './part-options.js';
import type { Part, PartContext, PartFitter, SavedPart } from './parts.js';

// The image score of SPADE (Cohen and Hoshen, 2020, Sec. 3.2): the mean distance of an image's pooled features to those
// of the nearest training images. A branch without a map.

const configSchema = z.object({ options: nearestImagesOptions, images: z.int().positive() });

/** Distance to the nearest training images as a branch. Holds no tensors. */
export class NearestImagesPart implements Part {
  readonly info: BranchInfo;
  readonly #vectors: ImageVectors;

  constructor(
    readonly name: string,
    context: PartContext,
    private readonly options: NearestImagesOptions,
    private readonly known: Rows,
  ) {
    this.info = { name, map: false };
    this.#vectors = new ImageVectors(context);
  }

  async score(features: readonly tf.Tensor4D[]): Promise<BranchOutput> {
    const queries = await this.#vectors.of(features);
    const { neighbors } = this.options;
    const scores = Float32Array.from(
      { length: queries.count },
      (_, image) => nearestImages(this.known, queries, image, neighbors).distance,
    );
    return { name: this.name, map: null, scores };
  }

  save(): SavedPart {
    const { data, count } = this.known;
    // A vector stays float32 in a file of float16.
    const tensors: StateDict = new Map([['vectors', floats([data.length], data)]]);
    return { config: { options: { ...this.options }, images: count }, tensors };
  }

  dispose(): void {
    // Holds no tensors.
  }
}

/** Collects the pooled features of the training images. */
export class NearestImagesFitter implements PartFitter {
  readonly #collected: ImageVectorCollector;

  constructor(
    readonly name: string,
    private readonly options: NearestImagesOptions,
    private readonly context: PartContext,
  ) {
    this.#collected = new ImageVectorCollector(context);
  }

  add(features: readonly tf.Tensor4D[]): Promise<void> {
    return this.#collected.add(features);
  }

  finish(progress: (done: number) => void): Promise<{ part: Part; record: JsonObject }> {
    const { rows } = this.#collected;
    progress(1);
    const part = new NearestImagesPart(this.name, this.context, this.options, rows);
    return Promise.resolve({ part, record: { images: rows.count, width: rows.width } });
  }

  dispose(): void {
    // Holds no tensors.
  }
}

/**
 * Restores the vectors of the training images.
 * @throws {DskdError} `artifact-invalid` for a config that is none; `weights-mismatch`.
 */
export function restoreNearestImages(
  name: string,
  config: unknown,
  tensors: StateDict,
  context: PartContext,
): NearestImagesPart {
  const { options, images: count } = tensorFiles.checkMetadata(configSchema, config, 'detector');
  const { width } = new ImageVectors(context);
  const data = floatsOf(tensors, 'vectors', [count * width]);
  return new NearestImagesPart(name, context, options, { data, count, width });
}
