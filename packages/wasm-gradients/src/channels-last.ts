import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Kernel } from './stock.js';

/** Runs `work` on `images` as NHWC; where they are NCHW, on transposed copies that are freed afterwards. */
export function toChannelsLast<T>(
  transpose: Kernel,
  backend: BackendWasm,
  dataFormat: 'NHWC' | 'NCHW',
  images: TensorInfo[],
  work: (images: TensorInfo[]) => T,
): T {
  if (dataFormat !== 'NCHW') return work(images);
  const copies = images.map((x) => transpose({ inputs: { x }, attrs: { perm: [0, 2, 3, 1] }, backend }));
  try {
    return work(copies);
  } finally {
    for (const copy of copies) backend.disposeData(copy.dataId);
  }
}
