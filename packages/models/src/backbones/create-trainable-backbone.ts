import { DskdError } from '@dskd/base';
import type { FeatureLevel } from '@dskd/core';
import type { StateDict, StateDictEntry } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { affineInput } from '../input-transform.js';
import { addRelu } from '../layers/tensor-ops.js';
import { batchNorm } from '../layers/batch-norm.js';
import { convolution } from '../layers/convolution.js';
import { chain, NetworkPlan, type Layer, type MapShape } from '../layers/network-plan.js';
import { loadState, readState } from '../layers/state-dict.js';
import type { Block, Convolution, Stage } from './plan.js';
import { selectLevels, type BackboneName } from './registry.js';

export interface TrainableBackboneOptions {
  /** Seed of the initial weights. */
  readonly seed: number;
  /**
   * Adds a linear 1x1 convolution with bias to levels: number of its output channels by the name of the level. With
   * heads, `forward` returns the outputs of the heads, and only levels with a head are computed.
   */
  readonly heads?: Readonly<Record<string, number>>;
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
  /** Returns a copy of all weights and statistics by torch's names and layouts, without heads: for `createBackbone`. */
  stateDict(): Promise<StateDict>;
  /**
   * Loads a result of {@link stateDict}. Heads do not change.
   * @throws {DskdError} `weights-mismatch` with all tensors that are missing, unknown or of another shape.
   */
  loadStateDict(entries: ReadonlyMap<string, StateDictEntry>): void;
  dispose(): void;
  [Symbol.dispose](): void;
}

/** Size for which the plan counts costs. The layers accept images of any size. */
const NOMINAL_INPUT: MapShape = [256, 256, 3];
/** Epsilon of the batch norm of our layers. */
const EPSILON = 1e-5;

function untrainable(name: string, why: string): DskdError {
  return new DskdError('invalid-argument', `${name} cannot be trained: it has ${why}.`, {
    hint: 'Use a residual network of 3x3 and 1x1 convolutions with batch norm: teacher-tiny.',
  });
}

class PlanLayers {
  readonly #network: string;
  readonly #plan: NetworkPlan;

  constructor(network: string, plan: NetworkPlan) {
    this.#network = network;
    this.#plan = plan;
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

  #normalized({ name, norm, outputs, kernel, stride, relu }: Convolution, input: MapShape): Layer {
    if (norm === undefined) throw untrainable(this.#network, `no batch norm after '${name}'`);
    if ((kernel !== 1 && kernel !== 3) || (stride !== 1 && stride !== 2)) {
      throw untrainable(this.#network, `a ${kernel}x${kernel} convolution of stride ${stride}, '${name}'`);
    }
    const layer = convolution(this.#plan, name, input, { outputs, kernel, stride });
    return chain(layer, batchNorm(this.#plan, norm, layer.shape, { relu }));
  }
}

/**
 * Makes a trainable backbone with random weights (He initialization, fan out, by seed and name).
 * @returns the backbone. The caller disposes it.
 * @throws {DskdError} `invalid-argument` for an unknown name or level, and for a network with a layer that cannot
 * be trained: pooling, a 7x7 convolution, another batch-norm epsilon, BGR input.
 */
export function createTrainableBackbone(
  name: BackboneName,
  { seed, heads }: TrainableBackboneOptions,
): TrainableBackbone {
  const { plan: network, stages, levels } = selectLevels(name, heads && Object.keys(heads));
  if (network.batchNormEpsilon !== EPSILON || network.inputTransform.channelOrder !== 'rgb') {
    throw untrainable(name, 'another batch norm or input than torchvision');
  }
  const plan = new NetworkPlan();
  const layers = new PlanLayers(name, plan);
  let shape = NOMINAL_INPUT;
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
  plan.allocate(seed);
  const input = affineInput(network.inputTransform);
  const variables = (trainable: boolean): Map<string, tf.Variable> =>
    new Map(
      plan.slots
        .filter(({ spec }) => spec.trainable === trainable)
        .map((slot) => [slot.spec.name, slot.variable]),
    );
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
        const results: tf.Tensor4D[] = [];
        let x: tf.Tensor4D = tf.sub(tf.mul(images, input.factor), input.offset);
        for (const { layer, isLevel, name: stage } of bodies) {
          x = layer.apply(x, mode);
          if (isLevel) results.push(headOf.get(stage)?.apply(x, mode) ?? x);
        }
        return results;
      });
    },
    stateDict: () => readState(backboneSlots),
    loadStateDict: (entries) => loadState(backboneSlots, entries, { network: name }),
    dispose,
    [Symbol.dispose]: dispose,
  };
}
