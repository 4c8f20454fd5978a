import type { Variable } from '@tensorflow/tfjs-core';
import { Adam, type AdamOptions } from './adam.js';
import type { Optimizer } from './optimizer.js';
import { RmsProp, type RmsPropOptions } from './rms-prop.js';
import { Sgd, type SgdOptions } from './sgd.js';

/** Options of an optimizer, by its `kind`; Adam where that is left out. */
export type OptimizerOptions = AdamOptions | RmsPropOptions | SgdOptions;

/**
 * Makes the optimizer of these options. The caller disposes it.
 * @throws {DskdError} `invalid-config`
 */
export function createOptimizer(
  parameters: ReadonlyMap<string, Variable>,
  options: OptimizerOptions,
): Optimizer {
  switch (options.kind) {
    case 'rmsprop':
      return new RmsProp(parameters, options);
    case 'sgd':
      return new Sgd(parameters, options);
    default:
      return new Adam(parameters, options);
  }
}
