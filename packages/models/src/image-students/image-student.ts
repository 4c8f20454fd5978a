import * as tf from '@tensorflow/tfjs-core';
import { createTrainableBackbone, planTrainableBackbone } from '../backbones/create-trainable-backbone.js';
import type { BackboneName } from '../backbones/registry.js';
import { loadState, readState } from '../layers/state-dict.js';
import type { MapShape } from '../layers/network-plan.js';
import { type NetworkSizes, planSizes } from '../layers/plan-sizes.js';
import { type AutoencoderOptions, planAutoencoder } from './autoencoder.js';
import { type ClonerOptions, planCloner } from './cloner.js';
import { type EfficientAdOptions, planEfficientAd } from './efficientad.js';
import { FANOGAN_SHAPE, type FanoganOptions, planFanogan } from './fanogan.js';
import { type GcadOptions, planGcad } from './gcad.js';
import { type MemoryAutoencoderOptions, planMemoryAutoencoder } from './memory-autoencoder.js';
import { type PatchStudentOptions, planPatchStudent } from './patch-student.js';
import {
  checkImages,
  plannedStudent,
  type PlannedNetwork,
  type TrainableImageStudent,
} from './planned-student.js';
import { planSsimAutoencoder, type SsimAutoencoderOptions } from './ssim-autoencoder.js';

/** A backbone with fresh weights that predicts a teacher's levels from the image, by a 1x1 convolution for each. */
export interface BackboneStudentOptions {
  readonly kind: 'backbone';
  readonly backbone: BackboneName;
  /** Fraction of the backbone's channels, rounded up to multiples of 8. */
  readonly width: number;
  /** `[height, width]` in pixels. */
  readonly inputSize: readonly [number, number];
  /** Channels of the predictions by the name of the backbone's level. Null: the levels themselves, without convolutions. */
  readonly heads: Readonly<Record<string, number>> | null;
  /** Names of the backbone's levels, shallow to deep. */
  readonly levels: readonly string[];
  readonly seed: number;
}

/** All that is needed to make a network that reads images. JSON. */
export type ImageStudentOptions = BackboneStudentOptions | AutoencoderOptions | PlannedOptions;

/** Those whose network has a plan that says all of it. */
type PlannedOptions =
  | SsimAutoencoderOptions
  | ClonerOptions
  | MemoryAutoencoderOptions
  | GcadOptions
  | EfficientAdOptions
  | FanoganOptions
  | PatchStudentOptions;

/** A network that reads images, as the training loop takes it: the first level of its features is the image. */
export interface ImageStudent extends TrainableImageStudent {
  /** What {@link createImageStudent} makes a network of that {@link stateDict} fits: without what only training uses. */
  readonly config: ImageStudentOptions;
}

function backboneStudent(options: BackboneStudentOptions, blank: boolean): TrainableImageStudent {
  const { backbone, width, heads, inputSize, seed } = options;
  const network = createTrainableBackbone(backbone, {
    seed: blank ? null : seed,
    width,
    levels: options.levels,
    ...(heads && { heads }),
  });
  return {
    firstTarget: 1,
    parameters: network.parameters,
    buffers: network.buffers,
    outputShapes: planOf(options).shapes,
    forward(features, mode) {
      checkImages(features[0]!, [...inputSize, 3]);
      return network.forward(features[0]!, mode);
    },
    stateDict: () => network.stateDict({ heads: true }),
    loadStateDict: (entries) => network.loadStateDict(entries, { heads: true }),
    dispose: () => network.dispose(),
  };
}

function autoencoder(options: AutoencoderOptions, blank: boolean): TrainableImageStudent {
  const { inputSize, seed } = options;
  const { plan, apply } = planAutoencoder(options);
  plan.allocate(blank ? null : seed);
  const kept = plan.slots.filter(({ spec }) => !spec.name.startsWith('skips.'));
  return {
    parameters: new Map(plan.slots.map((slot) => [slot.spec.name, slot.variable])),
    buffers: new Map(),
    outputShapes: planOf(options).shapes,
    forward(features, { training, position }) {
      checkImages(features[0]!, [...inputSize, 3]);
      return tf.tidy(() => apply(features[0]!, training ? position : undefined));
    },
    stateDict: () => readState(kept),
    loadStateDict: (entries) => loadState(kept, entries, { network: 'autoencoder' }),
    dispose: () => plan.dispose(),
  };
}

