import { DskdError } from '@dskd/base';
import type { FeatureLevel } from '@dskd/core';
import type { StateDict, StateDictEntry } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { affineInput } from '../input-transform.js';
import { addRelu } from '../layers/tensor-ops.js';
import { batchNorm } from '../layers/batch-norm.js';
import { convolution } from '../layers/convolution.js';
import {
  chain,
  elements,
  NetworkPlan,
  type ForwardMode,
  type Layer,
  type MapShape,
  type ParameterSlot,
} from '../layers/network-plan.js';
import { loadState, readState } from '../layers/state-dict.js';
import { maxPool } from './max-pool.js';
import { narrowPlan } from './narrow-plan.js';
import type { Block, Convolution, MaxPool, Plan, Stage } from './plan.js';
import { levelsOf, selectLevels, type BackboneName } from './registry.js';
import { pooledSize } from './sizes-and-cost.js';

export interface TrainableBackboneOptions {
  /** Seed of the initial weights. Null leaves them at 0, for a state that is loaded next. */
  readonly seed: number | null;
  /**
   * Adds a linear 1x1 convolution with bias to levels: number of its output channels by the name of the level. With
   * heads, `forward` returns the outputs of the heads, and only levels with a head are computed.
   */
  readonly heads?: Readonly<Record<string, number>>;
  /** Names of the levels, where there are no heads. Default: the backbone's own. */
  readonly levels?: readonly string[];
  /** Fraction of the network's channels, rounded up to multiples of 8. Default 1. */
  readonly width?: number;
}

/** A backbone whose weights can be trained. It owns its variables; `dispose` frees them. */
export interface TrainableBackbone {
  readonly name: BackboneName;
  /** Shallow to deep. */
  readonly levels: readonly FeatureLevel[];
  /** Trainable variables by torch's names; those of heads are `heads.LEVEL.*`. */
  readonly parameters: ReadonlyMap<string, tf.Variable>;
  /** `running_mean`, `running_var`. */
  readonly buffers: ReadonlyMap<string, tf.Variable>;
  /**
   * @param images float32 `[batch, height, width, 3]`, RGB, 0..1, of any size.
   * @param options as in `Student.forward`: in training, batch norm uses the batch and updates its running statistics.
   * @returns one tensor per level: features or, with heads, predictions. Call it inside `tf.tidy`, or dispose
   * the result.
   */
  forward(
    images: tf.Tensor4D,
    options: { readonly training: boolean; readonly batchNormMomentum?: number },
  ): tf.Tensor4D[];
  /**
   * Returns a copy of all weights and statistics by torch's names and layouts: for `createBackbone`, where the width is 1.
   * @param options.heads whether those of the heads are among them. Default false.
   */
  stateDict(options?: { readonly heads?: boolean }): Promise<StateDict>;
  /**
   * Loads a result of {@link stateDict}, with the same option; without it heads do not change.
   * @throws {DskdError} `weights-mismatch` with all tensors that are missing, unknown or of another shape.
   */
  loadStateDict(entries: ReadonlyMap<string, StateDictEntry>, options?: { readonly heads?: boolean }): void;
  dispose(): void;
  [Symbol.dispose](): void;
}

/** Size for which the plan counts costs. The layers accept images of any size. */
const NOMINAL_INPUT: MapShape = [256, 256, 3];

function untrainable(name: string, why: string): DskdError {
  return new DskdError('invalid-argument', `${name} cannot be trained: it has ${why}.`, {
    hint: 'Use a residual network: its convolutions have batch norm.',
  });
}

class PlanLayers {
  readonly #network: string;
  readonly #plan: NetworkPlan;
  readonly #epsilon: number;

  constructor(network: string, plan: NetworkPlan, epsilon: number) {
    this.#network = network;
    this.#plan = plan;
    this.#epsilon = epsilon;
  }

  stage({ blocks }: Stage, input: MapShape): Layer {
    let shape = input;
    const layers = blocks.map((block) => {
      const layer = this.#block(block, shape);
      ({ shape } = layer);
      return layer;
    });
    return { shape, apply: (x, mode) => layers.reduce((features, layer) => layer.apply(features, mode), x) };
  }

  #block(block: Block, input: MapShape): Layer {
    if (block.kind === 'convolution') return this.#normalized(block.convolution, input);
    if (block.kind === 'max-pool') return this.#pool(block, input);
    if (block.kind !== 'residual') throw untrainable(this.#network, `a ${block.kind} block`);
    const { shortcut } = block;
    const [first, ...rest] = block.body;
    let body = this.#normalized(first!, input);
    for (const part of rest) body = chain(body, this.#normalized(part, body.shape));
    const side = shortcut && this.#normalized(shortcut, input);
    return {
      shape: body.shape,
      // The tidy frees tensors that no gradient needs before the next block starts.
      apply: (x, mode) => tf.tidy(() => addRelu(body.apply(x, mode), side ? side.apply(x, mode) : x)),
    };
  }

  #pool(pool: MaxPool, [height, width, channels]: MapShape): Layer {
    const shape: MapShape = [...pooledSize([height, width], pool), channels] as const;
    // A copy with its border is kept for the gradient.
    this.#plan.cost('max-pool', shape, 0, elements(shape) + elements([height + 1, width + 1, channels]));
    return { shape, apply: (x) => tf.tidy(() => maxPool(x, pool)) };
  }

