import { DskdError } from '@dskd/base';
import { createObjective } from '@dskd/losses';
import {
  backboneInfo,
  createStudent,
  teacherStage4,
  type StudentOptions,
  type Teacher,
  type TrainableStudent,
} from '@dskd/models';
import type { AdamOptions, StudentTask } from '@dskd/training';
import type { StateDict } from '@dskd/weights';
import type { Size } from '../contract.js';
import { assertBranchNames, type DskdOptions } from './options.js';

/** A JSON description of an objective, as `createObjective` takes it. */
export interface ObjectiveDescription {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** All that is needed to build and train one student, here or in a worker. Structured-cloneable. */
export interface BranchPlan {
  readonly name: string;
  readonly student: StudentOptions;
  readonly objective: ObjectiveDescription;
  readonly optimizer: AdamOptions;
  /** Replaces some of the random initial weights; names and layouts of the student's state dict. */
  readonly initialState?: StateDict;
}

/** What the students of a fit depend on. */
export interface PlanInput {
  readonly teacher: Teacher;
  readonly inputSize: Size;
  readonly seed: number;
}

/**
 * What each student is, before it is built.
 * @throws {DskdError} `invalid-config` for branch names that no file could hold; `invalid-argument` for an objective
 * that this thread does not know.
 */
export function planBranches({ teacher, inputSize, seed }: PlanInput, options: DskdOptions): BranchPlan[] {
  const { branches, preset, architecture, gccb } = options;
  assertBranchNames(Object.keys(branches));
  // Students may be trained in workers that know it; this thread calibrates with it, after hours.
  for (const { objective } of Object.values(branches)) createObjective(objective);
  const { extractor } = teacher;
  return Object.entries(branches).map(([name, { branch, objective, optimizer }]) => ({
    name,
    student: {
      preset,
      branch,
      levels: extractor.levels.map((level) => ({ ...level })),
      inputSize: [inputSize[0], inputSize[1]],
      mapSizes: extractor.outputShapes(inputSize).map(([height, width]) => [height, width] as const),
      seed,
      ...(architecture && { architecture }),
      ...(branch === 'global' && gccb ? { gccb: withoutUndefined(gccb) } : {}),
    } satisfies StudentOptions,
    objective,
    optimizer: withoutUndefined(optimizer),
  }));
}

/** `undefined` means the same as left out; JSON and other threads know only the latter. */
function withoutUndefined<T extends object>(value: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return JSON.parse(JSON.stringify(value)) as { [Key in keyof T]: Exclude<T[Key], undefined> };
}

/**
 * The plans with the initial weights that `initialize` asks for.
 * @throws {DskdError} `invalid-argument` for a teacher without weights, `weights-mismatch`.
 */
export function withInitialStates(
  plans: readonly BranchPlan[],
  { weights, extractor }: Teacher,
  { initialize }: DskdOptions,
): BranchPlan[] {
  if (initialize.global === 'random') return [...plans];
  if (!weights) {
    throw new DskdError(
      'invalid-argument',
      `The teacher ${extractor.name} brings no weights to start the global student from.`,
      { hint: 'Use a teacher of loadTeacher, whose file holds layer4.*, or initialize.global: random.' },
    );
  }
  const name = backboneInfo(extractor.name).name;
  return plans.map((plan) =>
    plan.student.branch === 'global'
      ? { ...plan, initialState: teacherStage4(name, weights, plan.student) }
      : plan,
  );
}

/** A new student with its initial weights, as the training loop takes it. The caller disposes the student. */
export function setUpStudent(plan: BranchPlan): StudentTask & { readonly student: TrainableStudent } {
  const student = createStudent(plan.student);
  try {
    if (plan.initialState) student.loadStateDict(plan.initialState, { partial: true });
    return {
      name: plan.name,
      student,
      objective: createObjective(plan.objective),
      optimizer: plan.optimizer,
    };
  } catch (error) {
    student.dispose();
    throw error;
  }
}

/** URL of this module, which another thread imports to call {@link setUpStudent}. */
export const SET_UP_MODULE: string = import.meta.url;
