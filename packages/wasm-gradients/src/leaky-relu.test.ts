import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { registerWasmGradients } from './index.js';
import { onBothBackends } from './on-both-backends.test.util.js';

describe('leakyRelu', () => {
  beforeAll(() => {
    registerWasmGradients();
  });

  test('any values give the cpu result', async () => {
    const value = fc.oneof(
      fc.float({ min: -4, max: 4 }),
      fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 1e-45, -1e-45, 3e38, -3e38),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(value, { minLength: 1, maxLength: 23 }),
        // Slopes that float32 has exactly: cpu computes with 64 bits.
        fc.constantFrom(0, 0.125, 0.25, 1, 2),
        async (values, slope) => {
          const { cpu, wasm } = await onBothBackends(() => tf.leakyRelu(tf.tensor1d(values), slope));
          expect([...wasm]).toEqual([...cpu]);
        },
      ),
      { numRuns: 200, seed: 12 },
    );
  });

  test('integers and a tensor without elements give the cpu result', async () => {
    for (const make of [() => tf.tensor1d([-5, -1, 0, 3, 7], 'int32'), () => tf.zeros([0, 3])]) {
      const { cpu, wasm } = await onBothBackends(() => tf.leakyRelu(make(), 0.5));
      expect([...wasm]).toEqual([...cpu]);
    }
  });
});
