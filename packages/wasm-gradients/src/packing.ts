import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { FLOAT, floats, heapFloats, integers, withScratch } from './heap.js';
import { keptPanels } from './kept-panels.js';
import { fillRest } from './left-factor.js';
import { PANEL_COLUMNS, type PanelFunctions } from './panels.js';
import type { StoredMatrix } from './stored-matrix.js';

// The right factor of a product, in the order in which `panels.ts` reads it.

/** `value`, or the next multiple of `unit`. */
export const ceil = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/** The right factor, packed. */
export interface PackedRight {
  readonly address: number;
  readonly columns: number;
  /** Bytes from one panel of 8 columns to the next. */
  readonly panelStride: number;
  /** Of all panels together. */
  readonly elements: number;
  /** The same object as long as the panels stay where they are; undefined if they do only for one call. */
  readonly kept: object | undefined;
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
  const kept = keptPanels(backend).find(b.info.dataId, key, elements, pack);
  if (kept) return work({ address: kept.address, columns, panelStride, elements, kept });
  return withScratch(backend, [elements], (packed) => {
    const address = backend.getMemoryOffset(packed.dataId);
    pack(address);
    return work({ address, columns, panelStride, elements, kept: undefined });
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
