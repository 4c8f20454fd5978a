import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { addInto, allocate, copyInto, floats, transposeInto, withScratch, withView } from './heap.js';
import type { Kernel } from './kernel.js';
import { productInPanels } from './packed-product.js';
import { panelFunctionsOf } from './panels.js';
import { LONGEST_SUM, type StoredMatrix } from './stored-matrix.js';

// Shorter, so that the copy of the left factor is still in the second-level cache when it is multiplied.
const LONGEST_COPIED_SUM = 2048;

// Of a transposed left factor, as in a gradient: its sums run over positions or images, of which there are many.
const LONG_GRADIENT = 512;

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
 * The matrix product of two stored matrices, `[1, m, n]`. Without functions of our own it takes XNNPACK's fast path: the stock matMul
 * does so only for one untransposed pair, and transposed factors are copied first.
 */
export function matrixProduct(
  stockMatMul: Kernel,
  backend: BackendWasm,
  a: StoredMatrix,
  b: StoredMatrix,
): TensorInfo {
  const functions = panelFunctionsOf(backend);
  if (functions) return productInPanels(functions, backend, a, b, a.transposed ? LONG_GRADIENT : LONGEST_SUM);
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
