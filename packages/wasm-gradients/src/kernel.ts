import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { getKernel, type KernelConfig, type NamedAttrMap, type TensorInfo } from '@tensorflow/tfjs-core';

export interface KernelCall {
  readonly inputs: Readonly<Record<string, TensorInfo | undefined>>;
  readonly attrs: object;
  readonly backend: BackendWasm;
}
export type Kernel = (call: KernelCall) => TensorInfo;

/** The kernel that is registered for the wasm backend as `name`, if any. The type of tfjs has no `undefined`. */
export function registeredKernel(name: string): KernelConfig | undefined {
  return getKernel(name, 'wasm');
}

/** The kernel that the wasm backend itself registers as `name`. */
export function stockKernel(name: string): Kernel {
  const kernel = registeredKernel(name);
  if (!kernel) throw new Error(`@tensorflow/tfjs-backend-wasm registers no kernel '${name}'.`);
  return ({ inputs, attrs, backend }) =>
    kernel.kernelFunc({
      inputs: inputs,
      attrs: attrs as NamedAttrMap,
      backend,
    }) as TensorInfo;
}

/** Runs `work` on `images` in NHWC. If they are NCHW, it uses transposed copies and frees them afterward. */
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
