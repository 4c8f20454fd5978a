import { DskdError } from '@dskd/base';
import type { Student } from '@dskd/core';
import type { StateDict, StateDictEntry } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { createTrainableBackbone, planTrainableBackbone } from '../backbones/create-trainable-backbone.js';
import type { BackboneName } from '../backbones/registry.js';
import { loadState, readState } from '../layers/state-dict.js';
import { type NetworkSizes, planSizes } from '../layers/plan-sizes.js';
import { type NetworkPlan } from '../layers/network-plan.js';
import { type AutoencoderOptions, planAutoencoder, type Position } from './autoencoder.js';
import { type EfficientAdOptions, planEfficientAd } from './efficientad.js';
import { type PatchStudentOptions, planPatchStudent } from './patch-student.js';

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
export type ImageStudentOptions =
  | BackboneStudentOptions
  | AutoencoderOptions
  | EfficientAdOptions
  | PatchStudentOptions;

/** A network that reads images, as the training loop takes it: the first level of its features is the image. */
export interface ImageStudent extends Student {
  /** What {@link createImageStudent} makes a network of that {@link stateDict} fits: without what only training uses. */
  readonly config: ImageStudentOptions;
  /** `[height, width, channels]` of each prediction. */
  readonly outputShapes: readonly (readonly [number, number, number])[];
  /** Returns a copy of what `config` has, by torch's names and layouts. */
  stateDict(): Promise<StateDict>;
  /** @throws {DskdError} `weights-mismatch`; then nothing was changed. */
  loadStateDict(entries: ReadonlyMap<string, StateDictEntry>): void;
}

/** @throws {DskdError} `shape-mismatch` */
function checkImages(
  images: tf.Tensor4D,
  [height, width]: readonly [number, number],
  { pairs = false }: { readonly pairs?: boolean } = {},
): void {
  const { shape } = images;
  const fits = shape[1] === height || (pairs && shape[1] === 2 * height);
  if (fits && shape[2] === width && shape[3] === 3) return;
  throw new DskdError(
    'shape-mismatch',
    `Got images [${shape.join(', ')}]; wanted [batch, ${height}, ${width}, 3].`,
    { details: { got: [...shape], wanted: [height, width, 3] } },
  );
}

type Trainable = Omit<ImageStudent, 'config'>;

function backboneStudent(options: BackboneStudentOptions, blank: boolean): Trainable {
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
      checkImages(features[0]!, inputSize);
      return network.forward(features[0]!, mode);
    },
    stateDict: () => network.stateDict({ heads: true }),
    loadStateDict: (entries) => network.loadStateDict(entries, { heads: true }),
    dispose: () => network.dispose(),
  };
}

function autoencoder(options: AutoencoderOptions, blank: boolean): Trainable {
  const { inputSize, seed } = options;
  const { plan, apply } = planAutoencoder(options);
  plan.allocate(blank ? null : seed);
  const kept = plan.slots.filter(({ spec }) => !spec.name.startsWith('skips.'));
  return {
    ...variablesOf(plan),
    outputShapes: planOf(options).shapes,
    forward(features, { training, position }) {
      checkImages(features[0]!, inputSize);
      return tf.tidy(() => apply(features[0]!, training ? position : undefined));
    },
    stateDict: () => readState(kept),
    loadStateDict: (entries) => loadState(kept, entries, { network: 'autoencoder' }),
    dispose: () => plan.dispose(),
  };
}

type Variables = ReadonlyMap<string, tf.Variable>;

function variablesOf(plan: NetworkPlan): Pick<Trainable, 'parameters' | 'buffers'> {
  const parameters: Variables = new Map(plan.slots.map((slot) => [slot.spec.name, slot.variable]));
  return { parameters, buffers: new Map() };
}

/** A network that predicts one level from the image, whose parameters all are kept. */
function targetStudent(
  options: EfficientAdOptions | PatchStudentOptions,
  {
    plan,
    shape,
    apply,
  }: Pick<ReturnType<typeof planEfficientAd>, 'plan' | 'shape'> & {
    readonly apply: (images: tf.Tensor4D, position: Position | undefined) => tf.Tensor4D[];
  },
  blank: boolean,
): Trainable {
  plan.allocate(blank ? null : options.seed);
  const pairs = options.kind === 'efficientad';
  return {
    firstTarget: 1,
    ...variablesOf(plan),
    outputShapes: [shape],
    forward(features, { training, position }) {
      checkImages(features[0]!, options.inputSize, { pairs });
      return tf.tidy(() => apply(features[0]!, training ? position : undefined));
    },
    stateDict: () => readState(plan.slots),
    loadStateDict: (entries) => loadState(plan.slots, entries, { network: options.kind }),
    dispose: () => plan.dispose(),
  };
}

function planOf(options: ImageStudentOptions) {
  const [height, width] = options.inputSize;
  if (options.kind === 'autoencoder') {
    return { plan: planAutoencoder(options).plan, shapes: [[height, width, 3] as const] };
  }
  if (options.kind !== 'backbone') {
    const { plan, shape } =
      options.kind === 'efficientad' ? planEfficientAd(options) : planPatchStudent(options);
    return { plan, shapes: [shape] };
  }
  const { backbone, heads, levels } = options;
  const described = { width: options.width, levels, ...(heads && { heads }) };
  return planTrainableBackbone(backbone, described, [height, width, 3]);
}

/**
 * Returns the size and cost of a network without allocating it, and the shapes `[height, width, channels]` of what it
 * predicts.
 * @throws {DskdError} `invalid-argument` as {@link createImageStudent}
 */
export function summarizeImageStudent(
  options: ImageStudentOptions,
): NetworkSizes & Pick<ImageStudent, 'outputShapes'> {
  const { plan, shapes } = planOf(options);
  return { ...planSizes(plan), outputShapes: shapes };
}

/**
 * Makes a network that reads images. Its input is the first level of the features it is given: a backbone student
 * predicts the levels after it, a patch student the one level after it, an autoencoder that level itself (and returns,
 * where it is variational, mean and log-variance of its vector after it). That of EfficientAD predicts the one level after the
 * image, then returns the autoencoder's prediction of it, the student's prediction of the autoencoder, and in training steps the
 * student's prediction for penalty images, which should be 0. Its images may be twice as high: images above what has been made of
 * them, which is what autoencoder and third result are about.
 * @param creation.blank leaves out the random initial weights: for a state that is loaded next. Default false.
 * @returns the network. The caller disposes it.
 * @throws {DskdError} `invalid-argument` for an unknown backbone or level, or one that cannot be trained.
 */
export function createImageStudent(
  options: ImageStudentOptions,
  { blank = false }: { readonly blank?: boolean } = {},
): ImageStudent {
  if (options.kind === 'backbone') return { ...backboneStudent(options, blank), config: options };
  if (options.kind === 'efficientad') {
    return { ...targetStudent(options, planEfficientAd(options), blank), config: options };
  }
  if (options.kind === 'patch') {
    return { ...targetStudent(options, planPatchStudent(options), blank), config: options };
  }
  return { ...autoencoder(options, blank), config: { ...options, skips: null } };
}
