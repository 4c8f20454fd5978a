import {
  broadcast_util,
  util,
  type BatchMatMulAttrs,
  type _FusedMatMulAttrs,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { fewRowsProduct, isFewRowsProduct } from './few-rows.js';
import { allocate, floats } from './heap.js';
import { matrixProduct, withLeft, withRight } from './matrix-product.js';
import { LIMITS_OF_ACTIVATIONS, productInPanels } from './packed-product.js';
import { panelFunctionsOf } from './panels.js';
import { LONGEST_SUM, type StoredMatrix } from './stored-matrix.js';
import type { Kernel } from './kernel.js';

// With fewer multiply-adds, one stock call for the whole batch is faster than one call for each product.
const SMALL_PRODUCT = 8192;

/** One factor of a batch of products: its first matrix, and the number of matrices. */
function factorOf(info: TensorInfo, transposed: boolean): StoredMatrix & { readonly count: number } {
  const [rows, columns] = info.shape.slice(-2) as [number, number];
  return { info, start: 0, rows, columns, transposed, count: util.sizeFromShape(info.shape.slice(0, -2)) };
}

/** The `index`-th matrix of a factor. A single matrix is used for all products. */
function matrixAt(factor: ReturnType<typeof factorOf>, index: number): StoredMatrix {
  return { ...factor, start: factor.count === 1 ? 0 : index * factor.rows * factor.columns };
}

/**
 * matMul that is fast for transposed factors and for batches, too. The stock kernel handles
 * batches that broadcast in another way than one to many, and batches of small products.
 */
export function matMul(stockMatMul: Kernel): Kernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const { transposeA, transposeB } = attrs as BatchMatMulAttrs;
    const a = factorOf(inputs.a!, transposeA);
    const b = factorOf(inputs.b!, transposeB);
    const outer = transposeA ? a.columns : a.rows;
    const inner = transposeA ? a.rows : a.columns;
    const right = transposeB ? b.rows : b.columns;
    const count = Math.max(a.count, b.count);
    const batchOfA = a.info.shape.slice(0, -2);
    const batchOfB = b.info.shape.slice(0, -2);
    const ours =
      a.info.dtype === 'float32' &&
      b.info.dtype === 'float32' &&
      inner === (transposeB ? b.columns : b.rows) &&
      Math.min(a.count, b.count, outer, inner, right) > 0 &&
      (util.arraysEqual(batchOfA, batchOfB) || a.count === 1 || b.count === 1) &&
      (count === 1 || outer * inner * right >= SMALL_PRODUCT);
    if (!ours) return stockMatMul(call);

    const shape = [...broadcast_util.assertAndGetBroadcastShape(batchOfA, batchOfB), outer, right];
    if (count === 1 && !transposeA && isFewRowsProduct(outer, b)) {
      const product = fewRowsProduct(backend, { ...a.info, shape: [outer, inner] }, b);
      if (product) return { ...product, shape };
    }
    if (count === 1 || (b.count === 1 && !transposeA)) {
      const rows = transposeA ? a.rows : a.rows * count;
      const single = matrixProduct(stockMatMul, backend, { ...a, rows }, b);
      single.shape = shape;
      return single;
    }
    const out = allocate(backend, shape);
    for (let i = 0; i < count; i++) {
      const product = matrixProduct(stockMatMul, backend, matrixAt(a, i), matrixAt(b, i));
      floats(backend, out).set(floats(backend, product), i * outer * right);
      backend.disposeData(product.dataId);
    }
    return out;
  };
}

/** matMul with bias and activation. The stock kernel is given copies of transposed factors, as in {@link matMul}. */
export function fusedMatMul(stockFusedMatMul: Kernel): Kernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const { transposeA, transposeB, activation } = attrs as _FusedMatMulAttrs;
    const a = factorOf(inputs.a!, transposeA);
    const b = factorOf(inputs.b!, transposeB);
    const inner = transposeA ? a.rows : a.columns;
    const ours =
      a.info.dtype === 'float32' &&
      b.info.dtype === 'float32' &&
      inner === (transposeB ? b.columns : b.rows) &&
      a.count === 1 &&
      b.count === 1 &&
      Math.min(a.rows, a.columns, b.rows, b.columns) > 0;
    if (!ours) return stockFusedMatMul(call);
    const functions = panelFunctionsOf(backend);
    const limits = LIMITS_OF_ACTIVATIONS[activation];
    const { bias } = inputs;
    const columns = transposeB ? b.rows : b.columns;
    const isBiasOfColumns = !bias || (bias.dtype === 'float32' && util.sizeFromShape(bias.shape) === columns);
    if (functions && limits && isBiasOfColumns && inner <= LONGEST_SUM) {
      const product = productInPanels(functions, backend, a, b, inner, { ...(bias && { bias }), limits });
      const batch = broadcast_util.assertAndGetBroadcastShape(
        a.info.shape.slice(0, -2),
        b.info.shape.slice(0, -2),
      );
      return { ...product, shape: [...batch, ...product.shape.slice(1)] };
    }
    return withLeft(backend, a, [0, inner], (left) =>
      withRight(backend, b, [0, inner], (right) =>
        stockFusedMatMul({
          inputs: { ...inputs, a: left, b: right },
          attrs: { ...attrs, transposeA: false, transposeB: false },
          backend,
        }),
      ),
    );
  };
}
