import { fill, tidy, variable, type Tensor, type Variable } from '@tensorflow/tfjs-core';
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

/** A variable of each parameter's shape, not trainable, filled with a number, default 0. */
export function constantLike(parameters: ReadonlyMap<string, Variable>, value = 0): Map<string, Variable> {
  return new Map(
    [...parameters].map(([name, { shape }]) => [name, tidy(() => variable(fill(shape, value), false))]),
  );
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