function networkOf(options: PlannedOptions): PlannedNetwork {
  switch (options.kind) {
    case 'cloner':
      return planCloner(options);
    case 'efficientad': {
      const { plan, shape, apply } = planEfficientAd(options);
      return {
        plan,
        shapes: [shape],
        firstTarget: 1,
        mayBePairs: true,
        apply: (images, { position }) => apply(images, position),
      };
    }
    case 'fanogan':
      return planFanogan(options);
    case 'gcad':
      return planGcad(options);
    case 'memory-autoencoder':
      return planMemoryAutoencoder(options);
    case 'patch': {
      const { plan, shape, apply } = planPatchStudent(options);
      return { plan, shapes: [shape], firstTarget: 1, apply };
    }
    case 'ssim-autoencoder':
      return planSsimAutoencoder(options);
  }
}

function planOf(options: ImageStudentOptions) {
  const [height, width] = options.inputSize;
  if (options.kind === 'autoencoder') {
    return { plan: planAutoencoder(options).plan, shapes: [[height, width, 3] as const] };
  }
  if (options.kind !== 'backbone') return networkOf(options);
  const { backbone, heads, levels } = options;
  const described = { width: options.width, levels, ...(heads && { heads }) };
  return planTrainableBackbone(backbone, described, [height, width, 3]);
}

/** `[height, width, channels]` of the image that a network reads; one channel where it is gray. */
function inputShape(options: ImageStudentOptions): MapShape {
  const [height, width] = options.inputSize;
  if (options.kind === 'fanogan') return FANOGAN_SHAPE;
  return [height, width, options.kind === 'ssim-autoencoder' ? options.channels : 3];
}

/** What only a training uses is left out. */
function trainedConfig(options: PlannedOptions): PlannedOptions {
  if (options.kind === 'gcad') return { ...options, skips: null };
  return options.kind === 'fanogan' ? { ...options, trained: true } : options;
}

/**
 * Returns the size and cost of a network without allocating it, and the shapes `[height, width, channels]` of the image that
 * it reads and of what it predicts.
 * @throws {DskdError} `invalid-argument` as {@link createImageStudent}
 */
export function summarizeImageStudent(
  options: ImageStudentOptions,
): NetworkSizes & Pick<ImageStudent, 'outputShapes'> & { readonly inputShape: MapShape } {
  const {
    plan,
    shapes,
    keptPasses = 1,
  }: Pick<PlannedNetwork, 'plan' | 'shapes' | 'keptPasses'> = planOf(options);
  const sizes = planSizes(plan);
  return {
    ...sizes,
    activationBytesPerImage: keptPasses * sizes.activationBytesPerImage,
    inputShape: inputShape(options),
    outputShapes: shapes,
  };
}

/**
 * Makes a network that reads images. Its input is the first level of the features it is given: a backbone student
 * or a cloner predicts the levels after it, a patch student the one level after it, an autoencoder that level itself (and returns,
 * where it is variational, mean and log-variance of its vector after it). That of EfficientAD predicts the one level after the
 * image, then returns the autoencoder's prediction of it, the student's prediction of the autoencoder, and in training steps the
 * student's prediction for penalty images, which should be 0. Its images may be twice as high: images above what has been made of
 * them, which is what autoencoder and third result are about. Those of f-AnoGAN read gray images of 64x64 pixels, and what they return
 * depends on the group of parameters that a step updates ({@link planFanogan}).
 * @param creation.blank leaves out the random initial weights: for a state that is loaded next. Default false.
 * @returns the network. The caller disposes it.
 * @throws {DskdError} `invalid-argument` for an unknown backbone or level, or one that cannot be trained.
 */
export function createImageStudent(
  options: ImageStudentOptions,
  { blank = false }: { readonly blank?: boolean } = {},
): ImageStudent {
  if (options.kind === 'backbone') return { ...backboneStudent(options, blank), config: options };
  if (options.kind === 'autoencoder') {
    return { ...autoencoder(options, blank), config: { ...options, skips: null } };
  }
  const { kind: name, seed } = options;
  const naming = { name, seed: blank ? null : seed };
  const student = plannedStudent(networkOf(options), inputShape(options), naming);
  return { ...student, config: trainedConfig(options) };
}
