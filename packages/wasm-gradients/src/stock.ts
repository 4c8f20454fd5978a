import { getKernel, type KernelConfig, type NamedAttrMap, type TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

export interface KernelCall {
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
