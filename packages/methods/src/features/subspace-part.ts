import { DskdError } from '@dskd/base';
import type { Rows } from '@dskd/closed-form';
import { type StateDict, tensorFiles } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { BranchInfo, BranchOutput } from '../contract.js';
import { asJson } from '../json.js';
import {
  firstRows,
  floats,
  floatsOf,
  joinRows,
  orthonormal,
  roundedAs,
  rowsOf,
  rowsOfVectors,
} from './matrices.js';
import { subspaceOptions } from './part-options.js';
import { download, type LearningPart, type Lesson, type PartContext, type SavedPart } from './parts.js';
import { subspacePlan } from './patch-plans.js';
import { ReducedMaps, type ChannelAxes } from './reduced-maps.js';

// FRE ("FRE: A Fast Method For Anomaly Detection And Segmentation", Ndiour et al., 2022): what the principal components
// of good images' whole feature maps do not explain of a map, position by position.

const subspaceConfig = z.object({
  options: subspaceOptions,
  /** Number of components that each lesson added at the end, the latest last. */
  lessons: z.array(z.int().nonnegative()),
});
type SubspaceConfig = z.output<typeof subspaceConfig>;

/** What a subspace is made of. A map is `positions * channels` values. */
export interface Subspace {
  /** Null where channels are not reduced. */
  readonly axes: ChannelAxes | null;
  /** Of whole maps. */
  readonly mean: Float32Array;
  /** Orthonormal maps; none where all training images are equal. */
  readonly components: Rows;
}

/** A lesson adds at most so many components. */
const LESSON_COMPONENTS = 16;

/** Relative to the length of a centered map: what is shorter are rounding errors of float16 components. */
const RESOLUTION = 1e-3;

/** Components on the backend: those of the fit, then those that each lesson added. */
class Components {
  /** Null where there is no component. */
  readonly #rows: tf.Tensor2D | null;
  /** Counts of the fit and of each lesson. */
  readonly #groups: readonly number[];

  constructor({ data, count, width }: Rows, lessons: readonly number[]) {
    this.#groups = [count - lessons.reduce((sum, added) => sum + added, 0), ...lessons];
    this.#rows = count === 0 ? null : tf.tensor2d(data, [count, width]);
  }

  /** What is left of centered maps after each group: one tensor a group. Call it inside `tf.tidy`. */
  residuals(centered: tf.Tensor2D): tf.Tensor2D[] {
    const left: tf.Tensor2D[] = [];
    let first = 0;
    for (const count of this.#groups) {
      const before = left.at(-1) ?? centered;
      left.push(count === 0 ? before : this.#without(before, first, count));
      first += count;
    }
    return left;
  }

  #without(maps: tf.Tensor2D, first: number, count: number): tf.Tensor2D {
    const rows = this.#rows!;
    const own = count === rows.shape[0] ? rows : tf.slice(rows, [first, 0], [count, -1]);
    return tf.sub<tf.Tensor2D>(
      maps,
      tf.matMul<tf.Tensor2D>(tf.matMul<tf.Tensor2D>(maps, own, false, true), own),
    );
  }

  dispose(): void {
    this.#rows?.dispose();
  }
}

/** The residual of whole maps as a branch. */
export class SubspacePart implements LearningPart {
  readonly info: BranchInfo;
  readonly #maps: ReducedMaps;
  readonly #mean: tf.Tensor1D;
  #components: Components;

  constructor(
    readonly name: string,
    context: PartContext,
    private config: SubspaceConfig,
    private learned: Subspace,
  ) {
    this.info = { name, map: true };
    this.#maps = new ReducedMaps(subspacePlan(config.options, context), context, learned.axes);
    this.#mean = tf.tensor1d(learned.mean);
    this.#components = new Components(learned.components, config.lessons);
  }

  get lessons(): number {
    return this.config.lessons.length;
  }

