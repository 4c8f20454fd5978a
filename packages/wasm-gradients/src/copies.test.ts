import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { registerWasmGradients } from './index.js';
import { filled, onBothBackends } from './on-both-backends.test.util.js';

describe('slice and tile', () => {
  beforeAll(() => {
    registerWasmGradients();
  });

  test('any slice gives the cpu result', async () => {
    const axis = fc
      .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 3 }))
      .map(([before, size, after]) => ({ before, size, length: before + size + after }))
      .filter(({ length }) => length > 0);
    await fc.assert(
      fc.asyncProperty(
        fc.array(axis, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(1, 40),
        fc.constantFrom('float32' as const, 'int32' as const),
        async (axes, channels, dtype) => {
          const shape = [...axes.map(({ length }) => length), channels];
          const begin = [...axes.map(({ before }) => before), 0];
          const size = [...axes.map(({ size }) => size), -1];
          const { cpu, wasm } = await onBothBackends(() =>
            tf.slice(filled(shape, 1).mul(1000).cast(dtype), begin, size),
          );
          expect(wasm).toEqual(cpu);
        },
      ),
      { numRuns: 60, seed: 7 },
    );
  });

  test('any tile gives the cpu result', async () => {
    const axis = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 4 }));
    await fc.assert(
      fc.asyncProperty(fc.array(axis, { minLength: 1, maxLength: 4 }), async (axes) => {
        const { cpu, wasm } = await onBothBackends(() =>
          tf.tile(
            filled(
              axes.map(([length]) => length),
              1,
            ),
            axes.map(([, count]) => count),
          ),
        );
        expect(wasm).toEqual(cpu);
      }),
      { numRuns: 60, seed: 8 },
    );
    const channels = filled([1, 1, 1, 5], 2);
    const tiled = tf.tile(channels, [2, 3, 4, 1]);
    expect([...tiled.dataSync()]).toEqual(Array.from({ length: 24 }, () => [...channels.dataSync()]).flat());
    tf.dispose([channels, tiled]);
  });
});
