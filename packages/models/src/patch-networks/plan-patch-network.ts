import * as tf from '@tensorflow/tfjs-core';
import { DskdError } from '@dskd/base';
import { windowed, type PartialLayer } from '../layers/biased.js';
import { averagePool, maximumPool, pooledSide } from '../layers/halve.js';
import {
  elements,
  type ForwardMode,
  type Layer,
  type MapShape,
  type NetworkPlan,
} from '../layers/network-plan.js';
import type { PatchNetwork } from './patch-layers.js';

/**
 * Plans a patch network that can be trained, whose last layer is a convolution; its convolutions are `PREFIX.conv1` and so on.
 * @throws {DskdError} `shape-mismatch` for images that are smaller than a patch.
 */
export function planPatchNetwork(
  plan: NetworkPlan,
  prefix: string,
  [height, width, inputs]: MapShape,
  { layers, pool, slope, border }: PatchNetwork,
): PartialLayer {
  const [rows, columns] = border;
  const bordered = rows[0] + rows[1] + columns[0] + columns[1] > 0;
  let shape: MapShape = [height + rows[0] + rows[1], width + columns[0] + columns[1], inputs];
  let convolutions = 0;
  let last: PartialLayer | undefined;
  const planned = layers.map((layer): Layer => {
    if (layer.kind === 'convolution') {
      convolutions += 1;
      const { kernel, outputs, padding, active } = layer;
      const options = { kernel, outputs, padding, slope: active ? slope : null };
      last = windowed(plan, `${prefix}.conv${convolutions}`, shape, options);
      ({ shape } = last);
      return last;
    }
    const { padding } = layer;
    // A copy with its border, or without what no window reaches, is kept for the gradient of a maximum.
    const kept = pool === 'maximum' || padding > 0 ? elements(shape) : 0;
    shape = [pooledSide(shape[0], padding), pooledSide(shape[1], padding), shape[2]];
    plan.cost(`${prefix}.pool${convolutions}`, shape, 0, elements(shape) + kept);
    return {
      shape,
      apply: (x) => tf.tidy(() => (pool === 'average' ? averagePool(x, padding) : maximumPool(x))),
    };
  });
  if (Math.min(shape[0], shape[1]) < 1) {
    throw new DskdError(
      'shape-mismatch',
      `Got images of ${height} x ${width}; a patch network has no positions there.`,
      { hint: 'Height and width must be at least a few dozen pixels.' },
    );
  }
  const before = (images: tf.Tensor4D, mode: ForwardMode): tf.Tensor4D => {
    const whole = bordered ? tf.pad(images, [[0, 0], [...rows], [...columns], [0, 0]]) : images; // prettier-ignore
    return planned.slice(0, -1).reduce((x, layer) => layer.apply(x, mode), whole);
  };
  return {
    shape,
    apply: (images, mode) => tf.tidy(() => last!.apply(before(images, mode), mode)),
    applyPart: (images, mode, from, count) =>
      tf.tidy(() => last!.applyPart(before(images, mode), mode, from, count)),
  };
}
