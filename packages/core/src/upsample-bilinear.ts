import { DskdError } from '@dskd/base';
import type { Tensor3D } from '@tensorflow/tfjs-core';
import { assertMaps, transformMaps, type Matrix } from './linear-maps.js';

/**
 * Resizes maps as torch's `F.interpolate(maps, size, mode='bilinear', align_corners=alignCorners)`. `size` may be
 * smaller; there is no antialiasing then, as in torch. Differentiable.
 *
 * @param maps float32 `[batch, height, width]`.
 * @param size `[height, width]` of the result, positive integers.
 * @param options.alignCorners true (default): the centers of the corner pixels keep their places. false: pixels
 * are areas, and the corners of the image keep their places. As in torch.
 * @returns a new tensor `[batch, ...size]`, also where the size does not change. The caller disposes it.
 * @throws {DskdError} `invalid-argument` for other sizes.
 * @throws {DskdError} `shape-mismatch` unless `maps` has three axes.
 */
export function upsampleBilinear(
  maps: Tensor3D,
  size: readonly [height: number, width: number],
  { alignCorners = true }: { readonly alignCorners?: boolean } = {},
): Tensor3D {
  assertMaps(maps);
  assertSize(size);
  const [, height, width] = maps.shape;
  if (size[0] === height && size[1] === width) return maps.clone();
  return transformMaps(
    maps,
    interpolationMatrix(height, size[0], alignCorners),
    interpolationMatrix(width, size[1], alignCorners),
  );
}

/** @throws {DskdError} `invalid-argument` unless both sides are positive integers. */
export function assertSize(size: readonly [height: number, width: number]): void {
  if (size.every((side) => Number.isInteger(side) && side > 0)) return;
  throw new DskdError('invalid-argument', `Got size [${size.join(', ')}]; wanted positive integers.`, {
    details: { size: [...size] },
  });
}

/** `to` rows that interpolate `from` values linearly. */
export function interpolationMatrix(from: number, to: number, alignCorners: boolean): Matrix {
  const values = new Float32Array(from * to);
  for (let row = 0; row < to; row++) {
    const { lower, upper, fraction } = interpolationAt(row, from, to, alignCorners);
    values[row * from + lower]! += 1 - fraction;
    values[row * from + upper]! += fraction;
  }
  return { rows: to, columns: from, values };
}

/** Where the value `row` of `to` lies among `from` values: `1 - fraction` of `lower` and `fraction` of `upper`. */
export function interpolationAt(
  row: number,
  from: number,
  to: number,
  alignCorners: boolean,
): { readonly lower: number; readonly upper: number; readonly fraction: number } {
  const position = alignCorners ? cornerPosition(row, from, to) : areaPosition(row, from, to);
  const lower = Math.min(Math.floor(position), from - 1);
  return { lower, upper: Math.min(lower + 1, from - 1), fraction: position - lower };
}

// Positions are rounded to float32 where torch rounds them. At a side of 256 this changes the fifth digit.
function cornerPosition(row: number, from: number, to: number): number {
  return to === 1 ? 0 : Math.fround(Math.fround((from - 1) / (to - 1)) * row);
}

function areaPosition(row: number, from: number, to: number): number {
  return Math.max(Math.fround(Math.fround(Math.fround(from / to) * (row + 0.5)) - 0.5), 0);
}