  /** Whole maps less the mean, and what is left of them after each group of components. Call it inside `tf.tidy`. */
  #residuals(features: readonly tf.Tensor4D[]): {
    readonly centered: tf.Tensor2D;
    readonly residuals: readonly tf.Tensor2D[];
  } {
    const centered = tf.sub<tf.Tensor2D>(this.#maps.of(features), this.#mean);
    return { centered, residuals: this.#components.residuals(centered) };
  }

  score(features: readonly tf.Tensor4D[]): Promise<BranchOutput> {
    return Promise.resolve(this.scoreTensors(features));
  }

  scoreTensors(features: readonly tf.Tensor4D[]): { readonly name: string; readonly map: tf.Tensor3D } {
    const { plan, channels } = this.#maps;
    const map = tf.tidy(() => {
      const { residuals } = this.#residuals(features);
      // A component that a lesson added explains more of a whole map, but can leave more at a position. The least counts: what
      // is learned raises no score.
      return residuals
        .map((each) => {
          const byPosition = tf.reshape(each, [-1, plan.grid[0], plan.grid[1], channels]);
          return tf.sqrt<tf.Tensor3D>(tf.sum(tf.square(byPosition), 3));
        })
        .reduce((least, lengths) => tf.minimum(least, lengths));
    });
    return { name: this.name, map };
  }

  /** What a lesson's images have beyond the subspace becomes part of it: their residuals, made orthonormal. */
  beginLesson(): Lesson {
    const added: Float32Array[] = [];
    return {
      add: async (features) => {
        const [residuals, lengths] = tf.tidy<[tf.Tensor2D, tf.Tensor1D]>(() => {
          const found = this.#residuals(features);
          return [found.residuals.at(-1)!, tf.sqrt(tf.sum<tf.Tensor1D>(tf.square(found.centered), 1))];
        });
        const [values, wholes] = await Promise.all([download(residuals), download(lengths)]);
        const width = values.length / wholes.length;
        wholes.forEach((whole, image) => {
          if (added.length === LESSON_COMPONENTS) return;
          const residual = values.subarray(image * width, (image + 1) * width);
          const direction = orthonormal(residual, added, RESOLUTION * whole);
          if (direction) added.push(direction);
        });
      },
      finish: () => {
        const { options } = this.config;
        const rows = added.length > 0 ? rowsOfVectors(added) : null;
        const data = rows && roundedAs(options.storage, `${this.name}.components`, rows.data);
        return Promise.resolve(() => {
          const known = this.learned.components;
          const lessons = [...this.config.lessons, added.length];
          this.#replace(rows && data ? joinRows([known, { ...rows, data }]) : known, lessons);
        });
      },
    };
  }

  forget(): void {
    const { lessons } = this.config;
    const { components } = this.learned;
    const added = lessons.at(-1)!;
    this.#replace(firstRows(components, components.count - added), lessons.slice(0, -1));
  }

  #replace(components: Rows, lessons: readonly number[]): void {
    this.#components.dispose();
    this.learned = { ...this.learned, components };
    this.config = { ...this.config, lessons: [...lessons] };
    this.#components = new Components(components, lessons);
  }

  save(): SavedPart {
    const { axes, mean, components } = this.learned;
    const tensors: StateDict = new Map();
    if (axes) {
      tensors.set('axes.mean', floats([axes.mean.length], axes.mean));
      tensors.set('axes.rows', floats([axes.rows.count, axes.rows.width], axes.rows.data));
    }
    tensors.set('mean', floats([mean.length], mean));
    if (components.count > 0) {
      tensors.set('components', floats([components.count, components.width], components.data));
    }
    return { config: asJson(this.config), tensors };
  }

  dispose(): void {
    this.#mean.dispose();
    this.#components.dispose();
    this.#maps.dispose();
  }
}

/**
 * Restores a subspace.
 * @throws {DskdError} `artifact-invalid` for a config that is none, or lessons of more components than there are;
 * `weights-mismatch`; `invalid-config` for levels that the teacher does not have.
 */
export function restoreSubspace(
  name: string,
  config: unknown,
  tensors: StateDict,
  context: PartContext,
): SubspacePart {
  const checked = tensorFiles.checkMetadata(subspaceConfig, config, 'detector');
  const plan = subspacePlan(checked.options, context);
  const { channels } = checked.options;
  const axes =
    channels > 0 && channels < plan.width
      ? {
          mean: floatsOf(tensors, 'axes.mean', [plan.width]),
          rows: rowsOf(tensors, 'axes.rows', plan.width),
        }
      : null;
  const width = plan.grid[0] * plan.grid[1] * (axes?.rows.count ?? plan.width);
  const mean = floatsOf(tensors, 'mean', [width]);
  const components = tensors.has('components')
    ? rowsOf(tensors, 'components', width)
    : { data: new Float32Array(0), count: 0, width };
  const taught = checked.lessons.reduce((sum, count) => sum + count, 0);
  if (taught > components.count) {
    throw new DskdError(
      'artifact-invalid',
      `The subspace ${name} has ${components.count} components, its lessons ${taught}; wanted no more.`,
      { details: { components: components.count, taught } },
    );
  }
  return new SubspacePart(name, context, checked, { axes, mean, components });
}
