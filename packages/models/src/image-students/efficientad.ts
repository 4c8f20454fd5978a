import { randomStream } from '@dskd/base';
import { resizeFeatures } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import { IMAGENET_RGB } from '../input-transform.js';
import { condensing, halving, windowed } from '../layers/biased.js';
import { elements, NetworkPlan, type Layer, type MapShape } from '../layers/network-plan.js';
import { pdnNetwork, type PdnSize } from '../patch-networks/patch-layers.js';
import { planPatchNetwork } from '../patch-networks/plan-patch-network.js';
import type { Position } from './autoencoder.js';
import { penaltyImages } from './penalty-images.js';

/** Student and autoencoder of EfficientAD, as one network: the student learns from the autoencoder in each step. */
export interface EfficientAdOptions {
  readonly kind: 'efficientad';
  /** `[height, width]` in pixels. */
  readonly inputSize: readonly [number, number];
  /** The student's network. */
  readonly network: PdnSize;
  /** Channels of its first and of its following layers. */
  readonly widths: readonly [number, number];
  /** Whether the student's convolutions are padded: for a target with a position for each 4 pixels of the whole image. */
  readonly padded: boolean;
  /** Channels of the target. The student has twice as many: its second half predicts the autoencoder. */
  readonly channels: number;
  /** Channels of the autoencoder: of the first two halvings of its encoder, and of all other layers but the last. */
  readonly autoencoder: readonly [number, number];
  /** Fraction of the decoder's values that a training step leaves out. */
  readonly dropout: number;
  /** Images in a training step on which the student is held at 0. */
  readonly penaltyImages: number;
  readonly seed: number;
}

const HALVINGS = 5;

/**
 * Sides of the decoder's maps before each of its convolutions, for an image of `side` pixels, as anomalib has them; 3, 8, 15,
 * 32, 63, 127 at 256 pixels.
 */
export function decoderSides(side: number): number[] {
  const part = (divisor: number, less: number): number => Math.max(1, Math.floor(side / divisor) - less);
  return [part(64, 1), part(32, 0), part(16, 1), part(8, 0), part(4, 1), part(2, 1)];
}

/** 0 for the fraction `rate` of the values, and `1 / (1 - rate)` for the others, by seed, step and layer. */
function dropoutMask(
  shape: readonly number[],
  rate: number,
  seed: number,
  step: number,
  layer: number,
): tf.Tensor {
  const random = randomStream(seed, 'dropout', step, layer);
  const kept = 1 / (1 - rate);
  const length = shape.reduce((product, side) => product * side, 1);
  const values = new Float32Array(length);
  for (let at = 0; at < length; at++) if (random.uniform() >= rate) values[at] = kept;
  return tf.tensor(values, [...shape]);
}

type ApplyAutoencoder = (images: tf.Tensor4D, position: Position | undefined) => tf.Tensor4D;

/** The autoencoder of EfficientAD (Batzner et al., WACV 2024, Table 8; nelson1425/EfficientAD common.py). */
function planAutoencoder(
  plan: NetworkPlan,
  { inputSize, channels, autoencoder: [first, width], dropout, seed }: EfficientAdOptions,
  grid: readonly [number, number],
): ApplyAutoencoder {
  const mode = { training: true, batchNormMomentum: 0 };
  const name = (part: string, index: number): string => `autoencoder.${part}.conv${index + 1}`;
  let shape: MapShape = [inputSize[0], inputSize[1], 3];
  const add = (layer: Layer): Layer => {
    ({ shape } = layer);
    return layer;
  };
  const encoder = Array.from({ length: HALVINGS }, (_, index) =>
    add(halving(plan, name('encoder', index), shape, { outputs: index < 2 ? first : width, slope: 0 })),
  );
  const code = add(condensing(plan, name('encoder', HALVINGS), shape, { outputs: width, slope: null }));
  const resized = ([height, side]: readonly [number, number]): void => {
    shape = [height, side, shape[2]];
    plan.cost('autoencoder.resize', shape, 0, 0);
  };
  const rows = decoderSides(inputSize[0]);
  const columns = decoderSides(inputSize[1]);
  const decoder = rows.map((height, index) => {
    const size = [height, columns[index]!] as const;
    resized(size);
    const options = { kernel: 4, padding: 2, outputs: width, slope: 0 };
    const layer = add(windowed(plan, name('decoder', index), shape, options));
    // The mask of the dropout and the values after it.
    plan.cost(`${name('decoder', index)}.dropout`, shape, 0, 2 * elements(shape));
    return { size, layer };
  });
  resized(grid);
  const last = rows.length;
  const smooth = add(
    windowed(plan, name('decoder', last), shape, { kernel: 3, padding: 1, outputs: width, slope: 0 }),
  );
  const output = add(
    windowed(plan, name('decoder', last + 1), shape, {
      kernel: 3,
      padding: 1,
      outputs: channels,
      slope: null,
    }),
  );

  return (images, position) => {
    let x = [...encoder, code].reduce((map, layer) => layer.apply(map, mode), images);
    for (const [index, { size, layer }] of decoder.entries()) {
      x = layer.apply(resizeFeatures(x, size), mode);
      if (position && dropout > 0) x = tf.mul(x, dropoutMask(x.shape, dropout, seed, position.step, index));
    }
    return output.apply(smooth.apply(resizeFeatures(x, grid), mode), mode);
  };
}

