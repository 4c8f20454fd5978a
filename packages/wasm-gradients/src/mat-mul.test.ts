import { expectClose } from '@dskd/test-support';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { registerWasmGradients } from './index.js';
import { panelFunctionsOf } from './panels.js';
import { filled, onBothBackends } from './on-both-backends.test.util.js';
import { anyProduct, checkProduct, CLOSE, productOf } from './products.test.util.js';

describe('matMul', () => {
  beforeAll(() => {
    registerWasmGradients();
  });

  test('any transposition, batch and shape gives the cpu result', async () => {
    await fc.assert(fc.asyncProperty(anyProduct(), checkProduct), { numRuns: 80, seed: 5 });
  });

  test('several blocks of rows, with incomplete panels, give the cpu result', async () => {
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        await checkProduct(productOf([[], []], [131, 1203, 13], transposeA, transposeB));
      }
    }
  });

  test('a right factor that is used again gives the same bytes, also in other shapes between', async () => {
    const shapes = [
      [48, 20],
      [20, 48],
      [48, 20],
      [32, 30],
      [48, 20],
      [20, 48],
    ] as const;
    const { cpu, wasm } = await onBothBackends(() => {
      const factor = filled([48, 20], 2);
      const products = shapes.map(([rows, columns]) =>
        tf.matMul(filled([7, rows], 1), tf.reshape<tf.Rank.R2>(factor, [rows, columns])),
      );
      return tf.concat(products.map((product) => tf.reshape(product, [-1])));
    });
    expectClose(wasm, cpu, CLOSE);
    const ofShape = (index: number): Float32Array => {
      const start = shapes.slice(0, index).reduce((sum, [, columns]) => sum + 7 * columns, 0);
      return wasm.slice(start, start + 7 * shapes[index]![1]);
    };
    // Packed for one call, packed to be kept, and as it was kept.
    expect(ofShape(2)).toEqual(ofShape(0));
    expect(ofShape(4)).toEqual(ofShape(0));
    expect(ofShape(5)).toEqual(ofShape(1));
  });

  test.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('sums longer than 4096 are split (transposeA %s, transposeB %s)', async (transposeA, transposeB) => {
    await tf.setBackend('wasm');
    tf.tidy(() => {
      // 0.1 in float32, summed one after the other, is 1 % off after a million terms.
      const { a, b } = productOf([[], []], [2, 1 << 17, 3], transposeA, transposeB);
      const got = tf.matMul(tf.fill(a, 0.1), tf.fill(b, 1), transposeA, transposeB).dataSync();
      expectClose(got, new Array<number>(6).fill(Math.fround(0.1) * (1 << 17)), { relative: 1e-4 });
    });
  });

  test('a transposed left factor of whole tiles is split too', async () => {
    await tf.setBackend('wasm');
    expect(panelFunctionsOf(tf.backend() as unknown as BackendWasm)).toBeDefined();
    tf.tidy(() => {
      const got = tf.matMul(tf.fill([1 << 16, 4], 0.1), tf.ones([1 << 16, 8]), true, false).dataSync();
      expectClose(got, new Array<number>(32).fill(Math.fround(0.1) * (1 << 16)), { relative: 1e-5 });
    });
  });

  test('a right factor may be reshaped and used again', async () => {
    // The stock kernel reuses the operator it packed for the first shape, and writes past its memory.
    await tf.setBackend('wasm');
    tf.tidy(() => {
      const b = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [2, 4]);
      expect([...tf.matMul(tf.ones([1, 2]), b).dataSync()]).toEqual([6, 8, 10, 12]);
      expect([...tf.matMul(tf.ones([1, 4]), b.reshape([4, 2])).dataSync()]).toEqual([16, 20]);
    });
  });

  test('fused with bias and activation, any transposition, gives the cpu result', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(
          fc.integer({ min: 1, max: 9 }),
          fc.integer({ min: 1, max: 9 }),
          fc.integer({ min: 1, max: 9 }),
        ),
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom('linear' as const, 'relu' as const, 'relu6' as const, 'elu' as const),
        async (sides, transposeA, transposeB, activation) => {
          const { a, b } = productOf([[], []], sides, transposeA, transposeB);
          const { cpu, wasm } = await onBothBackends(() =>
            tf.fused.matMul({
              a: filled(a, 1),
              b: filled(b, 2),
              bias: filled([sides[2]], 3),
              transposeA,
              transposeB,
              activation,
            }),
          );
          expectClose(wasm, cpu, CLOSE);
        },
      ),
      { numRuns: 40, seed: 6 },
    );
  });
});
