import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { anyConvolution, checkGradients } from './convolutions.test.util.js';
import { registerWasmGradients } from './index.js';
import { panelFunctionsOf } from './panels.js';
import { anyProduct, checkProduct } from './products.test.util.js';

// As the multi-threaded build of the backend, which does not expose its memory.
beforeAll(async () => {
  await tf.setBackend('wasm');
  const { wasm } = tf.backend() as unknown as { wasm: { asm?: unknown } };
  const { asm } = wasm;
  wasm.asm = undefined;
  expect(panelFunctionsOf(tf.backend() as unknown as BackendWasm)).toBeUndefined();
  wasm.asm = asm;
  registerWasmGradients();
});

test('products give the cpu result without functions of our own', async () => {
  await fc.assert(fc.asyncProperty(anyProduct(), checkProduct), { numRuns: 40, seed: 9 });
});

test('gradients of convolutions give the cpu result without functions of our own', async () => {
  await fc.assert(
    fc.asyncProperty(anyConvolution(), (convolution) => checkGradients(convolution)),
    { numRuns: 40, seed: 10 },
  );
});
