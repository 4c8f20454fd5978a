import { FLOAT } from '../heap.js';
import type { LeftSource } from '../left-factor.js';
import { blockPanels, multiplyRows, type ProductInMemory } from '../multiply-rows.js';
import { ceil, type PackedRight } from '../packing.js';
import { PANEL_COLUMNS, PANEL_ROWS, type PanelFunctions } from '../panels.js';
import { elementsOfRow, partOf } from './copy-left.js';
import { MOST_BLOCKS, writeJob } from './job.js';
import { type Rows, type SharedWork, shareRows } from './share.js';
import { type Helper, team } from './team.js';

/** Multiply-adds of a product below which the copies and the waking of a thread take longer than they save. */
export const LEAST_WORK = 6e6;
/** Blocks of each thread: the last one, which two threads may compute, should be small. */
export const BLOCKS_EACH = 6;
/** Elements that are copied to a helper and back at a time: they stay in the third-level cache. */
const PART = 2 ** 20;

/** A product whose right factor can be copied. */
interface Divided extends ProductInMemory {
  readonly right: PackedRight;
}

/**
 * Computes a product together with the helper threads of this one: each gets a part of the rows, and its result is copied back. Every
 * number is the sum of the same terms in the same order, whoever computes it.
 * @returns false if nothing was computed, because there are no helpers, or the product is small or of a kind that is not divided.
 */
export function divide(functions: PanelFunctions, product: Divided): boolean {
  const { left, right, columns, space } = product;
  const { source } = left;
  const own = team();
  if (!own || !source || left.rows * left.length * columns < LEAST_WORK) return false;
  if (own.idle().length === 0 || own.isPaused()) return false;
  const factor = own.factors.addressOf(right, space.heap);
  if (factor === undefined) return false;
  const threads = own.helpers.length + 1;
  const most = Math.max(PANEL_ROWS, ceil(left.rows / (threads * BLOCKS_EACH), PANEL_ROWS));
  const blockRows = Math.min(blockPanels(left.length) * PANEL_ROWS, most);
  const blocksOfPart = Math.floor(PART / (elementsOfRow(source) + columns) / blockRows);
  const span = Math.min(Math.max(1, blocksOfPart), MOST_BLOCKS) * threads * blockRows;
  const { heap } = space;
  const work: SharedWork = {
    compute: (rows, isNeeded) => multiplyRows(functions, product, rows, isNeeded),
    give: (helper, rows) => give(helper, own.shared, { ...product, factor, source }, rows, blockRows),
    collect([first, last], from) {
      const result = own.shared.subarray(from / FLOAT, from / FLOAT + (last - first) * columns);
      heap.set(result, product.out / FLOAT + first * columns);
    },
  };
  let given = 0;
  let done = 0;
  for (let first = 0; first < left.rows; first += span) {
    const rows: Rows = [first, Math.min(first + span, left.rows)];
    const shares = shareRows(own, work, rows, blockRows);
    given += shares.given;
    done += shares.done;
  }
  own.report(given, done);
  return true;
}

/** A product, and where its right factor is in shared memory. */
interface Shared extends Divided {
  readonly factor: number;
  readonly source: LeftSource;
}

/** See {@link SharedWork.give}. */
function give(
  { control, place: [begin, end] }: Helper,
  shared: Float32Array,
  { left, source, factor, right, columns, adds, ...product }: Shared,
  [first, last]: Rows,
  blockRows: number,
): number | undefined {
  const part = partOf(source, [first, last]);
  const panels = blockRows / PANEL_ROWS;
  const startSize = ceil(columns, PANEL_COLUMNS);
  const addresses = left.addresses.panel * panels + left.addresses.block;
  let at = begin;
  const room = (elements: number): number => {
    const address = at;
    at += ceil(elements, 4) * FLOAT;
    return address;
  };
  const starts = room(startSize + 8 + left.zeros);
  const limits = starts + startSize * FLOAT;
  const zeros = limits + 8 * FLOAT;
  const packed = room(blockRows * ceil(left.length, 4));
  const tile = room(blockRows * PANEL_COLUMNS);
  const table = room(addresses);
  const input = room(part.elements);
  const out = room((last - first) * columns);
  if (at > end) return undefined;
  const { heap } = product.space;
  const copy = (from: number, elements: number, to: number): void =>
    shared.set(heap.subarray(from / FLOAT, from / FLOAT + elements), to / FLOAT);
  copy(product.starts, startSize + 8, starts);
  shared.fill(0, zeros / FLOAT, zeros / FLOAT + left.zeros);
  if (adds) copy(product.out + first * columns * FLOAT, (last - first) * columns, out);
  const moved = part.copy(heap, shared, input);
  writeJob(control, {
    ...{ kind: 'product' as const, left: moved, first: part.rows[0], last: part.rows[1], blockRows },
    ...{ right: factor, panelStride: right.panelStride, columns, starts, limits, zeros, packed, tile },
    ...{ table, addresses, adds: adds ? 1 : 0, out: out - part.rows[0] * columns * FLOAT },
  });
  return out;
}
