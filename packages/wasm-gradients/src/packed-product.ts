import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { allocate, FLOAT, floats, heapFloats, integers, withScratch } from './heap.js';
import { keptPanels } from './kept-panels.js';
import { PANEL_COLUMNS, PANEL_ROWS, type PanelFunctions } from './panels.js';
import type { StoredMatrix } from './stored-matrix.js';

/** Elements of the left factor that are packed at once: they stay in the second-level cache. */
const BLOCK = 2 ** 16;

/** A left factor that is packed a block of rows at a time. */
export interface LeftFactor {
  readonly rows: number;
  /** The common length. */
  readonly length: number;
  /** Elements of a row that lie at the address of a missing one, all 0. */
  readonly zeros: number;
  /** Addresses that {@link LeftFactor.pack} uses for each panel of a block, at most; and the same for each block. */
  readonly addresses: { readonly panel: number; readonly block: number };
  /**
   * Packs rows `first` to `first + 4 panels`, those after the last as zeros, into panels of `[length, 4]` at `to`.
   * @returns bytes from one panel to the next.
   */
  pack(first: number, panels: number, to: number, space: PackingSpace): number;
}

/** Memory for the addresses of rows. */
export interface PackingSpace {
  /** Of `table`, in bytes. */
  readonly address: number;
  readonly table: Int32Array;
  /** Address of zeros. */
  readonly zeros: number;
}

const ceil = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

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

/** The right factor, packed. */
export interface PackedRight {
  readonly address: number;
  readonly columns: number;
  /** Bytes from one panel of 8 columns to the next. */
  readonly panelStride: number;
}

/** Runs `work` on rows `first..last` of the right factor, packed. A factor that is used again is kept as it was packed. */
export function withPackedRight<T>(
  functions: PanelFunctions,
  backend: BackendWasm,
  b: StoredMatrix,
  [first, last]: readonly [number, number],
  work: (right: PackedRight) => T,
): T {
  const columns = b.transposed ? b.rows : b.columns;
  const panelStride = ceil(last - first, 4) * PANEL_COLUMNS * FLOAT;
  const elements = (ceil(columns, PANEL_COLUMNS) / PANEL_COLUMNS) * (panelStride / FLOAT);
  const pack = (address: number): void =>
    packRight(functions, backend, b, [first, last], address, panelStride);
  const key = [b.start, b.rows, b.columns, b.transposed, first, last].join();
  const kept = keptPanels(backend).addressOf(b.info.dataId, key, elements, pack);
  if (kept !== undefined) return work({ address: kept, columns, panelStride });
  return withScratch(backend, [elements], (packed) => {
    const address = backend.getMemoryOffset(packed.dataId);
    pack(address);
    return work({ address, columns, panelStride });
  });
}

function packRight(
  functions: PanelFunctions,
  backend: BackendWasm,
  b: StoredMatrix,
  [first, last]: readonly [number, number],
  to: number,
  panelStride: number,
): void {
  const length = last - first;
  const groups = Math.ceil(length / 4);
  const columns = b.transposed ? b.rows : b.columns;
  const panels = ceil(columns, PANEL_COLUMNS) / PANEL_COLUMNS;
  const count = b.transposed ? panels * PANEL_COLUMNS : 4 * groups;
  withScratch(backend, [count], (addresses) =>
    withScratch(backend, [Math.max(length, columns)], (zeros) => {
      floats(backend, zeros).fill(0);
      const table = integers(backend, addresses);
      const tableStart = backend.getMemoryOffset(addresses.dataId);
      const missing = backend.getMemoryOffset(zeros.dataId);
      const start = backend.getMemoryOffset(b.info.dataId) + b.start * FLOAT;
      const stride = b.columns * FLOAT;
      if (b.transposed) {
        for (let i = 0; i < count; i++) table[i] = i < columns ? start + i * stride + first * FLOAT : missing;
        for (let group = 0; group < 2 * panels; group++) {
          const target = to + (group >> 1) * panelStride + (group & 1) * 4 * FLOAT;
          functions.interleave(
            tableStart + group * 16,
            1,
            length >> 2,
            length & 3,
            target,
            PANEL_COLUMNS * FLOAT,
          );
        }
        return;
      }
      for (let i = 0; i < count; i++) table[i] = i < length ? start + (first + i) * stride : missing;
      const whole = Math.floor(columns / PANEL_COLUMNS);
      functions.stack8(tableStart, groups, whole, to, panelStride);
      if (whole < panels) {
        const heap = heapFloats(backend, b.info);
        fillRest(heap, table, whole * PANEL_COLUMNS, columns, to + whole * panelStride, PANEL_COLUMNS);
      }
    }),
  );
}

/** The panel of the columns `from..columns` of rows at `addresses`, with zeros after the last. */
function fillRest(
  heap: Float32Array,
  addresses: Int32Array,
  from: number,
  columns: number,
  panel: number,
  width: number,
): void {
  let to = panel / FLOAT;
  for (const address of addresses) {
    const row = (address >>> 0) / FLOAT + from;
    for (let i = 0; i < width; i++) heap[to++] = from + i < columns ? heap[row + i]! : 0;
  }
}

/** Rows `first..last` of the left factor's stored matrix, or of its transpose. */
export function leftFactorOf(
  functions: PanelFunctions,
  backend: BackendWasm,
  a: StoredMatrix,
  [first, last]: readonly [number, number],
): LeftFactor {
  const length = last - first;
  const start = backend.getMemoryOffset(a.info.dataId) + a.start * FLOAT;
  const stride = a.columns * FLOAT;
  if (!a.transposed) {
    return {
      rows: a.rows,
      length,
      zeros: length,
      addresses: { panel: PANEL_ROWS, block: 0 },
      pack(row, panels, to, { address, table, zeros }) {
        for (let i = 0; i < panels * PANEL_ROWS; i++) {
          table[i] = row + i < a.rows ? start + (row + i) * stride + first * FLOAT : zeros;
        }
        functions.interleave(address, panels, length >> 2, length & 3, to, PANEL_ROWS * FLOAT);
        return length * PANEL_ROWS * FLOAT;
      },
    };
  }
  return leftAcross(functions, backend, a.info, a.columns, length, (i) => start + (first + i) * stride);
}

/**
 * The transpose of rows of `rows` elements in `info`, which lie across the common length.
 * @param addressOf the address of each, 0 <= i < length; undefined for a row of zeros.
 */
export function leftAcross(
  functions: PanelFunctions,
  backend: BackendWasm,
  info: TensorInfo,
  rows: number,
  length: number,
  addressOf: (i: number) => number | undefined,
): LeftFactor {
  const groups = Math.ceil(length / 4);
  const panelStride = groups * 4 * PANEL_ROWS * FLOAT;
  return {
    rows,
    length,
    zeros: rows,
    addresses: { panel: 0, block: 4 * groups },
    pack(row, panels, to, { address, table, zeros }) {
      for (let i = 0; i < 4 * groups; i++) {
        table[i] = ((i < length ? addressOf(i) : undefined) ?? zeros) + row * FLOAT;
      }
      const whole = Math.min(panels, Math.floor((rows - row) / PANEL_ROWS));
      functions.stack4(address, groups, whole, to, panelStride);
      if (whole < panels) {
        const heap = heapFloats(backend, info);
        const rest = table.subarray(0, 4 * groups);
        fillRest(heap, rest, whole * PANEL_ROWS, rows - row, to + whole * panelStride, PANEL_ROWS);
      }
      return panelStride;
    },
  };
}

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
