import { DskdError } from '@dskd/base';
import type { Student } from '@dskd/core';
import type { StateDict, StateDictEntry } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { type LayerCost, NetworkPlan } from '../layers/network-plan.js';
import { type NetworkSizes, planSizes } from '../layers/plan-sizes.js';
import { loadState, type LoadStateDictOptions, readState } from '../layers/state-dict.js';
import { type Bottleneck, globalBottleneck, localBottleneck } from './bottlenecks.js';
import { decoder, type Decoder } from './decoder.js';
import {
  halvingsOf,
  mapShapesOf,
  resolveStudentConfig,
  type StudentConfig,
  type StudentArchitecture,
  type StudentOptions,
} from './student-config.js';

/** Size and cost of a student. */
export interface StudentSummary extends NetworkSizes {
  readonly preset: string;
  readonly branch: string;
  /** What preset and options come to. */
  readonly architecture: StudentArchitecture;
  readonly layers: readonly LayerCost[];
  /** Returns a table of the layers as text. */
  toString(): string;
}

function summarize(plan: NetworkPlan, config: StudentConfig): StudentSummary {
  const sizes = planSizes(plan);
  const { parameters, gmac, activationBytesPerImage } = sizes;
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
    architecture: config.architecture,
    ...sizes,
    layers: plan.costs,
    toString,
  };
}

/** A student made by {@link createStudent}. */
export interface TrainableStudent extends Student {
  /** JSON-serializable. `createStudent(config)` makes the same student with the same initial weights. */
  readonly config: StudentConfig;
  summary(): StudentSummary;
  /** Returns a copy of every parameter and buffer by torch's names and layouts. */
  stateDict(): Promise<StateDict>;
  /**
   * Sets parameters and buffers from entries with torch's names and layouts.
   * @throws {DskdError} `weights-mismatch`; then no parameter was changed.
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

/** Plans the layers and parameters of a student. No tensor is made. */
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
 * Returns the size and cost of a student without allocating it.
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
    hint: `The student is for images of ${config.inputSize.join('x')} pixels and the levels in its config.`,
    details: { got: features.map(({ shape }) => shape), wanted: mapShapesOf(config) },
  });
}

/**
 * Makes a student, which predicts the teacher's features from the teacher's features: a trainable bottleneck (OCBE,
 * with GCCB in the global branch) and a decoder.
 *
 * Parameters have torch's names: `bottleneck.*` (RD4AD's `bn`; `bottleneck.layer4.*` in the global branch, as the
 * stage of the teacher), `gccb.*`, `decoder.*`.
 * @param creation.blank leaves out the random initial weights, which take seconds for millions of parameters. Use
 * it if a state is loaded next. Default false.
 * @returns the student. The caller disposes it.
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