  #normalized({ name, norm, outputs, kernel, stride, relu }: Convolution, input: MapShape): Layer {
    if (norm === undefined) throw untrainable(this.#network, `no batch norm after '${name}'`);
    if ((kernel !== 1 && kernel !== 3 && kernel !== 7) || (stride !== 1 && stride !== 2)) {
      throw untrainable(this.#network, `a ${kernel}x${kernel} convolution of stride ${stride}, '${name}'`);
    }
    const layer = convolution(this.#plan, name, input, { outputs, kernel, stride });
    return chain(layer, batchNorm(this.#plan, norm, layer.shape, { relu, epsilon: this.#epsilon }));
  }
}

interface PlannedBackbone {
  readonly plan: NetworkPlan;
  readonly network: Plan;
  readonly levels: readonly FeatureLevel[];
  /** Slots of the heads are not among them. */
  readonly backboneSlots: readonly ParameterSlot[];
  /** `[height, width, channels]` of each level, after its head. */
  readonly shapes: readonly MapShape[];
  /** Features or predictions of the levels, from transformed images. */
  readonly apply: (images: tf.Tensor4D, mode: ForwardMode) => tf.Tensor4D[];
}

/**
 * Plans the layers and parameters of a trainable backbone. No tensor is made.
 * @param input shape of the images for which costs are counted. The layers accept images of any size.
 * @throws {DskdError} as {@link createTrainableBackbone}
 */
export function planTrainableBackbone(
  name: BackboneName,
  { heads, levels: wanted, width = 1 }: Omit<TrainableBackboneOptions, 'seed'>,
  input: MapShape,
): PlannedBackbone {
  const selected = selectLevels(name, heads ? Object.keys(heads) : wanted);
  const network = narrowPlan(selected.plan, width);
  const stages = network.stages.slice(0, selected.stages.length);
  const levels = levelsOf(stages).filter((level) => selected.levels.some((one) => one.name === level.name));
  const plan = new NetworkPlan();
  const layers = new PlanLayers(name, plan, network.batchNormEpsilon);
  let shape = input;
  const bodies = stages.map((stage) => {
    const layer = layers.stage(stage, shape);
    ({ shape } = layer);
    return { layer, isLevel: levels.some((level) => level.name === stage.name), name: stage.name };
  });
  const backboneSlots = [...plan.slots];
  const headOf = new Map(
    Object.entries(heads ?? {}).map(([level, outputs]) => {
      const body = bodies.find((candidate) => candidate.name === level)!;
      const options = { outputs, kernel: 1, stride: 1, bias: true } as const;
      return [level, convolution(plan, `heads.${level}`, body.layer.shape, options)] as const;
    }),
  );
  return {
    plan,
    network,
    levels,
    backboneSlots,
    shapes: bodies
      .filter(({ isLevel }) => isLevel)
      .map(({ layer, name: stage }) => (headOf.get(stage) ?? layer).shape),
    apply(images, mode) {
      const results: tf.Tensor4D[] = [];
      let x = images;
      for (const { layer, isLevel, name: stage } of bodies) {
        x = layer.apply(x, mode);
        if (isLevel) results.push(headOf.get(stage)?.apply(x, mode) ?? x);
      }
      return results;
    },
  };
}

/**
 * Makes a trainable backbone with random weights (He initialization, fan out, by seed and name).
 * @returns the backbone. The caller disposes it.
 * @throws {DskdError} `invalid-argument` for an unknown name or level, and for a network with a layer that cannot
 * be trained: a convolution without batch norm.
 */
export function createTrainableBackbone(
  name: BackboneName,
  options: TrainableBackboneOptions,
): TrainableBackbone {
  const { plan, network, levels, backboneSlots, apply } = planTrainableBackbone(name, options, NOMINAL_INPUT);
  plan.allocate(options.seed);
  const input = affineInput(network.inputTransform);
  const isBgr = network.inputTransform.channelOrder === 'bgr';
  const variables = (trainable: boolean): Map<string, tf.Variable> =>
    new Map(
      plan.slots
        .filter(({ spec }) => spec.trainable === trainable)
        .map((slot) => [slot.spec.name, slot.variable]),
    );
  const slots = (heads = false): readonly ParameterSlot[] => (heads ? plan.slots : backboneSlots);
  const dispose = (): void => {
    plan.dispose();
    tf.dispose([input.factor, input.offset]);
  };
  return {
    name,
    levels,
    parameters: variables(true),
    buffers: variables(false),
    forward(images, { training, batchNormMomentum = 0.1 }) {
      const mode = { training, batchNormMomentum };
      return tf.tidy(() => {
        const transformed = tf.sub<tf.Tensor4D>(tf.mul(images, input.factor), input.offset);
        return apply(isBgr ? tf.reverse(transformed, 3) : transformed, mode);
      });
    },
    stateDict: ({ heads } = {}) => readState(slots(heads)),
    loadStateDict: (entries, { heads } = {}) => loadState(slots(heads), entries, { network: name }),
    dispose,
    [Symbol.dispose]: dispose,
  };
}
