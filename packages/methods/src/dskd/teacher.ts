import { DskdError } from '@dskd/base';
import type { Teacher } from '@dskd/models';
import type { FitPlan } from '../contract.js';

/** @throws {DskdError} `invalid-argument` without one. */
export function teacherOf({ teacher }: Pick<FitPlan, 'teacher'>): Teacher {
  if (teacher) return teacher;
  throw new DskdError('invalid-argument', 'The methods dskd and rd need a teacher; got none.', {
    hint: 'loadTeacher of @dskd/models makes one; the package dskd brings its own.',
  });
}
