import type { Variable } from '@tensorflow/tfjs-core';
import { Adam, type AdamOptions } from './adam.js';
import type { Optimizer } from './optimizer.js';
import { Sgd, type SgdOptions } from './sgd.js';

/** Options of an optimizer, by its `kind`; Adam where that is left out. */
export type OptimizerOptions = AdamOptions | SgdOptions;

/**
 * Makes the optimizer of these options. The caller disposes it.
 * @throws {DskdError} `invalid-config`
 */
export function createOptimizer(
  parameters: ReadonlyMap<string, Variable>,
  options: OptimizerOptions,
): Optimizer {
  return options.kind === 'sgd' ? new Sgd(parameters, options) : new Adam(parameters, options);
}
