import { DskdError } from '@dskd/base';
import * as tf from '@tensorflow/tfjs-core';
import { convolution } from '../layers/convolution.js';
import { type Layer, type MapShape, NetworkPlan } from '../layers/network-plan.js';
import { uNet } from '../layers/u-net.js';
import { planAutoencoder, type SkipFade } from './autoencoder.js';
import type { PlannedNetwork } from './planned-student.js';

/** The networks of GCAD that are trained for a category. */
export interface GcadOptions {
  readonly kind: 'gcad';
  /** `[height, width]` in pixels. */
  readonly inputSize: readonly [number, number];
  /** `[height, width, channels]` of the local teacher's features, `E_loc`, of stride 4. */
  readonly target: readonly [number, number, number];
  /** Channels of both U-Nets, from the image's size down, at least three. */
  readonly unetWidths: readonly number[];
  /** Channels of the encoder of the bottleneck network, `E_glo`. */
  readonly widths: readonly number[];
  /** Length of its vector, `g`. */
  readonly latent: number;
  /** Channels of its output, `d_glo`. */
  readonly global: number;
  /** Channels of the two layers in the middle of the upsampling network `U`. */
  readonly bridge: number;
  /** Null: no skip connections in `E_glo`, as in a network that has been trained. */
  readonly skips: SkipFade | null;
  /** The epoch from which on `R_glo` is trained. */
  readonly globalFrom: number;
  readonly seed: number;
}

/** Slope of the leaky ReLU of `E_glo`, as of `ae`. */
const SLOPE = 0.005;
/** Input pixels per position of the target. */
const STRIDE = 4;
/** How often the U-Nets' output is halved. */
const HALVINGS = 2;

/**
 * Plans the networks of GCAD (Bergmann et al., IJCV 2022, Sec. 4.2 and 5.2) besides the local teacher `E_loc`: `R_loc`, a U-Net that
 * predicts its features; `E_glo`, an autoencoder of few channels ({@link planAutoencoder}), whose features `U`, three 1x1
 * convolutions, brings to those of the teacher; `R_glo`, a U-Net that predicts the features of `E_glo`. Returned are `R_loc`,
 * `U(E_glo)`, `E_glo` and `R_glo`, in this order. Before `globalFrom` the last two are 0 in a training step: their difference adds
 * nothing.
 *
 * All maps are on the target's positions, 4 pixels apart: the U-Nets end there, and the output of `E_glo` is averaged. Widths are
 * ours where the paper does not give them.
 * @throws {DskdError} `invalid-argument` for a target of another stride.
 */
export function planGcad(options: GcadOptions): PlannedNetwork {
  const { inputSize, target, unetWidths, widths, latent, global, bridge, skips, globalFrom, seed } = options;
  const [height, width] = inputSize;
  const grid = [Math.ceil(height / STRIDE), Math.ceil(width / STRIDE)] as const;
  if (grid[0] !== target[0] || grid[1] !== target[1] || unetWidths.length <= HALVINGS) {
    throw new DskdError(
      'invalid-argument',
      `Got a teacher's map of ${target[0]} x ${target[1]} for images of ${height} x ${width} and ${unetWidths.length} widths of ` +
        `a U-Net; wanted ${grid[0]} x ${grid[1]}, and more than ${HALVINGS} widths.`,
      {
        hint: 'Take a teacher with a level of stride 4 that covers the whole image, or without any.',
        details: { got: [...target], wanted: [...grid] },
      },
    );
  }
  const plan = new NetworkPlan();
  const image: MapShape = [height, width, 3];
  const regress = (name: string, outputs: number): Layer =>
    uNet(plan, name, image, { widths: unetWidths, halvings: HALVINGS, outputs });
  const local = regress('local_regression', target[2]);
  const encoder = planAutoencoder(
    { inputSize, widths, latent, variational: false, slope: SLOPE, skips, seed },
    { plan, prefix: 'global_encoder.', outputs: global },
  );
  const shape: MapShape = [grid[0], grid[1], global];
  plan.cost('global_encoder.pool', shape, 0, 0);
  const bridging = (name: string, from: MapShape, outputs: number): Layer =>
    convolution(plan, `bridge.${name}`, from, { outputs, kernel: 1, stride: 1, bias: true });
  const first = bridging('1', shape, bridge);
  const second = bridging('2', first.shape, bridge);
  const third = bridging('3', second.shape, target[2]);
  const regression = regress('global_regression', global);

  return {
    plan,
    shapes: [target],
    firstTarget: 1,
    isKept: (name) => !name.startsWith('global_encoder.skips.'),
    apply: (images, mode) => {
      const { position } = mode;
      const [whole] = encoder.apply(images, position);
      const encoded = tf.avgPool(whole!, STRIDE, STRIDE, 'same');
      const hidden = tf.relu(first.apply(encoded, mode));
      const bridged = third.apply(tf.relu(second.apply(hidden, mode)), mode);
      const predicted = regression.apply(images, mode);
      const joins = position && position.epoch < globalFrom ? 0 : 1;
      return [local.apply(images, mode), bridged, tf.mul(encoded, joins), tf.mul(predicted, joins)];
    },
  };
}
