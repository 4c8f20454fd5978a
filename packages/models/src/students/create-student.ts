import * as tf from '@tensorflow/tfjs-core';
import { DskdError } from '@dskd/base';
import type { Student } from '@dskd/core';
import type { StateDict, StateDictEntry } from '@dskd/weights';
import { NetworkPlan } from '../layers/network-plan.js';
import { globalBottleneck, localBottleneck, type Bottleneck } from './bottlenecks.js';
import { decoder, type Decoder } from './decoder.js';
import {
  halvingsOf,
  mapShapesOf,
  resolveStudentConfig,
  type StudentConfig,
  type StudentOptions,
} from './student-config.js';
import { loadState, readState, type LoadStateDictOptions } from './student-state.js';
import { summarize, type StudentSummary } from './student-summary.js';

/** A student of our own making. */
export interface TrainableStudent extends Student {
  /** JSON-serializable; `createStudent(config)` makes the same student, initial weights included. */
  readonly config: StudentConfig;
  summary(): StudentSummary;
  /** A copy of every parameter and buffer, in torch's names and layouts. */
  stateDict(): Promise<StateDict>;
  /**
   * Sets parameters and buffers from torch's names and layouts.
   * @throws {DskdError} `weights-mismatch`; then nothing was changed.
   */
  loadStateDict(entries: ReadonlyMap<string, StateDictEntry>, options?: LoadStateDictOptions): void;
  [Symbol.dispose](): void;
}

export interface PlannedStudent {
  readonly config: StudentConfig;
  readonly plan: NetworkPlan;
  readonly bottleneck: Bottleneck;
  readonly decode: Decoder;
}

/** A student's layers and parameters by shape; no tensor exists yet. */
export function planStudent(options: StudentOptions): PlannedStudent {
  const config = resolveStudentConfig(options);
  const { branch, levels, architecture } = config;
  const plan = new NetworkPlan();
  const maps = mapShapesOf(config);
  const halvings = halvingsOf(levels);
  const bottleneck =
    branch === 'local'
      ? localBottleneck(plan, maps, halvings, architecture)
      : globalBottleneck(plan, maps, architecture);
  const decode = decoder(plan, bottleneck.shape, maps, halvings, architecture);
  return { config, plan, bottleneck, decode };
}

/**
 * What a student would be made of and cost, without its memory.
 * @throws {DskdError} `invalid-config`
 */
export function summarizeStudent(options: StudentOptions): StudentSummary {
  const { plan, config } = planStudent(options);
  return summarize(plan, config);
}

function checkFeatures(features: readonly tf.Tensor4D[], config: StudentConfig): void {
  const wanted = mapShapesOf(config).map((shape) => `[batch, ${shape.join(', ')}]`);
  const fits =
    features.length === wanted.length &&
    features.every(({ shape }, level) => {
      const [height, width, channels] = mapShapesOf(config)[level]!;
      const sameBatch = shape[0] === features[0]!.shape[0];
      return sameBatch && shape[1] === height && shape[2] === width && shape[3] === channels;
    });
  if (fits) return;
  const got = features.map(({ shape }) => `[${shape.join(', ')}]`);
  throw new DskdError('shape-mismatch', `Got features ${got.join(', ')}; wanted ${wanted.join(', ')}.`, {
    hint: `The student was made for images of ${config.inputSize.join('x')} pixels and this teacher's levels.`,
    details: { got: features.map(({ shape }) => shape), wanted: mapShapesOf(config) },
  });
}

/**
 * Makes a student that predicts the teacher's features from the teacher's features: a trainable bottleneck
 * (OCBE; with GCCB in the global branch) and a decoder. The caller disposes it.
 *
 * Names are torch's: `bottleneck.*` (RD4AD's `bn`; the global branch's is `bottleneck.layer4.*`, as the
 * teacher's stage), `gccb.*`, `decoder.*`.
 * @param creation.blank leaves out the random initial weights, which take seconds for millions of
 * parameters, where a state is loaded next. Default false.
 * @throws {DskdError} `invalid-config`
 */
export function createStudent(
  options: StudentOptions,
  { blank = false }: { readonly blank?: boolean } = {},
): TrainableStudent {
  const { config, plan, bottleneck, decode } = planStudent(options);
  plan.allocate(blank ? null : config.seed);
  const variables = (trainable: boolean): Map<string, tf.Variable> =>
    new Map(
      plan.slots
        .filter(({ spec }) => spec.trainable === trainable)
        .map((slot) => [slot.spec.name, slot.variable]),
    );
  const dispose = (): void => plan.dispose();
  return {
    config,
    parameters: variables(true),
    buffers: variables(false),
    forward(features, { training, batchNormMomentum = 0.1 }) {
      checkFeatures(features, config);
      const mode = { training, batchNormMomentum };
      return tf.tidy(() => decode(bottleneck.apply(features, mode), mode));
    },
    summary: () => summarize(plan, config),
    stateDict: () => readState(plan.slots),
    loadStateDict: (entries, loadOptions) => loadState(plan.slots, entries, loadOptions),
    dispose,
    [Symbol.dispose]: dispose,
  };
}
