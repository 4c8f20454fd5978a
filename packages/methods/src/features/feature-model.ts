import { DskdError } from '@dskd/base';
import type { Teacher } from '@dskd/models';
import { checkMetadata, namesAreApart, tensorsUnder, type StateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type {
  AnomalyModel,
  BranchInfo,
  BranchOutput,
  Fit,
  FitInput,
  JsonObject,
  NearestPatch,
  RestoreContext,
  SavedModel,
} from '../contract.js';
import { BankFitter, BankPart, restoreBank } from './bank-part.js';
import type { BankOptions, PooledOptions, PositionOptions, SubspaceOptions } from './part-options.js';
import { assertTeacherGiven } from './part-options.js';
import { fitParts, type Part, type PartContext, type PartFitter } from './parts.js';
import { PooledFitter, restorePooled } from './pooled-part.js';
import { PositionFitter, restorePositions } from './position-part.js';
import { restoreSubspace, SubspaceFitter } from './subspace-part.js';

/** Which part a branch is, with its options. */
export type PartPlan =
  | { readonly kind: 'bank'; readonly options: BankOptions }
  | { readonly kind: 'subspace'; readonly options: SubspaceOptions }
  | { readonly kind: 'pooled'; readonly options: PooledOptions }
  | { readonly kind: 'positions'; readonly options: PositionOptions };

/** Parts by the name of their branch, in the order of the branches. */
export type PartPlans = Readonly<Record<string, PartPlan>>;

const modelConfig = z.object({
  parts: z
    .array(
      z.object({
        name: z.string().min(1),
        kind: z.enum(['bank', 'subspace', 'pooled', 'positions']),
        config: z.record(z.string(), z.json()),
      }),
    )
    .min(1)
    .max(16)
    .refine(
      (parts) =>
        namesAreApart(
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
  }
}

const RESTORE: Readonly<
  Record<
    PartPlan['kind'],
    (name: string, config: JsonObject, tensors: StateDict, context: PartContext) => Part
  >
> = { bank: restoreBank, subspace: restoreSubspace, pooled: restorePooled, positions: restorePositions };

/** A model of parts that look at the same features of one teacher. */
export class FeatureModel implements AnomalyModel {
  readonly branches: readonly BranchInfo[];

  constructor(
    readonly method: string,
    private readonly teacher: Teacher,
    private readonly parts: readonly NamedPart[],
  ) {
    this.branches = parts.map(({ part }) => part.info);
  }

  async #features(images: tf.Tensor4D): Promise<tf.Tensor4D[]> {
    return this.teacher.extractor.extract(images);
  }

  async score(images: tf.Tensor4D): Promise<BranchOutput[]> {
    const features = await this.#features(images);
    const outputs: BranchOutput[] = [];
    try {
      for (const { part } of this.parts) outputs.push(await part.score(features));
      return outputs;
    } catch (error) {
      for (const { map } of outputs) map?.dispose();
      throw error;
    } finally {
      tf.dispose(features);
    }
  }

  async extend(images: AsyncIterable<tf.Tensor4D>): Promise<void> {
    this.#assertLearns();
    const taught: Part[] = [];
    try {
      for await (const batch of images) {
        const features = await this.#features(batch);
        try {
          for (const { part } of this.parts) await part.learn!(features);
        } finally {
          tf.dispose(features);
        }
      }
      for (const { part } of this.parts) {
        await part.endLesson!();
        taught.push(part);
      }
    } catch (error) {
      for (const part of taught) part.forget!();
      for (const { part } of this.parts) part.dropLesson!();
      throw error;
    }
  }

  forget(): void {
    this.#assertLearns();
    for (const { part } of this.parts) part.forget!();
  }

  #assertLearns(): void {
    const fixed = this.parts.filter(({ part }) => !part.learn).map(({ name }) => name);
    if (fixed.length === 0) return;
    throw new DskdError(
      'invalid-argument',
      `The method ${this.method} cannot learn further images: its branch ${fixed.join(', ')} is fixed by the fit.`,
      { hint: 'Train again with these images, or use a method that can: instant, patchcore, fre, gaussian.' },
    );
  }

  get keepsPatches(): boolean {
    return this.parts.some(({ part }) => part instanceof BankPart);
  }

  async nearest(
    image: tf.Tensor4D,
    places: readonly (readonly [number, number])[],
  ): Promise<NearestPatch[]> {
    const banks = this.parts.flatMap(({ part }) => (part instanceof BankPart ? [part] : []));
    const [bank] = banks;
    if (!bank) return [];
    const features = await this.#features(image);
    try {
      return await bank.nearestPatches(features, places);
    } finally {
      tf.dispose(features);
    }
  }

  state(): SavedModel {
    const tensors: StateDict = new Map();
    const parts = this.parts.map(({ name, kind, part }) => {
      const saved = part.save();
      for (const [key, entry] of saved.tensors) tensors.set(`${name}.${key}`, entry);
      return { name, kind, config: saved.config };
    });
    return { config: { parts } as unknown as JsonObject, tensors };
  }

  dispose(): void {
    for (const { part } of this.parts) part.dispose();
  }
}

/** Fits parts on the teacher's features of the training images. */
export async function fitFeatureModel(
  method: string,
  input: FitInput,
  plans: PartPlans,
  storage: 'float32' | 'float16' | undefined,
): Promise<Fit> {
  const { teacher, inputSize } = input;
  assertTeacherGiven(teacher, method);
  const context = { teacher, inputSize };
  const named = Object.entries(plans);
  const fitters: (PartFitter & { readonly name: string })[] = [];
  try {
    for (const [name, plan] of named) {
      const fitter = fitterOf(name, plan, input, context);
      fitters.push(Object.assign(fitter, { name }));
    }
  } catch (error) {
    for (const fitter of fitters) fitter.dispose();
    throw error;
  }
  const { parts, record } = await fitParts(input, context, fitters);
  const model = new FeatureModel(
    method,
    teacher,
    named.map(([name, { kind }], index) => ({ name, kind, part: parts[index]! })),
  );
  return { model, record, ...(storage && { storage }) };
}

/**
 * Restores a model of parts.
 * @throws {DskdError} `artifact-invalid`, `weights-mismatch`, `invalid-config`, `invalid-argument` (no teacher)
 */
export function restoreFeatureModel(
  method: string,
  { config, tensors }: SavedModel,
  { teacher, inputSize }: RestoreContext,
): FeatureModel {
  assertTeacherGiven(teacher, method);
  const checked = checkMetadata(modelConfig, config, 'detector');
  const known = checked.parts.map(({ name }) => `${name}.`);
  const extra = [...tensors.keys()].filter((key) => !known.some((prefix) => key.startsWith(prefix)));
  if (extra.length > 0) {
    throw new DskdError(
      'weights-mismatch',
      `The file holds tensors that belong to no branch: ${extra.join(', ')}; wanted those of ${known.join(', ')}.`,
      { details: { tensors: extra } },
    );
  }
  const parts: NamedPart[] = [];
  try {
    for (const { name, kind, config: own } of checked.parts) {
      const part = RESTORE[kind](name, own, tensorsUnder(tensors, name), { teacher, inputSize });
      parts.push({ name, kind, part });
    }
  } catch (error) {
    for (const { part } of parts) part.dispose();
    throw error;
  }
  return new FeatureModel(method, teacher, parts);
}
