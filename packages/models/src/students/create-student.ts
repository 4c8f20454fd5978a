import { DskdError } from '@dskd/base';
import type { Student } from '@dskd/core';
import type { StateDict, StateDictEntry } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { elements, type LayerCost, NetworkPlan } from '../layers/network-plan.js';
import { loadState, type LoadStateDictOptions, readState } from '../layers/state-dict.js';
import { type Bottleneck, globalBottleneck, localBottleneck } from './bottlenecks.js';
import { decoder, type Decoder } from './decoder.js';
import {
  halvingsOf,
  mapShapesOf,
  resolveStudentConfig,
  type StudentConfig,
  type StudentOptions,
} from './student-config.js';

/** What a student is made of and costs. */
export interface StudentSummary {
  readonly preset: string;
  readonly branch: string;
  /** Trainable numbers. */
  readonly parameters: number;
  /** Running statistics. */
  readonly buffers: number;
  /** Giga multiply-adds of one image's forward pass. */
  readonly gmac: number;
  /** Bytes of activations that a training step keeps for the backward pass, per image. */
  readonly activationBytesPerImage: number;
  /** Bytes of the largest parameter. */
  readonly largestParameterBytes: number;
  /** Bytes of the largest layer's output for one image. */
  readonly largestMapBytesPerImage: number;
  readonly layers: readonly LayerCost[];
  /** A table for people. */
  toString(): string;
}

function summarize(plan: NetworkPlan, config: StudentConfig): StudentSummary {
  const count = (trainable: boolean): number =>
    plan.slots.reduce((sum, slot) => sum + (slot.spec.trainable === trainable ? slot.size : 0), 0);
  const parameters = count(true);
  const gmac = plan.costs.reduce((sum, layer) => sum + layer.macs, 0) / 1e9;
  const activationBytesPerImage = plan.costs.reduce((sum, layer) => sum + 4 * layer.keptElements, 0);
  const toString = (): string => {
    const rows = plan.costs
      .filter((layer) => layer.macs > 0)
      .map(
        ({ name, shape, macs }) =>
          `${name.padEnd(36)}${shape.join('x').padStart(14)}${(macs / 1e6).toFixed(1).padStart(10)} M`,
      );
    const title = `${config.preset} ${config.branch} student for ${config.inputSize.join('x')}`;
    const total =
      `${(parameters / 1e6).toFixed(2)} M parameters, ${gmac.toFixed(3)} GMAC and ` +
      `${(activationBytesPerImage / 2 ** 20).toFixed(1)} MiB of activations an image`;
    return [title, `${'layer'.padEnd(36)}${'output'.padStart(14)}${'MAC'.padStart(12)}`, ...rows, total].join(
      '\n',
    );
  };
  return {
    preset: config.preset,
    branch: config.branch,
    parameters,
    buffers: count(false),
    gmac,
    activationBytesPerImage,
    largestParameterBytes: 4 * Math.max(...plan.slots.map((slot) => slot.size)),
    largestMapBytesPerImage: 4 * Math.max(...plan.costs.map(({ shape }) => elements(shape))),
    layers: plan.costs,
    toString,
  };
}

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

interface PlannedStudent {
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
