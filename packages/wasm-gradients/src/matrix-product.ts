import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { addInto, allocate, copyInto, floats, transposeInto, withScratch, withView } from './heap.js';
import {
  BLOCK_POSITIONS,
  outerProductsOf,
  TILE_COLUMNS,
  TILE_ROWS,
  type OuterProducts,
} from './outer-products.js';
import type { Kernel } from './kernel.js';

/** Longer float32 sums are split, because the error of a sequential sum grows with its length. */
export const LONGEST_SUM = 4096;
// Shorter, so that the copy of the left factor is still in the second-level cache when it is multiplied.
const LONGEST_COPIED_SUM = 2048;

/** A `rows` x `columns` matrix stored row by row in `info` from element `start` on. */
export interface StoredMatrix {
  readonly info: TensorInfo;
  readonly start: number;
  readonly rows: number;
  readonly columns: number;
  /** Whether the product uses the transpose of the stored matrix. */
  readonly transposed: boolean;
}

type Range = readonly [first: number, last: number];

/** Runs `work` on columns `first..last` of the left factor, as a matrix of its own. */
export function withLeft<T>(
  backend: BackendWasm,
  a: StoredMatrix,
  [first, last]: Range,
  work: (left: TensorInfo) => T,
): T {
  const inner = last - first;
  if (!a.transposed && inner === a.columns) {
    return withView(backend, a.info, a.start, [1, a.rows, inner], work);
  }
  const outer = a.transposed ? a.columns : a.rows;
  return withScratch(backend, [1, outer, inner], (left) => {
    const values = floats(backend, a.info);
    const target = { values: floats(backend, left), offset: 0, rowStride: inner };
    if (a.transposed) {
      const offset = a.start + first * a.columns;
      transposeInto({ values, offset, rowStride: a.columns }, inner, outer, target);
    } else {
      copyInto({ values, offset: a.start + first, rowStride: a.columns }, outer, inner, target);
    }
    return work(left);
  });
}

/** Runs `work` on rows `first..last` of the right factor, as a matrix of its own. */
export function withRight<T>(
  backend: BackendWasm,
  b: StoredMatrix,
  [first, last]: Range,
  work: (right: TensorInfo) => T,
): T {
  const inner = last - first;
  if (!b.transposed) {
    return withView(backend, b.info, b.start + first * b.columns, [1, inner, b.columns], work);
  }
  return withScratch(backend, [1, inner, b.rows], (right) => {
    transposeInto(
      { values: floats(backend, b.info), offset: b.start + first, rowStride: b.columns },
      b.rows,
      inner,
      { values: floats(backend, right), offset: 0, rowStride: b.rows },
    );
    return work(right);
  });
}

/**
 * The matrix product of two stored matrices, `[1, m, n]`, on XNNPACK's fast path: the stock matMul takes
 * it only for one untransposed pair, so transposed factors are copied first.
 */
export function matrixProduct(
  stockMatMul: Kernel,
  backend: BackendWasm,
  a: StoredMatrix,
  b: StoredMatrix,
): TensorInfo {
  const outerProducts = outerProductsOf(backend);
  if (
    outerProducts &&
    a.transposed &&
    !b.transposed &&
    a.columns % TILE_ROWS === 0 &&
    b.columns % TILE_COLUMNS === 0
  ) {
    return sumOfOuterProducts(outerProducts, backend, a, b);
  }
  const wide = a.transposed && (b.transposed || b.columns > a.columns);
  if (wide) {
    // (b' a')': XNNPACK packs its right factor, which costs more than a transpose, so the smaller one goes there.
    const swapped = sumOfProducts(stockMatMul, backend, flipped(b), flipped(a));
    const [, rows, columns] = swapped.shape as [number, number, number];
    const product = allocate(backend, [1, columns, rows]);
    transposeInto({ values: floats(backend, swapped), offset: 0, rowStride: columns }, rows, columns, {
      values: floats(backend, product),
      offset: 0,
      rowStride: rows,
    });
    backend.disposeData(swapped.dataId);
    return product;
  }
  return sumOfProducts(stockMatMul, backend, a, b);
}

/** a' b straight from the stored rows. */
function sumOfOuterProducts(
  outerProducts: OuterProducts,
  backend: BackendWasm,
  a: StoredMatrix,
  b: StoredMatrix,
): TensorInfo {
  const out = allocate(backend, [1, a.columns, b.columns]);
  floats(backend, out).fill(0);
  const bytes = Float32Array.BYTES_PER_ELEMENT;
  const [aStride, bStride] = [a.columns * bytes, b.columns * bytes];
  const aStart = backend.getMemoryOffset(a.info.dataId) + a.start * bytes;
  const bStart = backend.getMemoryOffset(b.info.dataId) + b.start * bytes;
  const outStart = backend.getMemoryOffset(out.dataId);
  for (let first = 0; first < a.rows; first += BLOCK_POSITIONS) {
    const count = Math.min(BLOCK_POSITIONS, a.rows - first);
    for (let column = 0; column < b.columns; column += TILE_COLUMNS) {
      const right = bStart + first * bStride + column * bytes;
      for (let row = 0; row < a.columns; row += TILE_ROWS) {
        const left = aStart + first * aStride + row * bytes;
        const tile = outStart + row * bStride + column * bytes;
        outerProducts(left, right, tile, bStride, count, aStride, bStride, 1, 0, 0, 1, 0, 0);
      }
    }
  }
  return out;
}

function flipped(matrix: StoredMatrix): StoredMatrix {
  return { ...matrix, transposed: !matrix.transposed };
}

function sumOfProducts(
  stockMatMul: Kernel,
  backend: BackendWasm,
  a: StoredMatrix,
  b: StoredMatrix,
): TensorInfo {
  const inner = a.transposed ? a.rows : a.columns;
  const parts = Math.ceil(inner / (a.transposed ? LONGEST_COPIED_SUM : LONGEST_SUM));
  let sum: TensorInfo | undefined;
  for (let part = 0; part < parts; part++) {
    const range: Range = [Math.floor((inner * part) / parts), Math.floor((inner * (part + 1)) / parts)];
    const product = withLeft(backend, a, range, (left) =>
      withRight(backend, b, range, (right) =>
        stockMatMul({
          inputs: { a: left, b: right },
          backend,
          attrs: { transposeA: false, transposeB: false },
        }),
      ),
    );
    if (sum) {
      addInto(floats(backend, sum), floats(backend, product));
      backend.disposeData(product.dataId);
    } else {
      sum = product;
    }
  }
  return sum!;
}
