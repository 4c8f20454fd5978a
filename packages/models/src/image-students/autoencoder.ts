import { randomStream } from '@dskd/base';
import * as tf from '@tensorflow/tfjs-core';
import { condensing, doubling, halving, leakyRelu, restoring, smoothing } from '../layers/biased.js';
import { convolution } from '../layers/convolution.js';
import { NetworkPlan, type Layer, type MapShape } from '../layers/network-plan.js';

/** How the skip connections fade while the network is trained. */
export interface SkipFade {
  /** Number of epochs after which every skip is at 0. */
  readonly epochs: number;
  /** `sequential`: one after the other, each linearly in an equal part, the finest first. `together`: all linearly. */
  readonly order: 'sequential' | 'together';
}

/** An autoencoder that reconstructs its input through one vector. */
export interface AutoencoderOptions {
  readonly kind: 'autoencoder';
  /** `[height, width]` in pixels. */
  readonly inputSize: readonly [number, number];
  /** Channels of the encoder, which halves the map once for each. */
  readonly widths: readonly number[];
  /** Length of the vector. */
  readonly latent: number;
  /** Whether the vector is drawn from a normal distribution that the encoder predicts, while the network is trained. */
  readonly variational: boolean;
  /** Slope of the leaky ReLU. */
  readonly slope: number;
  /** Null: no skip connections, as in a network that has been trained. */
  readonly skips: SkipFade | null;
  readonly seed: number;
}

/** Where a training is. */
export interface Position {
  readonly epoch: number;
  readonly step: number;
  /** The parameters that a step updates, where they are in groups. */
  readonly group?: string;
}

/**
 * The factor of the skip at `level`, 0 for the finest of `levels`, in an epoch: 1 at first, at last 0. The epochs do not
 * have to divide by the number of levels.
 */
export function skipWeight(
  { epochs, order }: SkipFade,
  levels: number,
  level: number,
  epoch: number,
): number {
  const [length, start] = order === 'together' ? [epochs, 0] : [epochs / levels, (level * epochs) / levels];
  return Math.min(1, Math.max(0, 1 - (epoch - start) / length));
}

/** Where the network is a part of another one: its plan, what its names begin with, and channels in place of three. */
interface AutoencoderPart {
  readonly plan?: NetworkPlan;
  readonly prefix?: string;
  readonly outputs?: number;
}

/** What is computed from images: the reconstruction, and of a variational one mean and log-variance of the vector. */
type Apply = (images: tf.Tensor4D, position: Position | undefined) => tf.Tensor4D[];

/** Standard normal numbers `[size, 1, 1, latent]`, by seed and step: a resumed training draws the same. */
function noise(seed: number, step: number, size: number, latent: number): tf.Tensor4D {
  const stream = randomStream(seed, 'latent-noise', step);
  const values = Float32Array.from({ length: size * latent }, () => stream.normal());
  return tf.tensor4d(values, [size, 1, 1, latent]);
}

/**
 * Plans an autoencoder of 4x4 convolutions with stride 2, a bottleneck of one vector, transposed convolutions and a linear
 * 3x3 convolution, with leaky ReLUs between and without normalization: the network `E_glo` of GCAD (Bergmann et al., IJCV
 * 2022, Fig. 7) with RGB output, whose channels, slope and padding are ours. While it is trained, 1x1 convolutions add the
 * encoder's maps to those of the decoder, before the activation, with factors that fall to 0 ({@link skipWeight}).
 */
export function planAutoencoder(
  options: Omit<AutoencoderOptions, 'kind'>,
  { plan = new NetworkPlan(), prefix = '', outputs: channels = 3 }: AutoencoderPart = {},
): { plan: NetworkPlan; apply: Apply } {
  const { inputSize, widths, latent, variational, slope, skips, seed } = options;
  let shape: MapShape = [inputSize[0], inputSize[1], 3];
  const encoder = widths.map((outputs, index) => {
    const layer = halving(plan, `${prefix}encoder.conv${index + 1}`, shape, { outputs, slope });
    ({ shape } = layer);
    return layer;
  });
  const mean = condensing(plan, `${prefix}encoder.mean`, shape, { outputs: latent, slope: null });
  const logVariance = variational
    ? condensing(plan, `${prefix}encoder.log_variance`, shape, { outputs: latent, slope: null })
    : undefined;

  // Linear: the skip joins a map before its activation.
  const maps = encoder.map((layer) => layer.shape);
  const deepest = maps.length - 1;
  const decoder = new Array<Layer>(maps.length);
  decoder[deepest] = restoring(plan, `${prefix}decoder.restore`, latent, [shape[0], shape[1]], {
    outputs: shape[2],
    slope: null,
  });
  for (let level = deepest - 1; level >= 0; level--) {
    const [height, width, outputs] = maps[level]!;
    const inputs = maps[level + 1]![2];
    decoder[level] = doubling(plan, `${prefix}decoder.up${deepest - level}`, inputs, [height, width], {
      outputs,
      slope: null,
    });
  }
  const finest = maps[0]![2];
  const whole = doubling(plan, `${prefix}decoder.up${maps.length}`, finest, inputSize, {
    outputs: finest,
    slope,
  });
  const output = smoothing(plan, `${prefix}decoder.output`, whole.shape, { outputs: channels, slope: null });
  const skipLayers = skips
    ? maps.map((map, level) =>
        convolution(plan, `${prefix}skips.${level + 1}`, map, {
          outputs: map[2],
          kernel: 1,
          stride: 1,
          bias: true,
        }),
      )
    : [];

  const mode = { training: true, batchNormMomentum: 0 };
  const apply: Apply = (images, position) => {
    const encoded: tf.Tensor4D[] = [];
    for (const layer of encoder) encoded.push(layer.apply(encoded.at(-1) ?? images, mode));
    const deep = encoded.at(-1)!;
    const center = mean.apply(deep, mode);
    const spread = logVariance?.apply(deep, mode);
    let x: tf.Tensor4D = center;
    if (spread && position) {
      const draw = noise(seed, position.step, images.shape[0], latent);
      x = tf.add(center, tf.mul(tf.exp(tf.mul(spread, 0.5)), draw));
    }
    for (let level = deepest; level >= 0; level--) {
      x = tf.tidy(() => {
        let map = decoder[level]!.apply(x, mode);
        if (skips && position) {
          // Also at 0: every parameter has a gradient.
          const weight = skipWeight(skips, maps.length, level, position.epoch);
          map = tf.add(map, tf.mul(skipLayers[level]!.apply(encoded[level]!, mode), weight));
        }
        return leakyRelu(map, slope);
      });
    }
    const reconstruction = output.apply(whole.apply(x, mode), mode);
    return spread ? [reconstruction, center, spread] : [reconstruction];
  };
  return { plan, apply };
}
