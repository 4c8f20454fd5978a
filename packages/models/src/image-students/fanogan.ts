import { randomStream } from '@dskd/base';
import * as tf from '@tensorflow/tfjs-core';
import { batchNorm } from '../layers/batch-norm.js';
import { condensing, restoring, smoothing } from '../layers/biased.js';
import { layerNormRelu } from '../layers/layer-norm.js';
import { type ForwardMode, type Layer, type MapShape, NetworkPlan } from '../layers/network-plan.js';
import { residualDown, residualUp, type Normalization } from '../layers/residual-block.js';
import { asConstant } from '../layers/tensor-ops.js';
import type { ImageForwardMode, PlannedNetwork } from './planned-student.js';
import { aheadAndBack, slopesBetween } from './slopes.js';

/** The three networks of f-AnoGAN. */
export interface FanoganOptions {
  readonly kind: 'fanogan';
  /** `[height, width]` in pixels of what a detector reads; the networks see gray images of {@link FANOGAN_SHAPE}. */
  readonly inputSize: readonly [number, number];
  /** Channels at 64 pixels, `D`; deeper maps have up to eight times as many. */
  readonly width: number;
  /** Length of the vector that an image is made of. */
  readonly latent: number;
  /** Whether the critic's features of an image and its reconstruction are asked for after the training, too. */
  readonly features: boolean;
  /** Whether the training is over: the critic is left out where nobody asks for its features. */
  readonly trained: boolean;
  readonly seed: number;
}

/** `[height, width, channels]` of the images that the networks read and make, in -1..1. */
export const FANOGAN_SHAPE: MapShape = [64, 64, 1];

/** Of the batch norms, as TensorFlow 1 has it. */
const EPSILON = 1e-3;
/** Channels of critic and encoder after each halving, in units of the width; those of the generator are the reverse. */
const FACTORS = [2, 4, 8, 8] as const;

const batchNormRelu: Normalization = (plan, name, shape) =>
  batchNorm(plan, name, shape, { relu: true, epsilon: EPSILON });

function sequence(layers: readonly Layer[]): Layer['apply'] {
  return (x, mode) => tf.tidy(() => layers.reduce((y, layer) => layer.apply(y, mode), x));
}

/** A 3x3 convolution and four blocks that halve the map, to 4x4 positions. */
function planDown(plan: NetworkPlan, name: string, width: number, normalization: Normalization): Layer {
  const layers = [smoothing(plan, `${name}.input`, FANOGAN_SHAPE, { outputs: width, slope: null })];
  for (const [index, factor] of FACTORS.entries()) {
    const { shape } = layers.at(-1)!;
    layers.push(residualDown(plan, `${name}.block${index + 1}`, shape, factor * width, normalization));
  }
  return { shape: layers.at(-1)!.shape, apply: sequence(layers) };
}

/** A map of 4x4 positions, four blocks that double it, a 3x3 convolution and a hyperbolic tangent. */
function planGenerator(plan: NetworkPlan, width: number, latent: number): Layer {
  const input = { outputs: 8 * width, slope: null };
  const layers = [restoring(plan, 'generator.input', latent, [4, 4], input)];
  for (const [index, factor] of [8, 4, 2, 1].entries()) {
    const { shape } = layers.at(-1)!;
    layers.push(residualUp(plan, `generator.block${index + 1}`, shape, factor * width, batchNormRelu));
  }
  layers.push(batchNormRelu(plan, 'generator.norm', layers.at(-1)!.shape));
  layers.push(smoothing(plan, 'generator.output', layers.at(-1)!.shape, { outputs: 1, slope: null }));
  const apply = sequence(layers);
  return { shape: FANOGAN_SHAPE, apply: (x, mode) => tf.tidy(() => tf.tanh(apply(x, mode))) };
}

/** Standard normal vectors `[count, 1, 1, latent]`, by seed, step and what they are for. */
function normalVectors(key: readonly [number, string, number], count: number, latent: number): tf.Tensor4D {
  const stream = randomStream(...key);
  const values = Float32Array.from({ length: count * latent }, () => stream.normal());
  return tf.tensor4d(values, [count, 1, 1, latent]);
}

/** The networks before any memory is allocated. */
interface Networks {
  readonly plan: NetworkPlan;
  /** Vectors `[batch, 1, 1, latent]` to images. */
  readonly generator: Layer;
  /** Images to vectors in -1..1. */
  readonly encoder: Layer;
  /** Images to features `[batch, 4, 4, 8 width]`, and these to a value `[batch, 1, 1, 1]`; undefined where nobody asks. */
  readonly critic: { readonly features: Layer; readonly end: Layer } | undefined;
}

