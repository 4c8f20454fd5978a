import { DskdError } from '@dskd/base';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor4D } from '@tensorflow/tfjs-core';

/** Features of one level, `[batch, height, width, channels]`, or of several, shallow to deep. */
export type Features = Tensor4D | readonly Tensor4D[];

/** Teacher and student of one level, of equal shape. */
export interface LevelPair {
  readonly teacher: Tensor4D;
  readonly student: Tensor4D;
}

function describe(tensors: readonly Tensor4D[]): string {
  return tensors.map(({ shape }) => `[${shape.join(', ')}]`).join(', ');
}

/**
 * Pairs the levels of teacher and student.
 * @throws {DskdError} `shape-mismatch` where counts or shapes differ, a tensor is not rank 4, or none is there.
 */
export function pairLevels(teacher: Features, student: Features): LevelPair[] {
  const teachers = isArray(teacher) ? teacher : [teacher];
  const students = isArray(student) ? student : [student];
  const agree =
    teachers.length > 0 &&
    teachers.length === students.length &&
    teachers.every(({ shape }, level) => {
      const other = students[level]!.shape;
      return (
        // JavaScript callers, and casts.
        tf.util.arraysEqual(shape, other) &&
        (shape as number[]).length === 4 &&
        tf.util.sizeFromShape(shape) > 0
      );
    });
  if (!agree) {
    throw new DskdError(
      'shape-mismatch',
      `Got teacher features ${describe(teachers) || 'of no level'} and student features ` +
        `${describe(students) || 'of no level'}; wanted the same levels in both, ` +
        'each [batch, height, width, channels] with no empty side.',
      {
        hint: 'Give the levels of both networks in the same order; the student must predict the size of each.',
        details: {
          teacher: teachers.map(({ shape }) => shape),
          student: students.map(({ shape }) => shape),
        },
      },
    );
  }
  return teachers.map((tensor, level) => ({ teacher: tensor, student: students[level]! }));
}

function isArray(features: Features): features is readonly Tensor4D[] {
  return Array.isArray(features);
}
