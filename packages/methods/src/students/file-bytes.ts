import type { CostEstimate } from '../contract.js';

const FLOAT_BYTES = 4;
/** Values beside each parameter that a checkpoint keeps. */
const MOMENTS = { adam: 2, rmsprop: 1, sgd: 1 } as const;

/** Bytes of the files of a training: the model with its teacher, and a checkpoint. Buffers, which are small, are left out. */
export function trainingFiles(
  teacherBytes: number,
  students: readonly { readonly parameters: number; readonly optimizer?: keyof typeof MOMENTS }[],
): CostEstimate['files'] {
  const bytes = (values: (optimizer: keyof typeof MOMENTS) => number): number =>
    students.reduce(
      (sum, { parameters, optimizer = 'adam' }) => sum + FLOAT_BYTES * parameters * values(optimizer),
      0,
    );
  return {
    model: teacherBytes + bytes(() => 1),
    checkpoint: bytes((optimizer) => 1 + MOMENTS[optimizer]),
  };
}
