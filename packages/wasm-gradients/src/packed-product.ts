import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { allocate, FLOAT, floats, heapFloats, withScratch } from './heap.js';
import {
  ceil,
  type LeftFactor,
  leftFactorOf,
  type PackedRight,
  type PackingSpace,
  withPackedRight,
} from './packing.js';
import { PANEL_COLUMNS, PANEL_ROWS, type PanelFunctions } from './panels.js';
import type { StoredMatrix } from './stored-matrix.js';

/** Elements of the left factor that are packed at once: they stay in the second-level cache. */
const BLOCK = 2 ** 16;

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

/** `out = left right`, both packed; `out` is `[left.rows, right.columns]`, from element `start` on. */
export function packedProduct(
  functions: PanelFunctions,
  backend: BackendWasm,
  left: LeftFactor,
  right: PackedRight,
  out: TensorInfo,
  { bias, limits = [-Infinity, Infinity], adds = false }: Outcome = {},
): void {
  const panelsOfBlock = Math.max(1, Math.floor(BLOCK / (left.length * PANEL_ROWS)));
  const panels = Math.min(panelsOfBlock, Math.ceil(left.rows / PANEL_ROWS));
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
    const space: PackingSpace = {
      address: table,
      table: new Int32Array(heap.buffer, table, addresses),
      zeros,
    };
    const multiply = adds ? functions.multiplyAndAdd : functions.multiply;
    const outStart = backend.getMemoryOffset(out.dataId);
    const outStride = right.columns * FLOAT;
    for (let row = 0; row < left.rows; row += panels * PANEL_ROWS) {
      const rows = Math.min(panels * PANEL_ROWS, left.rows - row);
      const count = Math.ceil(rows / PANEL_ROWS);
      const leftStride = left.pack(row, count, packed, space);
      for (let column = 0; column < right.columns; column += PANEL_COLUMNS) {
        const panel = right.address + (column / PANEL_COLUMNS) * right.panelStride;
        const start = starts + column * FLOAT;
        const target = outStart + row * outStride + column * FLOAT;
        const columns = Math.min(PANEL_COLUMNS, right.columns - column);
        const whole = columns === PANEL_COLUMNS ? Math.floor(rows / PANEL_ROWS) : 0;
        if (whole > 0) {
          multiply(packed, leftStride, whole, panel, target, outStride, left.length, start, limitsAt);
        }
        if (whole < count) {
          // Where not all of a tile belongs to the result.
          const place = {
            at: (target + whole * PANEL_ROWS * outStride) / FLOAT,
            stride: right.columns,
            rows: rows - whole * PANEL_ROWS,
            columns,
          };
          if (adds) readTile(heap, place, tile / FLOAT);
          multiply(
            packed + whole * leftStride,
            leftStride,
            count - whole,
            panel,
            tile,
            PANEL_COLUMNS * FLOAT,
            left.length,
            start,
            limitsAt,
          );
          writeTile(heap, place, tile / FLOAT);
        }
      }
    }
  });
}

/** A part of the result that is narrower or lower than its tiles, in elements. */
interface TilePlace {
  readonly at: number;
  readonly stride: number;
  readonly rows: number;
  readonly columns: number;
}

function readTile(heap: Float32Array, { at, stride, rows, columns }: TilePlace, tile: number): void {
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < columns; i++) heap[tile + row * PANEL_COLUMNS + i] = heap[at + row * stride + i]!;
  }
}

function writeTile(heap: Float32Array, { at, stride, rows, columns }: TilePlace, tile: number): void {
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < columns; i++) heap[at + row * stride + i] = heap[tile + row * PANEL_COLUMNS + i]!;
  }
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
  const out = allocate(backend, [1, a.transposed ? a.columns : a.rows, b.transposed ? b.rows : b.columns]);
  const parts = Math.ceil(inner / longest);
  for (let part = 0; part < parts; part++) {
    const range = [Math.floor((inner * part) / parts), Math.floor((inner * (part + 1)) / parts)] as const;
    withPackedRight(functions, backend, b, range, (right) => {
      const left = leftFactorOf(functions, backend, a, range);
      packedProduct(functions, backend, left, right, out, { ...outcome, adds: part > 0 });
    });
  }
  return out;
}
