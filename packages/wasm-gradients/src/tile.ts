import { util, type TileAttrs } from '@tensorflow/tfjs-core';
import { allocate, floats } from './heap.js';
import type { Kernel } from './stock.js';

/**
 * tile where the whole tensor is repeated, as the gradient of batchNorm does with one value a channel: copies
 * that double in length. Other patterns are left to the stock kernel.
 */
export function tile(stockTile: Kernel): Kernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const x = inputs.x!;
    const { reps } = attrs as TileAttrs;
    const leading = x.shape.findIndex((length) => length !== 1);
    const size = util.sizeFromShape(x.shape);
    const repeatsWhole = leading > 0 && reps.slice(leading).every((count) => count === 1);
    if (x.dtype !== 'float32' || !repeatsWhole || size === 0 || reps.includes(0)) return stockTile(call);

    const out = allocate(
      backend,
      x.shape.map((length, axis) => length * reps[axis]!),
    );
    const values = floats(backend, out);
    values.set(floats(backend, x));
    for (let done = size; done < values.length; done *= 2) values.copyWithin(done, 0, done);
    return out;
  };
}