interface PlannedEfficientAd {
  readonly plan: NetworkPlan;
  /** `[height, width, channels]` of the target and of every prediction. */
  readonly shape: MapShape;
  /**
   * @param images `[batch, height, width, 3]`, RGB, 0..1; or `[batch, 2 height, width, 3]`: images above what has been made of them for
   * the autoencoder.
   * @param position of a training step; without it nothing is left out and there are no penalty images.
   * @returns what the student says of the teacher, what the autoencoder says, what the student says of the autoencoder,
   * and in training with penalty images what the student says of the teacher there.
   */
  readonly apply: (images: tf.Tensor4D, position: Position | undefined) => tf.Tensor4D[];
}

/** Plans student and autoencoder of EfficientAD. Both read images in ImageNet's normalization, and pad with zeros after it. */
export function planEfficientAd(options: EfficientAdOptions): PlannedEfficientAd {
  const { inputSize, network, widths, padded, channels, seed } = options;
  const plan = new NetworkPlan();
  const image: MapShape = [inputSize[0], inputSize[1], 3];
  const student = planPatchNetwork(
    plan,
    'student',
    image,
    pdnNetwork(network, { widths, outputs: 2 * channels, padded }),
  );
  // A training step passes what it made of the images through the student, too, and at most as many penalty images.
  const passes = options.penaltyImages > 0 ? 3 : 2;
  const once = [...plan.costs];
  for (let pass = 1; pass < passes; pass++) plan.costs.push(...once);
  const [height, width] = student.shape;
  const autoencoder = planAutoencoder(plan, options, [height, width]);
  const mode = { training: true, batchNormMomentum: 0 };

  const normalized = (images: tf.Tensor4D): tf.Tensor4D =>
    tf.div(tf.sub(images, [...IMAGENET_RGB.mean]), [...IMAGENET_RGB.standardDeviation]);
  /** What the student says of the teacher (0) or of the autoencoder (1), without what it says of the other. */
  const part = (x: tf.Tensor4D, which: 0 | 1): tf.Tensor4D =>
    student.applyPart(x, mode, which * channels, channels);
  const rowsOf = (images: tf.Tensor4D, from: number): tf.Tensor4D =>
    tf.slice(images, [0, from, 0, 0], [images.shape[0], inputSize[0], inputSize[1], 3]);

  return {
    plan,
    shape: [height, width, channels],
    apply: (images, position) => {
      const all = normalized(images);
      const isPair = images.shape[1] !== inputSize[0];
      const own = isPair ? rowsOf(all, 0) : all;
      const changed = isPair ? rowsOf(all, inputSize[0]) : all;
      const [ofTeacher, ofAutoencoder] = isPair
        ? [part(own, 0), part(changed, 1)]
        : (tf.split(student.apply(own, mode), 2, 3) as [tf.Tensor4D, tf.Tensor4D]);
      const results = [ofTeacher, autoencoder(changed, position), ofAutoencoder];
      if (position && options.penaltyImages > 0) {
        const others = penaltyImages(options.penaltyImages, inputSize, seed, position.step);
        results.push(part(normalized(others), 0));
      }
      return results;
    },
  };
}
