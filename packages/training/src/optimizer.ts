import { tidy, variable, zeros, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import { DskdError } from '@dskd/base';
import type { OptimizerState } from './training-state.js';

/** Updates a fixed set of parameters. What it remembers of earlier updates is stored by parameter name. */
export interface Optimizer {
  /**
   * Updates every parameter once. The caller disposes `gradients`.
   * @param gradients by parameter name, one for each parameter, of the parameter's shape.
   * @throws {DskdError} `invalid-argument` naming a parameter without gradient; then nothing was updated.
   */
  apply(gradients: ReadonlyMap<string, Tensor>): void;
  capture(): Promise<OptimizerState>;
  /** @throws {DskdError} `shape-mismatch` */
  restore(state: OptimizerState): void;
  /** Disposes what the optimizer holds itself, not the parameters. */
  dispose(): void;
}

/** A variable of zeros for each parameter, not trainable. */
export function zerosLike(parameters: ReadonlyMap<string, Variable>): Map<string, Variable> {
  const moments = new Map<string, Variable>();
  for (const [name, { shape }] of parameters) {
    moments.set(
      name,
      tidy(() => variable(zeros(shape), false)),
    );
  }
  return moments;
}

/** @throws {DskdError} `invalid-argument` naming a parameter without gradient. */
export function assertGradients(
  parameters: ReadonlyMap<string, Variable>,
  gradients: ReadonlyMap<string, Tensor>,
): void {
  for (const name of parameters.keys()) {
    if (gradients.has(name)) continue;
    throw new DskdError('invalid-argument', `The parameter '${name}' received no gradient.`, {
      hint: 'Every parameter of a student must contribute to its objective; remove unused parameters.',
      details: { parameter: name },
    });
  }
}
