import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { allocate, FLOAT, floats, heapFloats, withScratch } from './heap.js';
import { type LeftFactor, leftFactorOf } from './left-factor.js';
import { blockPanels, multiplyRows, type ProductInMemory } from './multiply-rows.js';
import { ceil, type PackedRight, withPackedRight } from './packing.js';
import { PANEL_COLUMNS, PANEL_ROWS, type PanelFunctions } from './panels.js';
import type { StoredMatrix } from './stored-matrix.js';
import { divide } from './threads/divide.js';

/** What is done with the sums of a product. */
export interface Outcome {
  /** One number for each column, with which the sums start. */
  readonly bias?: TensorInfo;
  /** The least and the greatest result. */
  readonly limits?: readonly [number, number];
  /** Adds the sums to what is there. */
  readonly adds?: boolean;
}

/** The activations that are limits of the result. */
export const LIMITS_OF_ACTIVATIONS: Readonly<Record<string, Outcome['limits']>> = {
  linear: [-Infinity, Infinity],
  relu: [0, Infinity],
  relu6: [0, 6],
};

/**
 * `out = left right`, both packed; `out` is `[left.rows, right.columns]`. Other threads compute a part of its rows, where there are any
 * and it is large enough.
 */
export function packedProduct(
  functions: PanelFunctions,
  backend: BackendWasm,
  left: LeftFactor,
  right: PackedRight,
  out: TensorInfo,
  { bias, limits = [-Infinity, Infinity], adds = false }: Outcome = {},
): void {
  const panels = Math.min(blockPanels(left.length), Math.ceil(left.rows / PANEL_ROWS));
  const addresses = left.addresses.panel * panels + left.addresses.block;
  const packedSize = panels * PANEL_ROWS * ceil(left.length, 4);
  const startSize = ceil(right.columns, PANEL_COLUMNS);
  const tileSize = panels * PANEL_ROWS * PANEL_COLUMNS;
  const sizes = [packedSize, startSize + 8 + left.zeros, tileSize, addresses];
  withScratch(backend, [sizes.reduce((sum, size) => sum + ceil(size, 4), 0)], (scratch) => {
    const packed = backend.getMemoryOffset(scratch.dataId);
    const starts = packed + ceil(packedSize, 4) * FLOAT;
    const limitsAt = starts + startSize * FLOAT;
    const zeros = limitsAt + 8 * FLOAT;
    const tile = starts + ceil(sizes[1]!, 4) * FLOAT;
    const table = tile + tileSize * FLOAT;
    const heap = heapFloats(backend, scratch);
    heap.fill(0, starts / FLOAT, tile / FLOAT);
    if (bias) heap.set(floats(backend, bias), starts / FLOAT);
    heap.fill(limits[0], limitsAt / FLOAT, limitsAt / FLOAT + 4);
    heap.fill(limits[1], limitsAt / FLOAT + 4, limitsAt / FLOAT + 8);
    const product = {
      ...{ left, right, packed, starts, limits: limitsAt, tile, adds },
      out: backend.getMemoryOffset(out.dataId),
      columns: right.columns,
      space: { heap, address: table, table: new Int32Array(heap.buffer, table, addresses), zeros },
    } satisfies ProductInMemory;
    if (divide(functions, product)) return;
    const rows = panels * PANEL_ROWS;
    for (let row = 0; row < left.rows; row += rows) {
      multiplyRows(functions, product, [row, Math.min(row + rows, left.rows)]);
    }
  });
}

/**
 * The product of two stored matrices, `[1, rows, columns]`: sums longer than `longest` are made of equal parts.
 * @param outcome for a product of one part.
 */
export function productInPanels(
  functions: PanelFunctions,
  backend: BackendWasm,
  a: StoredMatrix,
  b: StoredMatrix,
  longest: number,
  outcome: Omit<Outcome, 'adds'> = {},
): TensorInfo {
  const inner = a.transposed ? a.rows : a.columns;
  const rows = a.transposed ? a.columns : a.rows;
  const out = allocate(backend, [1, rows, b.transposed ? b.rows : b.columns]);
  const parts = Math.ceil(inner / longest);
  for (let part = 0; part < parts; part++) {
    const first = Math.floor((inner * part) / parts);
    const last = Math.floor((inner * (part + 1)) / parts);
    withPackedRight(functions, backend, b, [first, last], (right) => {
      const stride = a.columns * FLOAT;
      const start = backend.getMemoryOffset(a.info.dataId) + a.start * FLOAT;
      const left = leftFactorOf(functions, {
        ...{ rows, stride, length: last - first },
        ...(a.transposed
          ? { kind: 'across', start: start + first * stride }
          : { kind: 'rows', start: start + first * FLOAT }),
      });
      packedProduct(functions, backend, left, right, out, { ...outcome, adds: part > 0 });
    });
  }
  return out;
}
