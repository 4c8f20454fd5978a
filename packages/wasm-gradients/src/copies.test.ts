import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { registerWasmGradients } from './index.js';
import { filled, onBothBackends } from './on-both-backends.test.util.js';

describe('slice, pad, tile and arithmetic by channel', () => {
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

  test('any pad gives the cpu result', async () => {
    const axis = fc.record({
      length: fc.integer({ min: 1, max: 6 }),
      before: fc.integer({ min: 0, max: 3 }),
      after: fc.integer({ min: 0, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(axis, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(1, 40),
        fc.constantFrom('float32' as const, 'int32' as const),
        fc.constantFrom(0, -2.5),
        async (axes, channels, dtype, value) => {
          const shape = [...axes.map(({ length }) => length), channels];
          const paddings: [number, number][] = [
            ...axes.map(({ before, after }): [number, number] => [before, after]),
            [0, 0],
          ];
          const { cpu, wasm } = await onBothBackends(() =>
            tf.pad(filled(shape, 1).mul(1000).cast(dtype), paddings, Math.trunc(value)),
          );
          expect(wasm).toEqual(cpu);
        },
      ),
      { numRuns: 60, seed: 9 },
    );
  });

  test('any sum, product and difference with one number for each channel gives the cpu result', async () => {
    const side = fc.integer({ min: 1, max: 5 });
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(side, side, side, fc.constantFrom(1, 3, 8)),
        fc.constantFrom(1, 2, 3),
        fc.boolean(),
        async (shape, rank, swaps) => {
          // Shapes that broadcast in other ways, too: [..., 1] and [1, ..., channels].
          const channels = [...new Array<number>(rank - 1).fill(1), shape[3]];
          for (const operation of ['add', 'mul', 'sub'] as const) {
            const { cpu, wasm } = await onBothBackends(() => {
              const [a, b] = [filled(shape, 1), filled(channels, 2)];
              return swaps ? tf[operation](b, a) : tf[operation](a, b);
            });
            expect(wasm).toEqual(cpu);
          }
        },
      ),
      { numRuns: 40, seed: 10 },
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