/** Plans generator, encoder and critic (Schlegl et al., Medical Image Analysis 2019; tSchlegl/f-AnoGAN, wgangp_64x64.py). */
export function planNetworks({ width, latent, features, trained }: FanoganOptions): Networks {
  const plan = new NetworkPlan();
  const generator = planGenerator(plan, width, latent);
  const body = planDown(plan, 'encoder', width, batchNormRelu);
  const end = condensing(plan, 'encoder.output', body.shape, { outputs: latent, slope: null });
  const encode = sequence([body, end]);
  const encoder: Layer = { shape: end.shape, apply: (x, mode) => tf.tidy(() => tf.tanh(encode(x, mode))) };
  if (trained && !features) return { plan, generator, encoder, critic: undefined };
  const judging = planDown(plan, 'critic', width, layerNormRelu);
  const value = condensing(plan, 'critic.output', judging.shape, { outputs: 1, slope: null });
  return { plan, generator, encoder, critic: { features: judging, end: value } };
}

/** Without a change of running statistics. */
const FROZEN: ForwardMode = { training: false, batchNormMomentum: 0 };

/**
 * Plans the training of f-AnoGAN's networks, whose parameters are the groups `generator`, `critic` and `encoder` (wgangp_64x64.py,
 * z_encoding_izif.py). What a pass returns depends on the group that it trains:
 * - `critic`: its values for the images, for generated ones, and the lengths of its gradient at points between both
 *   ({@link slopesBetween}), each `[batch, 1, 1, 1]`. Only the critic has a gradient.
 * - `generator`: the critic's values for other generated images.
 * - `encoder`, and every pass that trains nothing: the reconstruction, and the critic's features of the images and of the
 *   reconstruction, `[batch, 4, 4, 8 width]`; without these two in a trained network that is not asked for them. The generator
 *   uses its running statistics.
 *
 * Vectors and points of a step depend on seed and step alone, so that a resumed training sees the same.
 */
export function planFanogan(options: FanoganOptions): PlannedNetwork {
  const { latent, features, seed } = options;
  const { plan, generator, encoder, critic } = planNetworks(options);
  const featuresOf = (images: tf.Tensor4D): tf.Tensor4D => critic!.features.apply(images, FROZEN);
  const valueOf = (images: tf.Tensor4D): tf.Tensor4D => critic!.end.apply(featuresOf(images), FROZEN);

  const judge = (real: tf.Tensor4D, mode: ImageForwardMode, step: number): tf.Tensor4D[] => {
    const count = real.shape[0];
    const fake = asConstant(() =>
      generator.apply(normalVectors([seed, 'critic-noise', step], count, latent), mode),
    );
    const stream = randomStream(seed, 'critic-points', step);
    const shares = tf.tensor4d(
      Float32Array.from({ length: count }, () => stream.uniform()),
      [count, 1, 1, 1],
    );
    const between = asConstant(() => tf.add(real, tf.mul(shares, tf.sub(fake, real))));
    const [ahead, back] = aheadAndBack(valueOf, between);
    // Layer norm looks at one image alone, so all of them go through the critic together.
    const values = tf.split<tf.Tensor4D>(valueOf(tf.concat([real, fake, ahead, back])), 4);
    return [values[0]!, values[1]!, slopesBetween(values[2]!, values[3]!, between)];
  };
  const reconstruct = (images: tf.Tensor4D, mode: ImageForwardMode): tf.Tensor4D[] => {
    const reconstruction = generator.apply(encoder.apply(images, mode), FROZEN);
    if (!critic) return [reconstruction];
    return [reconstruction, asConstant(() => featuresOf(images)), featuresOf(reconstruction)];
  };

  return {
    plan,
    shapes: [FANOGAN_SHAPE],
    firstTarget: 0,
    // A step of the critic passes four images for each one, and gradients of all maps are held until its end: 6.2 as measured.
    keptPasses: 7,
    isKept: (name) => features || !name.startsWith('critic.'),
    apply: (images, mode) => {
      const { step = 0, group } = mode.position ?? {};
      if (group === 'critic') return judge(images, mode, step);
      if (group !== 'generator') return reconstruct(images, mode);
      const vectors = normalVectors([seed, 'generator-noise', step], images.shape[0], latent);
      return [valueOf(generator.apply(vectors, mode))];
    },
  };
}
