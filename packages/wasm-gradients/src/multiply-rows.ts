import { FLOAT } from './heap.js';
import type { LeftFactor, PackingSpace } from './left-factor.js';
import type { PackedRight } from './packing.js';
import { PANEL_COLUMNS, PANEL_ROWS, type PanelFunctions } from './panels.js';

/** Elements of the left factor that are packed at once: they stay in the second-level cache. */
const BLOCK = 2 ** 16;

/** Panels of a left factor that are packed at once. */
export const blockPanels = (length: number): number => Math.max(1, Math.floor(BLOCK / (length * PANEL_ROWS)));

/** A product, and where everything that it needs lies: addresses in bytes, in the memory of the functions. */
export interface ProductInMemory {
  readonly left: LeftFactor;
  readonly right: Pick<PackedRight, 'address' | 'panelStride'>;
  /** The result, rows of `columns` numbers. */
  readonly out: number;
  readonly columns: number;
  /** One number for each column, with which the sums start, and zeros up to a whole panel. */
  readonly starts: number;
  /** See {@link PanelFunctions.multiply}. */
  readonly limits: number;
  /** Whether the sums are added to what is in the result. */
  readonly adds: boolean;
  /** Room for a block of the left factor, packed. */
  readonly packed: number;
  /** Room for 8 columns of a block of the result. */
  readonly tile: number;
  readonly space: PackingSpace;
}

/**
 * Computes rows `first..last` of a product, at most one block of them.
 * @param isNeeded is asked between groups of columns.
 * @returns false if it stopped because they are not needed any more.
 */
export function multiplyRows(
  functions: PanelFunctions,
  product: ProductInMemory,
  [first, last]: readonly [number, number],
  isNeeded: () => boolean = () => true,
): boolean {
  const { left, right, columns, starts, limits, adds, packed, tile, space } = product;
  const { length } = left;
  const multiply = adds ? functions.multiplyAndAdd : functions.multiply;
  const outStride = columns * FLOAT;
  const rows = last - first;
  const count = Math.ceil(rows / PANEL_ROWS);
  const leftStride = left.pack(first, count, packed, space);
  for (let column = 0; column < columns; column += PANEL_COLUMNS) {
    if (!isNeeded()) return false;
    const panel = right.address + (column / PANEL_COLUMNS) * right.panelStride;
    const start = starts + column * FLOAT;
    const target = product.out + first * outStride + column * FLOAT;
    const width = Math.min(PANEL_COLUMNS, columns - column);
    const whole = width === PANEL_COLUMNS ? Math.floor(rows / PANEL_ROWS) : 0;
    if (whole > 0) multiply(packed, leftStride, whole, panel, target, outStride, length, start, limits);
    if (whole === count) continue;
    // Where not all of a tile belongs to the result.
    const place = {
      at: (target + whole * PANEL_ROWS * outStride) / FLOAT,
      stride: columns,
      rows: rows - whole * PANEL_ROWS,
      columns: width,
    };
    const rest = packed + whole * leftStride;
    if (adds) readTile(space.heap, place, tile / FLOAT);
    multiply(
      ...([rest, leftStride, count - whole, panel] as const),
      ...([tile, PANEL_COLUMNS * FLOAT, length, start, limits] as const),
    );
    writeTile(space.heap, place, tile / FLOAT);
  }
  return true;
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
