import { DskdError } from '@dskd/base';
import type { Objective } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor3D } from '@tensorflow/tfjs-core';
import { encodedError, wassersteinCritic, wassersteinGenerator } from './adversarial.js';
import {
  checkTemperature,
  contextualAffinityLoss,
  contextualAffinityMap,
  type ContextualAffinityOptions,
} from './contextual-affinity.js';
import { covarianceAffinityLoss, covarianceAffinityMap } from './covariance-affinity.js';
import { cosineDistanceMap, flattenedCosineLoss, perPixelCosineLoss } from './cosine.js';
import { efficientAd } from './efficientad.js';
import { globalContext } from './global-context.js';
import { pairLevels } from './levels.js';
import { memorizedError } from './memory.js';
import { squaredError, variational } from './reconstruction.js';
import { structuralSimilarity } from './structural-similarity.js';

/** A serialized objective. */
export interface ObjectiveDescription {
  readonly name: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Creates an objective from its serialized options. */
export type ObjectiveFactory = (options: Readonly<Record<string, unknown>>) => Objective;

const cosineMaps: Objective['map'] = (teacher, student) =>
  pairLevels(teacher, student).map((level) => cosineDistanceMap(level.teacher, level.student));

/** {@link perPixelCosineLoss} with {@link cosineDistanceMap}. */
function perPixelCosine(): Objective {
  return { name: 'perPixelCosine', options: {}, loss: perPixelCosineLoss, map: cosineMaps };
}

/** {@link flattenedCosineLoss}; its map is the per-pixel {@link cosineDistanceMap}. */
function flattenedCosine(): Objective {
  return { name: 'flattenedCosine', options: {}, loss: flattenedCosineLoss, map: cosineMaps };
}

/**
 * {@link contextualAffinityLoss} with {@link contextualAffinityMap}.
 * @throws {DskdError} `invalid-argument` for a temperature below 1e-20.
 */
function contextualAffinity({ temperature = 1 }: ContextualAffinityOptions = {}): Objective {
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
function covarianceAffinity(): Objective {
  return {
    name: 'covarianceAffinity',
    options: {},
    loss: covarianceAffinityLoss,
    map: (teacher, student) =>
      pairLevels(teacher, student).map((level) => covarianceAffinityMap(level.teacher, level.student)),
  };
}

/**
 * The loss of STFPM (Wang et al., BMVC 2021): the squared distance of unit vectors over channels, mean over positions and
 * batch, summed over levels. It is twice {@link perPixelCosineLoss}, and so is its map.
 */
function squaredUnitDistance(): Objective {
  return {
    name: 'squaredUnitDistance',
    options: {},
    loss: (teacher, student) => tf.tidy(() => tf.mul(perPixelCosineLoss(teacher, student), 2)),
    map: (teacher, student) =>
      tf.tidy(() => cosineMaps(teacher, student).map((map) => tf.mul<Tensor3D>(map, 2))),
  };
}

/**
 * The loss of multiresolution knowledge distillation (Salehi et al., CVPR 2021, Eq. 1 to 5; rohban-lab's loss_functions.py):
 * {@link flattenedCosineLoss} plus `lambda` times the mean squared error, summed over levels. Its map is the per-pixel
 * {@link cosineDistanceMap}.
 * @throws {DskdError} `invalid-argument` for a negative `lambda`.
 */
function cosineAndError({ lambda = 0.5 }: { readonly lambda?: number } = {}): Objective {
  if (!(lambda >= 0) || !Number.isFinite(lambda)) {
    throw new DskdError('invalid-argument', `Got lambda ${lambda} of an objective; wanted 0 or more.`);
  }
  const error = squaredError();
  return {
    name: 'cosineAndError',
    options: { lambda },
    loss: (teacher, student) =>
      tf.tidy(() =>
        tf.add(flattenedCosineLoss(teacher, student), tf.mul(error.loss(teacher, student), lambda)),
      ),
    map: cosineMaps,
  };
}

const factories = new Map<string, ObjectiveFactory>([
  ['perPixelCosine', perPixelCosine],
  ['flattenedCosine', flattenedCosine],
  ['contextualAffinity', (options) => contextualAffinity(options)],
  ['covarianceAffinity', covarianceAffinity],
  ['squaredUnitDistance', squaredUnitDistance],
  ['cosineAndError', (options) => cosineAndError(options)],
  ['squaredError', squaredError],
  ['variational', (options) => variational(options)],
  ['structuralSimilarity', structuralSimilarity],
  ['globalContext', globalContext],
  ['memorizedError', (options) => memorizedError(options)],
  ['efficientad', (options) => efficientAd(options)],
  ['wassersteinCritic', (options) => wassersteinCritic(options)],
  ['wassersteinGenerator', wassersteinGenerator],
  ['encodedError', (options) => encodedError(options)],
]);

/**
 * Registers an objective under `name` for {@link createObjective}. Needed to train with it by name, and to load a saved
 * detector that was trained with it. A later registration of the same name replaces an earlier one.
 */
export function registerObjective(name: string, factory: ObjectiveFactory): void {
  factories.set(name, factory);
}

/**
 * Creates an objective by name. The names are `perPixelCosine` (Eq. 1 and 2 of the paper), `contextualAffinity` (Eq. 3
 * to 7, option `temperature`), `flattenedCosine`, `covarianceAffinity`, `squaredUnitDistance` (STFPM),
 * `cosineAndError` (MKD, option `lambda`), `squaredError`, `variational` (option `beta`) and `structuralSimilarity` of
 * reconstructions, `efficientad` (option `share`), `memorizedError` (MNAD), `globalContext` (GCAD),
 * `wassersteinCritic` (option `penalty`), `wassersteinGenerator` and `encodedError` (option `kappa`) of f-AnoGAN, and those of
 * {@link registerObjective}.
 * `createObjective(objective)` equals `objective`.
 * @throws {DskdError} `invalid-argument` for an unknown name or option values out of range.
 */
export function createObjective({ name, options = {} }: ObjectiveDescription): Objective {
  const factory = factories.get(name);
  if (!factory) {
    throw new DskdError(
      'invalid-argument',
      `Got objective '${name}'; wanted one of ${[...factories.keys()].join(', ')}.`,
      {
        hint: 'registerObjective(name, factory) adds an objective. Call it in each thread that uses the objective.',
        details: { name },
      },
    );
  }
  return factory(options);
}
