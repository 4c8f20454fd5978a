import { DskdError } from '@dskd/base';
import { type StateDict, tensorFiles, type TensorStorage } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type {
  AnomalyModel,
  BranchInfo,
  BranchOutput,
  BranchTensors,
  Fit,
  FitInput,
  JsonObject,
  NearestPatch,
  RestoreContext,
  SavedModel,
} from '../contract.js';
import { assertInputSize } from '../input-size.js';
import { BankFitter } from './bank-fitter.js';
import { BankPart, restoreBank } from './bank-part.js';
import { GalleryFitter } from './gallery-fitter.js';
import { restoreGallery } from './gallery-part.js';
import { NearestImagesFitter, restoreNearestImages } from './nearest-images-part.js';
import type {
  BankOptions,
  GalleryOptions,
  NearestImagesOptions,
  PiecesOptions,
  PooledOptions,
  PositionOptions,
  SetsOptions,
  SubspaceOptions,
} from './part-options.js';
import {
  assertTeacherGiven,
  fitParts,
  isLearning,
  type LearningPart,
  type Part,
  type PartContext,
  type PartFitter,
} from './parts.js';
import { PiecesFitter, restorePieces } from './piece-counts.js';
import { PooledFitter, restorePooled } from './pooled-part.js';
import { PositionFitter, restorePositions } from './position-part.js';
import { restoreSets, SetsFitter } from './sets-part.js';
import { SubspaceFitter } from './subspace-fitter.js';
import { restoreSubspace } from './subspace-part.js';

/** Which part a branch is, with its options. */
export type PartPlan =
  | { readonly kind: 'bank'; readonly options: BankOptions }
  | { readonly kind: 'subspace'; readonly options: SubspaceOptions }
  | { readonly kind: 'pooled'; readonly options: PooledOptions }
  | { readonly kind: 'positions'; readonly options: PositionOptions }
  | { readonly kind: 'gallery'; readonly options: GalleryOptions }
  | { readonly kind: 'pieces'; readonly options: PiecesOptions }
  | { readonly kind: 'sets'; readonly options: SetsOptions }
  | { readonly kind: 'nearest-images'; readonly options: NearestImagesOptions };

/** Parts by the name of their branch, in the order of the branches. */
export type PartPlans = Readonly<Record<string, PartPlan>>;

const modelConfig = z.object({
  inputSize: z.tuple([z.int().positive(), z.int().positive()]),
  parts: z
    .array(
      z.object({
        name: z.string().min(1),
        kind: z.enum([
          'bank',
          'subspace',
          'pooled',
          'positions',
          'gallery',
          'nearest-images',
          'pieces',
          'sets',
        ]),
        config: z.record(z.string(), z.json()),
      }),
    )
    .min(1)
    .max(16)
    .refine(
      (parts) =>
        tensorFiles.namesAreApart(
          parts.map(({ name }) => name),
          '.',
        ),
      'branch names must differ, and none may begin with another and a dot',
    ),
});

interface NamedPart {
  readonly name: string;
  readonly kind: PartPlan['kind'];
  readonly part: Part;
}

function fitterOf(name: string, plan: PartPlan, input: FitInput, context: PartContext): PartFitter {
  switch (plan.kind) {
    case 'bank':
      return new BankFitter(name, plan.options, input, context);
    case 'subspace':
      return new SubspaceFitter(name, plan.options, input, context);
    case 'pooled':
      return new PooledFitter(name, plan.options, context);
    case 'positions':
      return new PositionFitter(name, plan.options, input, context);
    case 'gallery':
      return new GalleryFitter(name, plan.options, input, context);
    case 'pieces':
      return new PiecesFitter(name, plan.options, input, context);
    case 'sets':
      return new SetsFitter(name, plan.options, input, context);
    case 'nearest-images':
      return new NearestImagesFitter(name, plan.options, context);
  }
}

const RESTORE: Readonly<
  Record<
    PartPlan['kind'],
    (name: string, config: JsonObject, tensors: StateDict, context: PartContext) => Part
  >
> = {
  bank: restoreBank,
  subspace: restoreSubspace,
  pooled: restorePooled,
  positions: restorePositions,
  gallery: restoreGallery,
  pieces: restorePieces,
  sets: restoreSets,
  'nearest-images': restoreNearestImages,
};

/** A model of parts that look at the same features of one teacher. */
export class FeatureModel implements AnomalyModel {
  readonly branches: readonly BranchInfo[];

  constructor(
    readonly method: string,
    private readonly context: PartContext,
    private readonly parts: readonly NamedPart[],
  ) {
    this.branches = parts.map(({ part }) => part.info);
  }

