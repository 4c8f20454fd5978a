import type { Operand, Recorder } from '../operand.js';

/** What TensorFlow.js gives a kernel: tensors by name, or in a row where there may be any number of them. */
export type Inputs = Readonly<Record<string, Operand>>;

/** Writes the nodes of one operation of TensorFlow.js. */
export type Kernel = (
  recorder: Recorder,
  inputs: Inputs,
  attributes: Readonly<Record<string, unknown>>,
) => Operand | Operand[];

export type Kernels = Readonly<Record<string, Kernel>>;
