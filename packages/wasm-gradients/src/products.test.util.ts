import { expectClose } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { filled, onBothBackends } from './on-both-backends.test.util.js';

export const CLOSE = { relative: 1e-5, absolute: 1e-6 };

export interface Product {
  readonly a: number[];
  readonly b: number[];
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

export function productOf(
  [batchA, batchB]: readonly [number[], number[]],
  [outer, inner, right]: readonly [number, number, number],
  transposeA: boolean,
  transposeB: boolean,
): Product {
  return {
    a: [...batchA, ...(transposeA ? [inner, outer] : [outer, inner])],
    b: [...batchB, ...(transposeB ? [right, inner] : [inner, right])],
    transposeA,
    transposeB,
  };
}

/** The product on wasm is that of cpu, and leaks nothing. */
export async function checkProduct({ a, b, transposeA, transposeB }: Product): Promise<void> {
  const { cpu, wasm } = await onBothBackends(() =>
    tf.matMul(filled(a, 1), filled(b, 2), transposeA, transposeB),
  );
  expectClose(wasm, cpu, CLOSE);
}

const BATCHES: (readonly [number[], number[]])[] = [
  [[], []],
  [[1], [1]],
  [[3], [3]],
  [[3], [1]],
  [[1], [3]],
  [
    [2, 3],
    [2, 3],
  ],
  [
    [2, 3],
    [1, 1],
  ],
];

/** Products of small matrices, of any transposition and batch. */
export function anyProduct(): fc.Arbitrary<Product> {
  const side = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(64, 65));
  return fc
    .tuple(fc.constantFrom(...BATCHES), fc.tuple(side, side, side), fc.boolean(), fc.boolean())
    .map((parts) => productOf(...parts));
}
