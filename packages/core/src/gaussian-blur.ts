import { DskdError } from '@dskd/base';
import type { Tensor3D } from '@tensorflow/tfjs-core';
import { assertMaps, transformMaps, type Matrix } from './linear-maps.js';

/**
 * Smooths each map as `scipy.ndimage.gaussian_filter(map, sigma, mode='reflect', truncate=truncate)`: a sampled
 * Gaussian of radius `trunc(truncate * sigma + 0.5)` with sum 1. Outside, the map is mirrored at the edges of its
 * pixels, repeatedly if the radius is larger than the side. Differentiable. It is computed as two matrix products
 * with matrices of `height x height` and `width x width`, so it is meant for maps of the size of a network's input.
 *
 * @param maps float32 `[batch, height, width]`.
 * @param sigma standard deviation in pixels, at least 0; 0 copies.
 * @param options.truncate where the kernel ends, in standard deviations. Default 4.
 * @returns a new tensor of the same shape. The caller disposes it.
 * @throws {DskdError} `invalid-argument` for a negative or non-finite sigma or truncate.
 * @throws {DskdError} `shape-mismatch` unless `maps` has three axes.
 */
export function gaussianBlur(
  maps: Tensor3D,
  sigma: number,
  { truncate = 4 }: { readonly truncate?: number } = {},
): Tensor3D {
  assertMaps(maps);
  for (const [name, value] of Object.entries({ sigma, truncate })) {
    if (!(value >= 0 && value < Infinity)) {
      throw new DskdError('invalid-argument', `Got ${name} ${value}; wanted a finite number of at least 0.`, {
        details: { sigma, truncate },
      });
    }
  }
  if (sigma === 0) return maps.clone();
  const kernel = gaussianKernel(sigma, Math.trunc(truncate * sigma + 0.5));
  const [, height, width] = maps.shape;
  return transformMaps(maps, reflectingMatrix(kernel, height), reflectingMatrix(kernel, width));
}

function gaussianKernel(sigma: number, radius: number): Float64Array {
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-0.5 * ((i - radius) / sigma) ** 2),
  );
  const total = kernel.reduce((sum, value) => sum + value, 0);
  return kernel.map((value) => value / total);
}

/** The convolution of a mirrored line of `side` pixels with `kernel`, as a matrix. */
function reflectingMatrix(kernel: Float64Array, side: number): Matrix {
  const radius = (kernel.length - 1) / 2;
  const exact = new Float64Array(side * side);
  for (let row = 0; row < side; row++) {
    for (let tap = 0; tap < kernel.length; tap++) {
      exact[row * side + reflect(row + tap - radius, side)]! += kernel[tap]!;
    }
  }
  return { rows: side, columns: side, values: Float32Array.from(exact) };
}

/** `d c b a | a b c d | d c b a`, repeated. */
function reflect(index: number, side: number): number {
  const period = 2 * side;
  const within = ((index % period) + period) % period;
  return within < side ? within : period - 1 - within;
}
