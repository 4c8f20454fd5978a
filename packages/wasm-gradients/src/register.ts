import '@tensorflow/tfjs-backend-wasm';
import { registerKernel, unregisterKernel, type KernelConfig, type KernelFunc } from '@tensorflow/tfjs-core';
import { conv2dFilterGradient } from './conv2d-filter-gradient.js';
import { conv2dInputGradient } from './conv2d-input-gradient.js';
import { depthwiseFilterGradient, depthwiseInputGradient } from './depthwise-gradients.js';
import { identity, slice, tile } from './copy-kernels.js';
import { fusedMatMul, matMul } from './mat-mul.js';
import { avgPoolGradient, maxPoolGradient } from './pool-gradients.js';
import { type Kernel, registeredKernel, stockKernel } from './kernel.js';

/** Our kernels by name, built on the stock ones that are registered now. */
function ourKernels(): Record<string, Kernel> {
  const stockMatMul = stockKernel('BatchMatMul');
  const conv2d = stockKernel('Conv2D');
  const transpose = stockKernel('Transpose');
  return {
    Conv2DBackpropFilter: conv2dFilterGradient(stockMatMul, transpose),
    Conv2DBackpropInput: conv2dInputGradient(conv2d, transpose),
    DepthwiseConv2dNativeBackpropFilter: depthwiseFilterGradient,
    DepthwiseConv2dNativeBackpropInput: depthwiseInputGradient(stockKernel('DepthwiseConv2dNative')),
    MaxPoolGrad: maxPoolGradient,
    AvgPoolGrad: avgPoolGradient,
    Identity: identity(stockKernel('Identity')),
    Slice: slice(stockKernel('Slice')),
    Tile: tile(stockKernel('Tile')),
    BatchMatMul: matMul(stockMatMul),
    _FusedMatMul: fusedMatMul(stockKernel('_FusedMatMul')),
  };
}

function replace(name: string, config: KernelConfig | undefined): void {
  // tfjs warns about a kernel registered twice, and throws for one unregistered twice.
  if (registeredKernel(name)) unregisterKernel(name, 'wasm');
  if (config) registerKernel(config);
}

let undoRegistration: (() => void) | undefined;

/**
 * Registers, on the tfjs backend 'wasm', the kernels that training a convolutional network needs and that
 * the backend lacks or has only slowly. It may be called before or after the backend is started; calling
 * it again changes nothing.
 *
 * @returns its undo, which restores the backend's own kernels; calling that again changes nothing either.
 */
export function registerWasmGradients(): () => void {
  if (undoRegistration) return undoRegistration;
  const stock = new Map<string, KernelConfig | undefined>();
  for (const [name, kernel] of Object.entries(ourKernels())) {
    const config = registeredKernel(name);
    stock.set(name, config);
    replace(name, {
      kernelName: name,
      backendName: 'wasm',
      // The stock kernel still has to be set up when the backend starts: ours may call it.
      ...(config?.setupFunc ? { setupFunc: config.setupFunc } : {}),
      kernelFunc: kernel as unknown as KernelFunc,
    });
  }
  const undo = (): void => {
    if (undoRegistration !== undo) return;
    for (const [name, config] of stock) replace(name, config);
    undoRegistration = undefined;
  };
  undoRegistration = undo;
  return undo;
}
