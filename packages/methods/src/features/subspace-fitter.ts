import { DskdError } from '@dskd/base';
import { principalAxes, principalSubspace } from '@dskd/closed-form';
import * as tf from '@tensorflow/tfjs-core';
import type { FitInput, JsonObject } from '../contract.js';
import { roundedAs, rowsOfVectors } from './matrices.js';
import type { SubspaceOptions } from './part-options.js';
import { download, drawnImages, type PartContext, type PartFitter } from './parts.js';
import { subspacePlan, withGridLevel } from './patch-plans.js';
import { PatchEmbedder, type PatchPlan } from './patches.js';
import { ChannelReduction, type ChannelAxes } from './reduced-maps.js';
import { SubspacePart } from './subspace-part.js';

/** Patches that the axes of the channels are found from, to twice as many. */
export const AXES_SAMPLE = 20_000;

/** Collects whole maps of training images, at most `maxImages`. */
export class SubspaceFitter implements PartFitter {
  private readonly options: SubspaceOptions;
  readonly #plan: PatchPlan;
  readonly #embedder: PatchEmbedder;
  readonly #chosen: ReadonlySet<number>;
  readonly #maps: Float32Array[] = [];

  constructor(
    readonly name: string,
    given: SubspaceOptions,
    input: FitInput,
    private readonly context: PartContext,
  ) {
    const options = withGridLevel(given, context);
    this.options = options;
    this.#plan = subspacePlan(options, context);
    this.#embedder = new PatchEmbedder(this.#plan, context.teacher.extractor);
    this.#chosen = drawnImages(input.trainingImages.length, options.maxImages, input.seed, 'subspace', name);
  }

  async add(features: readonly tf.Tensor4D[], first: number): Promise<void> {
    const batch = features[0]!.shape[0];
    const values = await download(this.#embedder.embed(features));
    const size = values.length / batch;
    for (let image = 0; image < batch; image++) {
      if (this.#chosen.has(first + image)) this.#maps.push(values.slice(image * size, (image + 1) * size));
    }
  }

  /** The principal axes of the channels, rounded as they will be stored; null where channels are not reduced. */
  #axes(): ChannelAxes | null {
    const { channels, storage } = this.options;
    const { width, grid } = this.#plan;
    if (channels === 0 || channels >= width) return null;
    const places = grid[0] * grid[1];
    const total = this.#maps.length * places;
    const step = Math.max(1, Math.floor(total / AXES_SAMPLE));
    const sample: Float32Array[] = [];
    for (let at = 0; at < total; at += step) {
      const start = (at % places) * width;
      sample.push(this.#maps[Math.floor(at / places)]!.subarray(start, start + width));
    }
    const { mean, components } = principalAxes(rowsOfVectors(sample), channels);
    if (components.count === 0) {
      throw new DskdError(
        'numerical-instability',
        `The features of all patches of the training images are equal; wanted some that vary, to fit ${this.name}.`,
        { hint: 'Look whether the images are all of one color, and whether the teacher has its weights.' },
      );
    }
    const data = roundedAs(storage, `${this.name}.axes.rows`, components.data);
    return { mean, rows: { ...components, data } };
  }

  async finish(
    progress: (done: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<{ part: SubspacePart; record: JsonObject }> {
    const { options, name } = this;
    const axes = this.#axes();
    const rows = rowsOfVectors(axes ? await reduced(this.#maps, axes) : this.#maps);
    const wanted = Math.max(1, Math.min(options.components, rows.count - 2));
    const { mean, components, variances } = await principalSubspace(rows, wanted, {
      onProgress: (done, total) => progress(done / total),
      ...(signal && { signal }),
    });
    const data = roundedAs(options.storage, `${name}.components`, components.data);
    const learned = { axes, mean, components: { ...components, data } };
    const part = new SubspacePart(name, this.context, { options, lessons: [] }, learned);
    const { count, width } = components;
    return {
      part,
      record: { images: rows.count, components: count, width, variances: [...variances] },
    };
  }

  dispose(): void {
    this.#embedder.dispose();
  }
}

/** Whole maps with their channels reduced. */
async function reduced(maps: readonly Float32Array[], axes: ChannelAxes): Promise<Float32Array[]> {
  const reduction = new ChannelReduction(axes);
  const { width } = axes.rows;
  try {
    const results: Float32Array[] = [];
    for (const map of maps) {
      const patches = tf.tensor2d(map, [map.length / width, width]);
      const result = reduction.apply(patches);
      patches.dispose();
      results.push(await download(result));
    }
    return results;
  } finally {
    reduction.dispose();
  }
}
