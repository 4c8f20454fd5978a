import {
  type PadV2Attrs,
  slice_util,
  type SliceAttrs,
  type Tensor,
  type TensorInfo,
  type TileAttrs,
  util,
} from '@tensorflow/tfjs-core';
import { allocate, floats } from './heap.js';
import type { Kernel } from './kernel.js';

/**
 * Returns the same memory with another handle, as in all other tfjs backends. The stock kernel copies, and the
 * gradient tape clones everything it keeps, so that a training step had its activations in memory three times.
 */
export function identity(stock: Kernel): Kernel {
  return (call) => {
    const x: TensorInfo = call.inputs.x!;
    if (x.dtype === 'string') return stock(call);
    call.backend.incRef(x.dataId);
    return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
  };
}

// A loop over elements copies shorter runs faster than a call for each run.
const SHORT_RUN = 24;

/**
 * slice, the gradient of pad: copies the longest contiguous runs as a whole. The stock kernel copies single elements.
 */
export function slice(stockSlice: Kernel): Kernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const x = inputs.x!;
    const { begin, size } = attrs as SliceAttrs;
    // tfjs takes a tensor but uses these two fields only.
    const described = { shape: x.shape, rank: x.shape.length } as unknown as Tensor;
    const [first, shape] = slice_util.parseSliceParams(described, begin, size) as [number[], number[]];
    const fourBytes = x.dtype === 'float32' || x.dtype === 'int32';
    if (!fourBytes || x.shape.length === 0 || util.sizeFromShape(shape) === 0) return stockSlice(call);
    slice_util.assertParamsValid(described, first, shape);

    // Axes after `split` are complete.
    let split = x.shape.length - 1;
    while (split > 0 && shape[split] === x.shape[split]) split--;
    const inner = util.sizeFromShape(x.shape.slice(split + 1));
    const run = shape[split]! * inner;
    const out = backend.makeOutput(shape, x.dtype);
    // As int32: a float that is copied as a number may lose the payload of a NaN.
    const heap = new Int32Array(backend.typedArrayFromHeap(out).buffer);
    const strides = [...util.computeStrides(x.shape), 1];
    const from = backend.getMemoryOffset(x.dataId) / 4;
    let to = backend.getMemoryOffset(out.dataId) / 4;
    const copy = (axis: number, start: number): void => {
      const here = start + first[axis]! * strides[axis]!;
      if (axis < split) {
        for (let i = 0; i < shape[axis]!; i++) copy(axis + 1, here + i * strides[axis]!);
        return;
      }
      if (run < SHORT_RUN) {
        for (let i = 0; i < run; i++) heap[to + i] = heap[here + i]!;
      } else {
        heap.copyWithin(to, here, here + run);
      }
      to += run;
    };
    copy(0, from);
    return out;
  };
}

/** pad with a constant: copies the longest contiguous runs as a whole. The stock kernel copies single elements. */
export function pad(stockPad: Kernel): Kernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const x = inputs.x!;
    const { paddings, constantValue } = attrs as PadV2Attrs;
    const shape = x.shape.map((length, axis) => length + paddings[axis]![0] + paddings[axis]![1]);
    if (x.dtype !== 'float32' || x.shape.length === 0 || util.sizeFromShape(x.shape) === 0) {
      return stockPad(call);
    }
    // Axes after `split` are not padded.
    let split = shape.length - 1;
    while (split > 0 && shape[split] === x.shape[split]) split--;
    const inner = util.sizeFromShape(shape.slice(split + 1));
    const run = x.shape[split]! * inner;
    const out = allocate(backend, shape);
    floats(backend, out).fill(constantValue);
    // As int32: see slice.
    const heap = new Int32Array(floats(backend, out).buffer);
    const strides = [...util.computeStrides(shape), 1];
    let from = backend.getMemoryOffset(x.dataId) / 4;
    const copy = (axis: number, start: number): void => {
      const here = start + paddings[axis]![0] * strides[axis]!;
      if (axis < split) {
        for (let i = 0; i < x.shape[axis]!; i++) copy(axis + 1, here + i * strides[axis]!);
        return;
      }
      if (run < SHORT_RUN) {
        for (let i = 0; i < run; i++) heap[here + i] = heap[from + i]!;
      } else {
        heap.copyWithin(here, from, from + run);
      }
      from += run;
    };
    copy(0, backend.getMemoryOffset(out.dataId) / 4);
    return out;
  };
}

/**
 * tile for a tensor that is repeated as a whole, as in the gradients of batchNorm with one value per channel, and of a sum: each
 * copy doubles the length. The stock kernel handles other patterns.
 */
export function tile(stockTile: Kernel): Kernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const x = inputs.x!;
    const { reps } = attrs as TileAttrs;
    const size = util.sizeFromShape(x.shape);
    const leading = size === 1 ? x.shape.length : x.shape.findIndex((length) => length !== 1);
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
