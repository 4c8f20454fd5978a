import { DskdError } from '@dskd/base';
import type { Student } from '@dskd/core';
import type { StateDict, StateDictEntry } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import type { ForwardMode, MapShape, NetworkPlan } from '../layers/network-plan.js';
import { loadState, readState } from '../layers/state-dict.js';
import type { Position } from './autoencoder.js';

/** A network that reads images, as the training loop takes it. */
export interface TrainableImageStudent extends Student {
  /** `[height, width, channels]` of each prediction. */
  readonly outputShapes: readonly MapShape[];
  /** Returns a copy of what a file keeps, by torch's names and layouts. */
  stateDict(): Promise<StateDict>;
  /** @throws {DskdError} `weights-mismatch`; then nothing was changed. */
  loadStateDict(entries: ReadonlyMap<string, StateDictEntry>): void;
}

/** How one forward pass is computed: without a position as after a finished training. */
export interface ImageForwardMode extends ForwardMode {
  readonly position: Position | undefined;
}

/** The layers of a network that reads images, before any memory is allocated. */
export interface PlannedNetwork {
  readonly plan: NetworkPlan;
  /** `[height, width, channels]` of each prediction. */
  readonly shapes: readonly MapShape[];
  /** See `Student.firstTarget`. */
  readonly firstTarget: number;
  /** Whether images may be twice as high: pairs of them, one above the other. */
  readonly mayBePairs?: boolean;
  /** Memory that a training step holds at its peak, in units of what a pass of the whole network keeps. Default 1. */
  readonly keptPasses?: number;
  /** Whether a file keeps a parameter, by its name; false for those that only training uses. Default: all. */
  readonly isKept?: (name: string) => boolean;
  /** Runs inside a `tf.tidy`. Returns the predictions, and then what else the objective needs. */
  readonly apply: (images: tf.Tensor4D, mode: ImageForwardMode) => tf.Tensor4D[];
}

/** torch's default momentum of running statistics. */
const MOMENTUM = 0.1;

/** @throws {DskdError} `shape-mismatch` unless images are `[batch, ...wanted]`, or twice as high where they may be pairs. */
export function checkImages(
  images: tf.Tensor4D,
  [height, width, channels]: MapShape,
  mayBePairs = false,
): void {
  const { shape } = images;
  const isHigh = shape[1] === height || (mayBePairs && shape[1] === 2 * height);
  if (isHigh && shape[2] === width && shape[3] === channels) return;
  throw new DskdError(
    'shape-mismatch',
    `Got images [${shape.join(', ')}]; wanted [batch, ${height}, ${width}, ${channels}].`,
    { details: { got: [...shape], wanted: [height, width, channels] } },
  );
}

/**
 * Allocates a planned network.
 * @param input `[height, width, channels]` of the images.
 * @param seed null: no random initial weights.
 */
export function plannedStudent(
  { plan, shapes, firstTarget, isKept = () => true, mayBePairs = false, apply }: PlannedNetwork,
  input: MapShape,
  { name, seed }: { readonly name: string; readonly seed: number | null },
): TrainableImageStudent {
  plan.allocate(seed);
  const kept = plan.slots.filter(({ spec }) => isKept(spec.name));
  const variables = (trainable: boolean) =>
    new Map(
      plan.slots
        .filter(({ spec }) => spec.trainable === trainable)
        .map((slot) => [slot.spec.name, slot.variable]),
    );
  return {
    firstTarget,
    parameters: variables(true),
    buffers: variables(false),
    outputShapes: shapes,
    forward([images], { training, batchNormMomentum = MOMENTUM, position }) {
      checkImages(images!, input, mayBePairs);
      const mode = { training, batchNormMomentum, position: training ? position : undefined };
      return tf.tidy(() => apply(images!, mode));
    },
    stateDict: () => readState(kept),
    loadStateDict: (entries) => loadState(kept, entries, { network: name }),
    dispose: () => plan.dispose(),
  };
}