  /** Calls `use` with the teacher's features of a batch of images, and disposes them. */
  async #withFeatures<T>(
    images: tf.Tensor4D,
    use: (features: readonly tf.Tensor4D[]) => Promise<T>,
  ): Promise<T> {
    const features = await this.context.teacher.extractor.extract(images);
    return use(features).finally(() => tf.dispose(features));
  }

  async score(images: tf.Tensor4D): Promise<BranchOutput[]> {
    const outputs: BranchOutput[] = [];
    try {
      await this.#withFeatures(images, async (features) => {
        for (const { part } of this.parts) outputs.push(await part.score(features, images));
      });
      return outputs;
    } catch (error) {
      for (const { map } of outputs) map?.dispose();
      throw error;
    }
  }

  /** @throws {DskdError} `not-exportable` */
  async scoreTensors(images: tf.Tensor4D): Promise<BranchTensors[]> {
    const other = this.parts.find(({ part }) => part.scoreTensors === undefined);
    if (other) {
      throw new DskdError(
        'not-exportable',
        `The branch ${other.name} of ${this.method} cannot be exported: it compares whole images one by one.`,
        {
          hint: 'Use a method that can: instant, patchcore, fre, gaussian, padim.',
          details: { branch: other.name },
        },
      );
    }
    return this.#withFeatures(images, (features) =>
      Promise.resolve(this.parts.map(({ part }) => part.scoreTensors!(features, images))),
    );
  }

  /**
   * See {@link AnomalyModel.extend}. Nothing is learned where reading or computing an image fails. Do not score while
   * it runs.
   * @throws {DskdError} `invalid-argument` where a part is fixed by its fit, or without images.
   */
  async extend(images: AsyncIterable<tf.Tensor4D>): Promise<void> {
    const lessons = this.#learningParts().map((part) => part.beginLesson());
    let count = 0;
    for await (const batch of images) {
      count += batch.shape[0];
      await this.#withFeatures(batch, async (features) => {
        for (const lesson of lessons) await lesson.add(features, batch);
      });
    }
    if (count === 0) {
      throw new DskdError('invalid-argument', 'Got no images to learn; wanted at least one.');
    }
    const changes: (() => void)[] = [];
    for (const lesson of lessons) changes.push(await lesson.finish());
    for (const change of changes) change();
  }

  /**
   * See {@link AnomalyModel.forget}. The state is then what it was before the lesson, byte for byte.
   * @throws {DskdError} `invalid-argument` without a lesson, or where a part is fixed by its fit.
   */
  forget(): void {
    const parts = this.#learningParts();
    if (parts.some(({ lessons }) => lessons === 0)) {
      throw new DskdError('invalid-argument', 'There is no lesson to forget.', {
        hint: 'Only what was learned after the fit can be forgotten.',
      });
    }
    for (const part of parts) part.forget();
  }

  #learningParts(): LearningPart[] {
    const fixed = this.parts.filter(({ part }) => !isLearning(part)).map(({ name }) => name);
    if (fixed.length > 0) {
      throw new DskdError(
        'invalid-argument',
        `The method ${this.method} cannot learn further images: its branch ${fixed.join(', ')} is fixed by the fit.`,
        {
          hint: 'Train again with these images, or use a method that can: instant, patchcore, fre, gaussian.',
        },
      );
    }
    return this.parts.flatMap(({ part }) => (isLearning(part) ? [part] : []));
  }

  /** Whether {@link nearest} finds any. */
  get keepsPatches(): boolean {
    return this.parts.some(({ part }) => part instanceof BankPart);
  }

  /**
   * See {@link AnomalyModel.nearest}; of the first bank. Empty for a model without one.
   * @throws {DskdError} `invalid-argument` for a place outside of the image.
   */
  async nearest(image: tf.Tensor4D, places: readonly (readonly [number, number])[]): Promise<NearestPatch[]> {
    const bank = this.parts.map(({ part }) => part).find((part) => part instanceof BankPart);
    if (!bank) return [];
    const [height, width] = this.context.inputSize;
    const wrong = places.find(([y, x]) => !(y >= 0 && y < height && x >= 0 && x < width));
    if (wrong) {
      throw new DskdError(
        'invalid-argument',
        `Got the place ${wrong.join(', ')}; wanted row and column in an image of ${height}x${width} pixels.`,
        { details: { place: wrong, inputSize: [height, width] } },
      );
    }
    return this.#withFeatures(image, (features) => bank.nearestPatches(features, places));
  }

  state(): SavedModel {
    const tensors: StateDict = new Map();
    const parts = this.parts.map(({ name, kind, part }) => {
      const saved = part.save();
      for (const [key, entry] of saved.tensors) tensors.set(`${name}.${key}`, entry);
      return { name, kind, config: saved.config };
    });
    return { config: { inputSize: [...this.context.inputSize], parts }, tensors };
  }

  dispose(): void {
    for (const { part } of this.parts) part.dispose();
  }
}

