import { DskdError } from '@dskd/base';
import type { Tensor3D } from '@tensorflow/tfjs-core';
import { assertMaps, transformMaps, type Matrix } from './linear-maps.js';
import { assertSize, interpolationAt } from './upsample-bilinear.js';

/**
 * Smooths each map as `scipy.ndimage.gaussian_filter(map, sigma, mode='reflect', truncate=truncate)`: a sampled
 * Gaussian of radius `trunc(truncate * sigma + 0.5)` with sum 1. Outside, the map is mirrored at the edges of its
 * pixels, repeatedly if the radius is larger than the side. Differentiable. It is computed as two matrix products
 * with matrices of `height x height` and `width x width`, so it is meant for maps of the size of a network's input.
 *
 * @param maps float32 `[batch, height, width]`.
 * @param sigma standard deviation in pixels, at least 0; 0 copies.
 * @param options.truncate where the kernel ends, in standard deviations. Default 4.
 * @param options.size `[height, width]` to which maps of another size are resized first, as `upsampleBilinear` with
 * `alignCorners: false`. Both steps are then one pair of matrix products: for small maps a tenth of the work. Default: the
 * size of the maps.
 * @returns a new tensor `[batch, ...size]`. The caller disposes it.
 * @throws {DskdError} `invalid-argument` for a negative or non-finite sigma or truncate, or such a size.
 * @throws {DskdError} `shape-mismatch` unless `maps` has three axes.
 */
export function gaussianBlur(
  maps: Tensor3D,
  sigma: number,
  { truncate = 4, size }: { readonly truncate?: number; readonly size?: readonly [number, number] } = {},
): Tensor3D {
  assertMaps(maps);
  const [, height, width] = maps.shape;
  const [newHeight, newWidth] = size ?? [height, width];
  if (size) assertSize(size);
  for (const [name, value] of Object.entries({ sigma, truncate })) {
    if (!(value >= 0 && value < Infinity)) {
      throw new DskdError('invalid-argument', `Got ${name} ${value}; wanted a finite number of at least 0.`, {
        details: { sigma, truncate },
      });
    }
  }
  if (sigma === 0 && newHeight === height && newWidth === width) return maps.clone();
  return transformMaps(
    maps,
    matrixFor(sigma, truncate, height, newHeight),
    matrixFor(sigma, truncate, width, newWidth),
  );
}

/** The matrices used last: a detector smooths all its maps in the same way, and making a matrix takes as long as using it. */
const recent = new Map<string, Matrix>();
const MOST_RECENT = 4;
/** Elements of a matrix that is kept: 1 MB. */
const MOST_KEPT = 2 ** 18;

function matrixFor(sigma: number, truncate: number, from: number, to: number): Matrix {
  const key = [sigma, truncate, from, to].join();
  const known = recent.get(key);
  if (known) return known;
  // A single 1 where sigma is 0.
  const kernel = sigma === 0 ? Float64Array.of(1) : gaussianKernel(sigma, Math.trunc(truncate * sigma + 0.5));
  const matrix = smoothingMatrix(kernel, from, to);
  if (matrix.values.length > MOST_KEPT) return matrix;
  for (const oldest of recent.keys()) {
    if (recent.size < MOST_RECENT) break;
    recent.delete(oldest);
  }
  recent.set(key, matrix);
  return matrix;
}

function gaussianKernel(sigma: number, radius: number): Float64Array {
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-0.5 * ((i - radius) / sigma) ** 2),
  );
  const total = kernel.reduce((sum, value) => sum + value, 0);
  return kernel.map((value) => value / total);
}

/** A line of `from` values resized to `to`, then mirrored at its ends and convolved with `kernel`, as a matrix. */
function smoothingMatrix(kernel: Float64Array, from: number, to: number): Matrix {
  const radius = (kernel.length - 1) / 2;
  const places = Array.from({ length: to }, (_, at) => interpolationAt(at, from, to, false));
  const exact = new Float64Array(to * from);
  for (let row = 0; row < to; row++) {
    for (let tap = 0; tap < kernel.length; tap++) {
      const at = reflect(row + tap - radius, to);
      if (from === to) {
        exact[row * from + at]! += kernel[tap]!;
        continue;
      }
      const { lower, upper, fraction } = places[at]!;
      exact[row * from + lower]! += kernel[tap]! * (1 - fraction);
      exact[row * from + upper]! += kernel[tap]! * fraction;
    }
  }
  return { rows: to, columns: from, values: Float32Array.from(exact) };
}

/** `d c b a | a b c d | d c b a`, repeated. */
function reflect(index: number, side: number): number {
  const period = 2 * side;
  const within = ((index % period) + period) % period;
  return within < side ? within : period - 1 - within;
}
