import { FLOAT } from '../heap.js';
import type { LeftSource } from '../left-factor.js';
import { blockPanels, multiplyRows, type ProductInMemory } from '../multiply-rows.js';
import { ceil, type PackedRight } from '../packing.js';
import { PANEL_COLUMNS, PANEL_ROWS, type PanelFunctions } from '../panels.js';
import { elementsOfRow, partOf } from './copy-left.js';
import { DONE, JOB, MOST_BLOCKS, offerBlocks, takeBlock, takenByHelper, writeJob } from './job.js';
import { type Helper, team, type Team } from './team.js';

/** Multiply-adds of a product below which the copies and the waking of a thread take longer than they save. */
const LEAST_WORK = 6e6;
/** Blocks of each thread: the last one, which two threads may compute, should be small. */
const BLOCKS_EACH = 6;
/** Elements that are copied to a helper and back at a time: they stay in the third-level cache. */
const PART = 2 ** 20;

type Rows = readonly [first: number, last: number];

/** A product whose right factor can be copied. */
interface Divided extends ProductInMemory {
  readonly right: PackedRight;
}

/** What a helper was given. */
interface Share {
  readonly helper: Helper;
  readonly rows: Rows;
  readonly blockRows: number;
  /** Of its result in shared memory, in bytes. */
  readonly out: number;
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
  let given = 0;
  let done = 0;
  for (let first = 0; first < left.rows; first += span) {
    const rows: Rows = [first, Math.min(first + span, left.rows)];
    const shares = divideRows(functions, own, { ...product, factor, source }, rows, blockRows);
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

/** @returns how many rows helpers were given, and how many they have computed. */
function divideRows(
  functions: PanelFunctions,
  own: Team,
  product: Shared,
  [first, last]: Rows,
  blockRows: number,
): { given: number; done: number } {
  const { shared } = own;
  const helpers = own.idle();
  const blocks = Math.ceil((last - first) / blockRows);
  // One more than its share: this thread has the copies to make, and takes over what a helper does not get to.
  const share = Math.floor(blocks / (helpers.length + 1)) + 1;
  const each = Math.min(share, Math.floor((blocks - 1) / helpers.length));
  let end = last;
  const shares: Share[] = [];
  if (each > 0) {
    let block = blocks;
    for (const helper of helpers) {
      block -= each;
      const rows: Rows = [first + block * blockRows, end];
      const share = give(helper, shared, product, rows, blockRows);
      if (!share) break;
      shares.push(share);
      end = rows[0];
    }
  }
  for (let row = first; row < end; row += blockRows) {
    multiplyRows(functions, product, [row, Math.min(row + blockRows, end)]);
  }
  for (const share of shares) takeOver(functions, product, share);
  const done = shares.reduce((sum, share) => sum + finish(functions, shared, product, share), 0);
  return { given: last - end, done };
}

/** Copies what a helper needs, and lets it begin. @returns undefined if there is no room for it. */
function give(
  { control, place: [begin, end] }: Helper,
  shared: Float32Array,
  { left, source, factor, right, columns, adds, ...product }: Shared,
  [first, last]: Rows,
  blockRows: number,
): Share | undefined {
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
    ...{ left: moved, first: part.rows[0], last: part.rows[1], blockRows },
    ...{ right: factor, panelStride: right.panelStride, columns, starts, limits, zeros, packed, tile },
    ...{ table, addresses, adds: adds ? 1 : 0, out: out - part.rows[0] * columns * FLOAT },
  });
  offerBlocks(control, Math.ceil((last - first) / blockRows));
  Atomics.add(control, JOB, 1);
  Atomics.notify(control, JOB);
  return { helper: { control, place: [begin, end] }, rows: [first, last], blockRows, out };
}

const rowsOf = ({ rows: [first, last], blockRows }: Share, block: number): Rows => [
  first + block * blockRows,
  Math.min(first + (block + 1) * blockRows, last),
];

/** Computes the blocks that the helper has not begun. */
function takeOver(functions: PanelFunctions, product: Shared, share: Share): void {
  for (;;) {
    const block = takeBlock(share.helper.control, 'last');
    if (block === undefined) return;
    multiplyRows(functions, product, rowsOf(share, block));
  }
}

/**
 * Computes the block that the helper has begun, unless it is faster, and copies those that it has finished.
 * @returns rows of these.
 */
function finish(functions: PanelFunctions, shared: Float32Array, product: Shared, share: Share): number {
  const { control } = share.helper;
  const taken = takenByHelper(control);
  const isOpen = (): boolean => Atomics.load(control, DONE) < taken;
  const isOurs = isOpen() && multiplyRows(functions, product, rowsOf(share, taken - 1), isOpen);
  const done = isOurs ? taken - 1 : taken;
  if (done === 0) return 0;
  const [first] = share.rows;
  const [, last] = rowsOf(share, done - 1);
  const elements = (last - first) * product.columns;
  const result = shared.subarray(share.out / FLOAT, share.out / FLOAT + elements);
  product.space.heap.set(result, product.out / FLOAT + first * product.columns);
  return last - first;
}
