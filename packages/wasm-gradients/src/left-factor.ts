import { FLOAT } from './heap.js';
import { PANEL_ROWS, type PanelFunctions } from './panels.js';
import { fillPixelAddresses, type PixelGeometry } from './pixel-addresses.js';

/** Lines of a matrix in memory, `stride` bytes from one to the next, at the address `start`. */
interface Lines {
  readonly start: number;
  readonly stride: number;
  /** Of the left factor. */
  readonly rows: number;
  /** The common length. */
  readonly length: number;
}

/** Where the elements of a left factor lie. Plain numbers: another thread can be told. */
export type LeftSource =
  /** Each line is a row. */
  | ({ readonly kind: 'rows' } & Lines)
  /** Each line lies across the common length: a column. */
  | ({ readonly kind: 'across' } & Lines)
  /** One row for each output position of a convolution: the pixels of the image at `start` that the filter meets there. */
  | { readonly kind: 'pixels'; readonly start: number; readonly geometry: PixelGeometry };

/** Memory for the addresses of rows. */
export interface PackingSpace {
  /** All memory in which addresses are. */
  readonly heap: Float32Array;
  /** Of `table`, in bytes. */
  readonly address: number;
  readonly table: Int32Array;
  /** Address of zeros. */
  readonly zeros: number;
}

/** A left factor that is packed a block of rows at a time. */
export interface LeftFactor {
  readonly rows: number;
  /** The common length. */
  readonly length: number;
  /** Elements of a row that lie at the address of a missing one, all 0. */
  readonly zeros: number;
  /** Addresses that {@link LeftFactor.pack} uses for each panel of a block, at most; and the same for each block. */
  readonly addresses: { readonly panel: number; readonly block: number };
  /** Where its elements lie, unless only this thread can know. */
  readonly source?: LeftSource;
  /**
   * Packs rows `first` to `first + 4 panels`, those after the last as zeros, into panels of `[length, 4]` at `to`.
   * @returns bytes from one panel to the next.
   */
  pack(first: number, panels: number, to: number, space: PackingSpace): number;
}

/** The panel of the elements `from..columns` of rows at `addresses`, with zeros after the last. */
export function fillRest(
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

/** The left factor that lies at `source`, for functions on the same memory. */
export function leftFactorOf(functions: PanelFunctions, source: LeftSource): LeftFactor {
  const { kind, start } = source;
  if (kind === 'pixels') return { ...pixels(functions, start, source.geometry), source };
  const { stride, rows, length } = source;
  if (kind === 'across') {
    return { ...leftAcross(functions, rows, length, (i) => start + i * stride), source };
  }
  return {
    rows,
    length,
    zeros: length,
    addresses: { panel: PANEL_ROWS, block: 0 },
    source,
    pack(first, panels, to, { address, table, zeros }) {
      for (let i = 0; i < panels * PANEL_ROWS; i++) {
        table[i] = first + i < rows ? start + (first + i) * stride : zeros;
      }
      functions.interleave(address, panels, length >> 2, length & 3, to, PANEL_ROWS * FLOAT);
      return length * PANEL_ROWS * FLOAT;
    },
  };
}

/** One row for each output position: the pixels that the filter meets there. */
function pixels(functions: PanelFunctions, start: number, geometry: PixelGeometry): LeftFactor {
  const { batchSize, outHeight, outWidth, filterHeight, filterWidth, tapChannels } = geometry;
  const taps = filterHeight * filterWidth;
  return {
    rows: batchSize * outHeight * outWidth,
    length: taps * tapChannels,
    zeros: tapChannels,
    addresses: { panel: PANEL_ROWS * taps, block: 0 },
    pack(first, panels, to, { address, table, zeros }) {
      const order = { groupStep: PANEL_ROWS * taps, tapStep: PANEL_ROWS };
      fillPixelAddresses(geometry, start, zeros, [first, panels * PANEL_ROWS], table, order);
      functions.interleave(address, panels * taps, tapChannels >> 2, tapChannels & 3, to, PANEL_ROWS * FLOAT);
      return taps * tapChannels * PANEL_ROWS * FLOAT;
    },
  };
}

/**
 * The transpose of lines of `rows` elements, which lie across the common length.
 * @param addressOf the address of each, 0 <= i < length; undefined for a line of zeros.
 * @param isFollowed whether 3 elements after each line are in memory, too, whatever they are: the last panel is then packed as
 * fast as the others.
 */
export function leftAcross(
  functions: PanelFunctions,
  rows: number,
  length: number,
  addressOf: (i: number) => number | undefined,
  isFollowed = false,
): LeftFactor {
  const groups = Math.ceil(length / 4);
  const panelStride = groups * 4 * PANEL_ROWS * FLOAT;
  return {
    rows,
    length,
    zeros: rows + PANEL_ROWS - 1,
    addresses: { panel: 0, block: 4 * groups },
    pack(row, panels, to, { heap, address, table, zeros }) {
      for (let i = 0; i < 4 * groups; i++) {
        table[i] = ((i < length ? addressOf(i) : undefined) ?? zeros) + row * FLOAT;
      }
      const whole = isFollowed ? panels : Math.min(panels, Math.floor((rows - row) / PANEL_ROWS));
      functions.stack4(address, groups, whole, to, panelStride);
      if (whole < panels) {
        const rest = table.subarray(0, 4 * groups);
        fillRest(heap, rest, whole * PANEL_ROWS, rows - row, to + whole * panelStride, PANEL_ROWS);
      }
      return panelStride;
    },
  };
}
