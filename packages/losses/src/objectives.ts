import { DskdError } from '@dskd/base';
import type { Objective } from '@dskd/core';
import {
  checkTemperature,
  contextualAffinityLoss,
  contextualAffinityMap,
  type ContextualAffinityOptions,
} from './contextual-affinity.js';
import { covarianceAffinityLoss, covarianceAffinityMap } from './covariance-affinity.js';
import { cosineDistanceMap, flattenedCosineLoss, perPixelCosineLoss } from './cosine.js';
import { pairLevels } from './levels.js';

/** What an objective is written down as. */
export interface ObjectiveDescription {
  readonly name: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Makes an objective from its serialized options. */
export type ObjectiveFactory = (options: Readonly<Record<string, unknown>>) => Objective;

const cosineMaps: Objective['map'] = (teacher, student) =>
  pairLevels(teacher, student).map((level) => cosineDistanceMap(level.teacher, level.student));

/** {@link perPixelCosineLoss} with {@link cosineDistanceMap}. */
export function perPixelCosine(): Objective {
  return { name: 'perPixelCosine', options: {}, loss: perPixelCosineLoss, map: cosineMaps };
}

/** {@link flattenedCosineLoss}; its map is the per-pixel {@link cosineDistanceMap}. */
export function flattenedCosine(): Objective {
  return { name: 'flattenedCosine', options: {}, loss: flattenedCosineLoss, map: cosineMaps };
}

/**
 * {@link contextualAffinityLoss} with {@link contextualAffinityMap}.
 * @throws {DskdError} `invalid-argument` for a temperature below 1e-20.
 */
export function contextualAffinity({ temperature = 1 }: ContextualAffinityOptions = {}): Objective {
  const options = { temperature: checkTemperature(temperature) };
  return {
    name: 'contextualAffinity',
    options,
    loss: (teacher, student) => contextualAffinityLoss(teacher, student, options),
    map: (teacher, student) =>
      pairLevels(teacher, student).map((level) =>
        contextualAffinityMap(level.teacher, level.student, options),
      ),
  };
}

/** {@link covarianceAffinityLoss} with {@link covarianceAffinityMap}. */
export function covarianceAffinity(): Objective {
  return {
    name: 'covarianceAffinity',
    options: {},
    loss: covarianceAffinityLoss,
    map: (teacher, student) =>
      pairLevels(teacher, student).map((level) => covarianceAffinityMap(level.teacher, level.student)),
  };
}

const factories = new Map<string, ObjectiveFactory>([
  ['perPixelCosine', perPixelCosine],
  ['flattenedCosine', flattenedCosine],
  ['contextualAffinity', (options) => contextualAffinity(options)],
  ['covarianceAffinity', covarianceAffinity],
]);

/**
 * Makes `name` known to {@link createObjective}, so that a saved detector that was trained with it can be
 * loaded again. A later registration replaces an earlier one.
 */
export function registerObjective(name: string, factory: ObjectiveFactory): void {
  factories.set(name, factory);
}

/**
 * Makes the objective that `name` and `options` describe: `createObjective(objective)` equals `objective`.
 * @throws {DskdError} `invalid-argument` for an unknown name or option values out of range.
 */
export function createObjective({ name, options = {} }: ObjectiveDescription): Objective {
  const factory = factories.get(name);
  if (!factory) {
    throw new DskdError(
      'invalid-argument',
      `Got objective '${name}'; wanted one of ${[...factories.keys()].join(', ')}.`,
      {
        hint: 'registerObjective(name, factory) adds your own, in each thread that uses it.',
        details: { name },
      },
    );
  }
  return factory(options);
}
