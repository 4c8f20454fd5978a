import { DskdError } from '@dskd/base';
import { upsampleBilinear } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor3D } from '@tensorflow/tfjs-core';

export interface FuseLevelsOptions {
  /** As `torch.nn.functional.interpolate(..., align_corners=...)`. Default `true`, as in the method. */
  readonly alignCorners?: boolean;
}

/**
 * One anomaly map per image from the maps of all levels: each brought to `size`, then summed.
 * @param maps one per level, `[batch, height_l, width_l]`, at least one.
 * @param size `[height, width]` of the result, usually that of the network's input.
 * @returns `[batch, height, width]`. The caller disposes it; `maps` stay.
 * @throws {DskdError} `invalid-argument` without maps, `shape-mismatch` when their batches differ.
 */
export function fuseLevels(
  maps: readonly Tensor3D[],
  size: readonly [number, number],
  { alignCorners = true }: FuseLevelsOptions = {},
): Tensor3D {
  const batches = maps.map((map) => map.shape[0]);
  if (maps.length === 0) {
    throw new DskdError('invalid-argument', 'Got no maps to fuse; wanted one per level, at least one.');
  }
  if (batches.some((batch) => batch !== batches[0])) {
    throw new DskdError(
      'shape-mismatch',
      `Got levels with batches of ${batches.join(', ')} maps; wanted the same number at every level.`,
      { details: { batches } },
    );
  }
  return tf.tidy(() => {
    const upsampled = maps.map((map) => upsampleBilinear(map, [size[0], size[1]], { alignCorners }));
    return upsampled.reduce((sum, map) => tf.add(sum, map));
  });
}
