import { randomStream } from '@dskd/base';
import { principalAxes, principalSubspace, type Rows } from '@dskd/closed-form';
import { checkMetadata, toFloat32, type StateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { BranchOutput, FitInput, JsonObject } from '../contract.js';
import {
  assertFitKept,
  floats,
  gatherRows,
  joinRows,
  orthonormal,
  roundedAs,
  rowsOf,
  tensorOf,
} from './matrices.js';
import type { Part, PartContext, PartFitter } from './parts.js';
import { PatchEmbedder, planPatches, type PatchPlan } from './patches.js';
import { levelsOf, subspaceOptions, type SubspaceOptions } from './part-options.js';

// FRE ("FRE: A Fast Method For Anomaly Detection And Segmentation", Ndiour et al., 2022): what the principal components
// of good images' whole feature maps do not explain of a map, position by position.

const subspaceConfig = z.object({
  options: subspaceOptions,
  /** Number of components that each lesson added at the end, the latest last. */
  lessons: z.array(z.int().nonnegative()),
});
type SubspaceConfig = z.output<typeof subspaceConfig>;

/** What a subspace is made of. */
interface Learned {
  /** Of the reduction of channels, `[channels, width]` with its mean `[width]`; null where there is none. */
  readonly axes: { readonly mean: Float32Array; readonly rows: Rows } | null;
  /** Of a whole map: `positions * channels`. */
  readonly mean: Float32Array;
  /** Orthonormal, each `positions * channels`. */
  readonly components: Rows;
}

/** Tensors of the axes on the backend: patches `[n, width]` become `(patches - mean) axes`. */
interface AxesTensors {
  readonly mean: tf.Tensor1D;
  readonly transposed: tf.Tensor2D;
}

/** Whole maps of reduced patches. */
class ReducedMaps {
  readonly #embedder: PatchEmbedder;
  readonly #axes: AxesTensors | null;

  constructor(
    readonly plan: PatchPlan,
    { teacher }: PartContext,
    axes: Learned['axes'],
  ) {
    this.#embedder = new PatchEmbedder(plan, teacher.extractor);
    this.#axes = axes && {
      mean: tf.tensor1d(axes.mean),
      transposed: tf.tidy(() =>
        tf.transpose(tf.tensor2d(axes.rows.data, [axes.rows.count, axes.rows.width])),
      ),
    };
  }

  get channels(): number {
    return this.#axes ? this.#axes.transposed.shape[1] : this.plan.width;
  }

  /** @returns `[batch, positions * channels]`; the caller disposes it. */
  of(features: readonly tf.Tensor4D[]): tf.Tensor2D {
    return tf.tidy(() => {
      const patches = this.#embedder.embed(features);
      const [batch] = patches.shape;
      const axes = this.#axes;
      if (!axes) return tf.reshape<tf.Rank.R2>(patches, [batch, -1]);
      const rows = tf.reshape(patches, [-1, this.plan.width]);
      const reduced = tf.matMul<tf.Tensor2D>(tf.sub<tf.Tensor2D>(rows, axes.mean), axes.transposed);
      return tf.reshape<tf.Rank.R2>(reduced, [batch, -1]);
    });
  }

  dispose(): void {
    this.#embedder.dispose();
    if (this.#axes) tf.dispose([this.#axes.mean, this.#axes.transposed]);
  }
}

/** A lesson adds at most so many components. */
const LESSON_COMPONENTS = 16;

/** The residual of whole maps as a branch. */
export class SubspacePart implements Part {
  readonly info;
  #mean: tf.Tensor1D;
  #components: tf.Tensor2D;
  #transposed: tf.Tensor2D;
  #pending: Float32Array[] = [];

  constructor(
    readonly name: string,
    private readonly maps: ReducedMaps,
    private config: SubspaceConfig,
    private learned: Learned,
  ) {
    this.info = { name, map: true };
    this.#mean = tf.tensor1d(learned.mean);
    [this.#components, this.#transposed] = componentTensors(learned.components);
  }

  /** What the subspace does not explain, `[batch, positions * channels]`; the caller disposes it. */
  #residuals(features: readonly tf.Tensor4D[]): tf.Tensor2D {
    return tf.tidy(() => {
      const centered = tf.sub<tf.Tensor2D>(this.maps.of(features), this.#mean);
      const coordinates = tf.matMul<tf.Tensor2D>(centered, this.#transposed);
      return tf.sub<tf.Tensor2D>(centered, tf.matMul<tf.Tensor2D>(coordinates, this.#components));
    });
  }

  score(features: readonly tf.Tensor4D[]): Promise<BranchOutput> {
    const [height, width] = this.maps.plan.grid;
    const map = tf.tidy(() => {
      const residuals = tf.reshape(this.#residuals(features), [-1, height, width, this.maps.channels]);
      return tf.sqrt<tf.Tensor3D>(tf.sum(tf.square(residuals), 3));
    });
    return Promise.resolve({ name: this.name, map });
  }

  async learn(features: readonly tf.Tensor4D[]): Promise<void> {
    const residuals = this.#residuals(features);
    const values = (await residuals.data()) as Float32Array;
    const [batch, width] = residuals.shape;
    residuals.dispose();
    for (let image = 0; image < batch; image++) {
      this.#pending.push(values.slice(image * width, (image + 1) * width));
    }
  }

  /** What the lesson's images have beyond the subspace becomes part of it: their residuals, made orthonormal. */
  endLesson(): void {
    const { mean, components } = this.learned;
    const added: Float32Array[] = [];
    for (const residual of this.#pending.splice(0)) {
      const direction = added.length < LESSON_COMPONENTS ? orthonormal(residual, added) : null;
      if (direction) added.push(direction);
    }
    if (added.length > 0) {
      const rows = joinRows(added.map((data) => ({ data, count: 1, width: mean.length })));
      const rounded = {
        ...rows,
        data: roundedAs(this.config.options.storage, `${this.name}.components`, rows.data),
      };
      this.#replace(joinRows([components, rounded]));
    }
    this.config = { ...this.config, lessons: [...this.config.lessons, added.length] };
  }

  dropLesson(): void {
    this.#pending = [];
  }

  forget(): void {
    const count = this.learned.components.count - (this.config.lessons.at(-1) ?? 0);
    this.#replace(
      gatherRows(
        this.learned.components,
        Int32Array.from({ length: count }, (_, row) => row),
      ),
    );
    this.config = { ...this.config, lessons: this.config.lessons.slice(0, -1) };
  }

  #replace(components: Rows): void {
    tf.dispose([this.#components, this.#transposed]);
    this.learned = { ...this.learned, components };
    [this.#components, this.#transposed] = componentTensors(components);
  }

  save(): { config: JsonObject; tensors: StateDict } {
    const { axes, mean, components } = this.learned;
    const tensors: StateDict = new Map();
    if (axes) {
      tensors.set('axes.mean', floats([axes.mean.length], axes.mean));
      tensors.set('axes.rows', floats([axes.rows.count, axes.rows.width], axes.rows.data));
    }
    tensors.set('mean', floats([mean.length], mean));
    tensors.set('components', floats([components.count, components.width], components.data));
    return { config: JSON.parse(JSON.stringify(this.config)) as JsonObject, tensors };
  }

  dispose(): void {
    tf.dispose([this.#mean, this.#components, this.#transposed]);
    this.maps.dispose();
  }
}

function componentTensors({ data, count, width }: Rows): [tf.Tensor2D, tf.Tensor2D] {
  const components = tf.tensor2d(data, [count, width]);
  return [components, tf.transpose(components)];
}

function subspacePlan(options: SubspaceOptions, { teacher, inputSize }: PartContext): PatchPlan {
  const levels = levelsOf(options.levels, teacher.extractor, 'deepest-two');
  return planPatches(teacher.extractor, inputSize, {
    levels,
    gridLevel: options.gridLevel ?? Math.max(...levels),
    gridFirst: true,
  });
}

/** Patches that the axes of the channels are found from. */
const AXES_SAMPLE = 20_000;

/** Collects whole maps of training images, at most `maxImages`. */
export class SubspaceFitter implements PartFitter {
  readonly #plan: PatchPlan;
  readonly #embedder: PatchEmbedder;
  readonly #chosen: ReadonlySet<number>;
  readonly #maps: Float32Array[] = [];

  constructor(
    readonly name: string,
    private readonly options: SubspaceOptions,
    input: FitInput,
    private readonly context: PartContext,
  ) {
    this.#plan = subspacePlan(options, context);
    this.#embedder = new PatchEmbedder(this.#plan, context.teacher.extractor);
    const all = Int32Array.from({ length: input.trainingImages.length }, (_, index) => index);
    const drawn =
      all.length > options.maxImages
        ? randomStream(input.seed, 'subspace', name).shuffle(all).slice(0, options.maxImages)
        : all;
    this.#chosen = new Set(drawn);
  }

  async add(features: readonly tf.Tensor4D[], first: number): Promise<void> {
    const embedded = this.#embedder.embed(features);
    const values = (await embedded.data()) as Float32Array;
    const [batch] = embedded.shape;
    const size = embedded.size / batch;
    embedded.dispose();
    for (let image = 0; image < batch; image++) {
      if (this.#chosen.has(first + image)) this.#maps.push(values.slice(image * size, (image + 1) * size));
    }
  }

  /** The principal axes of the channels, rounded as they will be stored. */
  #axes(): Learned['axes'] {
    const { channels, storage } = this.options;
    const { width } = this.#plan;
    if (channels === 0 || channels >= width) return null;
    const places = this.#maps[0]!.length / width;
    const step = Math.max(1, Math.floor((this.#maps.length * places) / AXES_SAMPLE));
    const sample: Rows[] = [];
    for (let at = 0; at < this.#maps.length * places; at += step) {
      const start = (at % places) * width;
      sample.push({
        data: this.#maps[Math.floor(at / places)]!.subarray(start, start + width),
        count: 1,
        width,
      });
    }
    const { mean, components } = principalAxes(joinRows(sample), channels);
    const data = roundedAs(storage, `${this.name}.axes.rows`, components.data);
    return { mean, rows: { ...components, data } };
  }

  async finish(
    progress: (done: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<{ part: SubspacePart; record: JsonObject }> {
    const { options, context } = this;
    const axes = this.#axes();
    const [height, width] = this.#plan.grid;
    const maps = new ReducedMaps(this.#plan, context, axes);
    try {
      const size = height * width * maps.channels;
      const rows = axes ? await reduce(this.#maps, this.#plan.width, axes, size) : joined(this.#maps);
      const wanted = Math.max(1, Math.min(options.components, rows.count - 2));
      const { mean, components, variances } = await principalSubspace(rows, wanted, {
        onProgress: (done, total) => progress(done / total),
        ...(signal && { signal }),
      });
      const data = roundedAs(options.storage, `${this.name}.components`, components.data);
      const learned = { axes, mean, components: { ...components, data } };
      const part = new SubspacePart(this.name, maps, { options, lessons: [] }, learned);
      const record = {
        images: rows.count,
        components: components.count,
        width: size,
        variances: [...variances],
      };
      return { part, record };
    } catch (error) {
      maps.dispose();
      throw error;
    }
  }

  dispose(): void {
    this.#embedder.dispose();
  }
}

function joined(maps: readonly Float32Array[]): Rows {
  return joinRows(maps.map((data) => ({ data, count: 1, width: data.length })));
}

/** Whole maps with their channels reduced. */
async function reduce(
  maps: readonly Float32Array[],
  channels: number,
  { mean, rows }: NonNullable<Learned['axes']>,
  size: number,
): Promise<Rows> {
  const data = new Float32Array(maps.length * size);
  const transposed = tf.tidy(() => tf.transpose(tf.tensor2d(rows.data, [rows.count, rows.width])));
  const offset = tf.tensor1d(mean);
  try {
    for (const [index, map] of maps.entries()) {
      const reduced = tf.tidy(() =>
        tf.matMul(
          tf.sub<tf.Tensor2D>(tf.tensor2d(map, [map.length / channels, channels]), offset),
          transposed,
        ),
      );
      data.set((await reduced.data()) as Float32Array, index * size);
      reduced.dispose();
    }
  } finally {
    tf.dispose([transposed, offset]);
  }
  return { data, count: maps.length, width: size };
}

/**
 * Restores a subspace.
 * @throws {DskdError} `artifact-invalid`, `weights-mismatch`
 */
export function restoreSubspace(
  name: string,
  config: unknown,
  tensors: StateDict,
  context: PartContext,
): SubspacePart {
  const checked = checkMetadata(subspaceConfig, config, 'detector');
  const plan = subspacePlan(checked.options, context);
  const [height, width] = plan.grid;
  const { channels } = checked.options;
  const reduced = channels > 0 && channels < plan.width;
  const axes = reduced
    ? {
        mean: toFloat32(tensorOf(tensors, 'axes.mean', [plan.width])),
        rows: rowsOf(tensors, 'axes.rows', plan.width),
      }
    : null;
  const size = height * width * (axes?.rows.count ?? plan.width);
  const mean = toFloat32(tensorOf(tensors, 'mean', [size]));
  const components = rowsOf(tensors, 'components', size);
  assertFitKept(name, components, checked.lessons);
  return new SubspacePart(name, new ReducedMaps(plan, context, axes), checked, { axes, mean, components });
}
