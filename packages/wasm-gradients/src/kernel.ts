import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { getKernel, type KernelConfig, type NamedAttrMap, type TensorInfo } from '@tensorflow/tfjs-core';

interface KernelCall {
  readonly inputs: Readonly<Record<string, TensorInfo | undefined>>;
  readonly attrs: object;
  readonly backend: BackendWasm;
}
export type Kernel = (call: KernelCall) => TensorInfo;

/** What is registered for the wasm backend under `name`; tfjs's own type leaves the undefined out. */
export function registeredKernel(name: string): KernelConfig | undefined {
  return getKernel(name, 'wasm');
}

/** The kernel that the wasm backend itself registers under `name`. */
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
