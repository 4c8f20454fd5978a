import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { FLOAT, floats, heapFloats, integers, withScratch } from './heap.js';
import { keptPanels } from './kept-panels.js';
import { PANEL_COLUMNS, PANEL_ROWS, type PanelFunctions } from './panels.js';
import type { StoredMatrix } from './stored-matrix.js';

// The factors of a product, in the order in which `panels.ts` reads them.

/** `value`, or the next multiple of `unit`. */
export const ceil = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

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

/** Packs rows `first..last` of the right factor to an address, `panelStride` bytes from one panel to the next. */
export function packRight(
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
