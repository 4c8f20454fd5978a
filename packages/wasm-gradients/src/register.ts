import '@tensorflow/tfjs-backend-wasm';
import { registerKernel, unregisterKernel, type KernelConfig, type KernelFunc } from '@tensorflow/tfjs-core';
import { adamUpdate } from './adam-update.js';
import { affinityRows } from './affinity-rows.js';
import { conv2d } from './conv2d.js';
import { conv2dFilterGradient } from './conv2d-filter-gradient.js';
import { conv2dInputGradient } from './conv2d-input-gradient.js';
import { depthwiseFilterGradient, depthwiseInputGradient } from './depthwise-gradients.js';
import { add, multiply, subtract } from './by-channel.js';
import { identity, pad, slice, tile } from './copy-kernels.js';
import { leakyRelu } from './leaky-relu.js';
import { fusedMatMul, matMul } from './mat-mul.js';
import { avgPoolGradient, maxPoolGradient } from './pool-gradients.js';
import { type Kernel, registeredKernel, stockKernel } from './kernel.js';

/** Our kernels by name. They use the stock kernels that are registered now. */
function ourKernels(): Record<string, Kernel | typeof affinityRows> {
  const stockMatMul = stockKernel('BatchMatMul');
  const ourConv2d = conv2d(stockKernel('Conv2D'));
  const transpose = stockKernel('Transpose');
  return {
    Add: add(stockKernel('Add')),
    AdamUpdate: adamUpdate,
    ContextualAffinityRows: affinityRows,
    Conv2D: ourConv2d,
    FusedConv2D: conv2d(stockKernel('FusedConv2D')),
    Conv2DBackpropFilter: conv2dFilterGradient(stockMatMul, transpose),
    Conv2DBackpropInput: conv2dInputGradient(ourConv2d, transpose),
    DepthwiseConv2dNativeBackpropFilter: depthwiseFilterGradient,
    DepthwiseConv2dNativeBackpropInput: depthwiseInputGradient(stockKernel('DepthwiseConv2dNative')),
    MaxPoolGrad: maxPoolGradient,
    AvgPoolGrad: avgPoolGradient,
    Identity: identity(stockKernel('Identity')),
    LeakyRelu: leakyRelu(stockKernel('LeakyRelu')),
    Multiply: multiply(stockKernel('Multiply')),
    PadV2: pad(stockKernel('PadV2')),
    Sub: subtract(stockKernel('Sub')),
    Slice: slice(stockKernel('Slice')),
    Tile: tile(stockKernel('Tile')),
    BatchMatMul: matMul(stockMatMul),
    _FusedMatMul: fusedMatMul(stockKernel('_FusedMatMul')),
  };
}

function replace(name: string, config: KernelConfig | undefined): void {
  // tfjs warns if a kernel is registered twice and throws if it is unregistered twice.
  if (registeredKernel(name)) unregisterKernel(name, 'wasm');
  if (config) registerKernel(config);
}

let undoRegistration: (() => void) | undefined;

/**
 * Registers the kernels that training of a convolutional network needs and that the tfjs backend 'wasm' does not
 * have, or has only as slow kernels. Call it before or after the backend starts. Calling it again has no effect.
 *
 * @returns a function that restores the kernels of the backend. Calling it again has no effect.
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
      // The stock kernel must still be set up when the backend starts, because ours may call it.
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