/** Images that a covariance of pooled features takes: of two, all that varies lies on one line. */
const LEAST_IMAGES = 3;

/**
 * The parts that can be fitted on so few images: most on one already, a pooled Gaussian on three.
 * @throws {DskdError} `dataset-invalid` where no part is left.
 */
function fittable(method: string, { trainingImages, onEvent }: FitInput, plans: PartPlans): PartPlans {
  const images = trainingImages.length;
  const kept = Object.entries(plans).filter(([, { kind }]) => kind !== 'pooled' || images >= LEAST_IMAGES);
  if (kept.length === Object.keys(plans).length) return plans;
  if (kept.length === 0) {
    throw new DskdError(
      'dataset-invalid',
      `The method ${method} fits on at least ${LEAST_IMAGES} good images; got ${images}, besides those that calibrate.`,
      { hint: 'Give more images of good parts: a few dozen are a good start.' },
    );
  }
  const names = kept.map(([name]) => name).join(', ');
  onEvent?.({
    type: 'warning',
    message: `${images} good images are too few for every branch of ${method}: it has ${names} only.`,
  });
  return Object.fromEntries(kept);
}

/**
 * Fits parts on the teacher's features of the training images.
 * @param storage element type that the parts round their matrices to, where they do.
 * @throws {DskdError} `invalid-argument` (no teacher), `dataset-invalid` (too few images), `aborted`
 */
export async function fitFeatureModel(
  method: string,
  input: FitInput,
  wanted: PartPlans,
  storage: TensorStorage | undefined,
): Promise<Fit> {
  const { teacher, inputSize } = input;
  assertTeacherGiven(teacher, method);
  const plans = fittable(method, input, wanted);
  const context = { teacher, inputSize };
  const fitters: PartFitter[] = [];
  try {
    for (const [name, plan] of Object.entries(plans)) fitters.push(fitterOf(name, plan, input, context));
  } catch (error) {
    for (const fitter of fitters) fitter.dispose();
    throw error;
  }
  const { parts, record } = await fitParts(input, teacher, fitters);
  const named = Object.entries(plans).flatMap(([name, { kind }], index) => {
    const part = parts[index];
    return part ? [{ name, kind, part }] : [];
  });
  return { model: new FeatureModel(method, context, named), record, ...(storage && { storage }) };
}

/** @throws {DskdError} `artifact-invalid`, `weights-mismatch` */
function assertConsistent(model: FeatureModel, parts: readonly NamedPart[], tensors: StateDict): void {
  const lessons = new Set(parts.flatMap(({ part }) => (isLearning(part) ? [part.lessons] : [])));
  if (lessons.size > 1) {
    throw new DskdError(
      'artifact-invalid',
      `The branches have ${[...lessons].join(' and ')} lessons; wanted the same lessons for all.`,
      { details: { lessons: [...lessons] } },
    );
  }
  const own = model.state().tensors;
  const extra = [...tensors.keys()].filter((key) => !own.has(key));
  if (extra.length > 0) {
    throw new DskdError(
      'weights-mismatch',
      `The file holds tensors that belong to nothing: ${tensorFiles.namesInWords(extra)}.`,
      {
        details: { tensors: extra },
      },
    );
  }
}

/**
 * Restores a model of parts.
 * @throws {DskdError} `artifact-invalid`, `weights-mismatch`, `weights-not-finite`, `input-size-mismatch`;
 * `invalid-config` for levels that the teacher does not have; `invalid-argument` without a teacher.
 */
export function restoreFeatureModel(
  method: string,
  { config, tensors }: SavedModel,
  { teacher, inputSize }: RestoreContext,
): FeatureModel {
  assertTeacherGiven(teacher, method);
  const checked = tensorFiles.checkMetadata(modelConfig, config, 'detector');
  assertInputSize('The model', checked.inputSize, inputSize);
  tensorFiles.assertFinite(tensors);
  const context = { teacher, inputSize };
  const parts: NamedPart[] = [];
  try {
    for (const { name, kind, config: own } of checked.parts) {
      parts.push({
        name,
        kind,
        part: RESTORE[kind](name, own, tensorFiles.tensorsUnder(tensors, name), context),
      });
    }
    const model = new FeatureModel(method, context, parts);
    assertConsistent(model, parts, tensors);
    return model;
  } catch (error) {
    for (const { part } of parts) part.dispose();
    throw error;
  }
}
