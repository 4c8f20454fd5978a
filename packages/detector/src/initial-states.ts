import { DskdError } from '@dskd/base';
import { teacherStage4 } from '@dskd/models';
import type { BranchPlan } from './branches.js';
import { backboneName } from './teacher.js';
import type { TrainDetectorOptions } from './training-options.js';

/**
 * The plans with the initial weights that `initialize` asks for, besides the random ones.
 * @throws {DskdError} `invalid-argument` for a custom teacher, `invalid-config`, `weights-mismatch`.
 */
export function withInitialStates(
  plans: readonly BranchPlan[],
  { teacher, initialize = {} }: Pick<TrainDetectorOptions, 'teacher' | 'initialize'>,
): BranchPlan[] {
  const { global = 'random' } = initialize;
  if (global === 'random') return [...plans];
  if ((global as string) !== 'teacher-stage4') {
    throw new DskdError(
      'invalid-config',
      `Got initial weights '${global as string}' of the global student, wanted random or teacher-stage4.`,
    );
  }
  const { weights, extractor } = teacher;
  if (!weights) {
    throw new DskdError(
      'invalid-argument',
      `The teacher ${extractor.name} brings no weights to start the global student from.`,
      { hint: 'Use a teacher of loadTeacher, whose file holds layer4.*, or initialize.global: random.' },
    );
  }
  const name = backboneName(extractor.name);
  return plans.map((plan) =>
    plan.student.branch === 'global'
      ? { ...plan, initialState: teacherStage4(name, weights, plan.student) }
      : plan,
  );
}
