import { DONE, JOB, offerBlocks, takeBlock, takenByHelper } from './job.js';
import type { Helper, Team } from './team.js';

export type Rows = readonly [first: number, last: number];

/** Work on rows, each of which any thread can compute. */
export interface SharedWork {
  /**
   * Computes rows here, at most one block of them.
   * @param isNeeded is asked now and then.
   * @returns false if it stopped because they are not needed any more.
   */
  compute(rows: Rows, isNeeded?: () => boolean): boolean;
  /**
   * Copies what a helper needs for rows, and writes its job.
   * @returns where the helper will have their results; undefined if there is no room for it.
   */
  give(helper: Helper, rows: Rows, blockRows: number): number | undefined;
  /** Copies results of rows from there. */
  collect(rows: Rows, from: number): void;
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
 * Computes rows together with the helpers of this thread.
 * @returns how many rows helpers were given, and how many they have computed.
 */
export function shareRows(
  own: Team,
  work: SharedWork,
  [first, last]: Rows,
  blockRows: number,
): { readonly given: number; readonly done: number } {
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
      const out = work.give(helper, rows, blockRows);
      if (out === undefined) break;
      offerBlocks(helper.control, Math.ceil((rows[1] - rows[0]) / blockRows));
      Atomics.add(helper.control, JOB, 1);
      Atomics.notify(helper.control, JOB);
      shares.push({ helper, rows, blockRows, out });
      end = rows[0];
    }
  }
  for (let row = first; row < end; row += blockRows) work.compute([row, Math.min(row + blockRows, end)]);
  for (const each of shares) takeOver(work, each);
  const done = shares.reduce((sum, each) => sum + finish(work, each), 0);
  return { given: last - end, done };
}

const rowsOf = ({ rows: [first, last], blockRows }: Share, block: number): Rows => [
  first + block * blockRows,
  Math.min(first + (block + 1) * blockRows, last),
];

/** Computes the blocks that the helper has not begun. */
function takeOver(work: SharedWork, share: Share): void {
  for (;;) {
    const block = takeBlock(share.helper.control, 'last');
    if (block === undefined) return;
    work.compute(rowsOf(share, block));
  }
}

/**
 * Computes the block that the helper has begun, unless it is faster, and copies those that it has finished.
 * @returns rows of these.
 */
function finish(work: SharedWork, share: Share): number {
  const { control } = share.helper;
  const taken = takenByHelper(control);
  const isOpen = (): boolean => Atomics.load(control, DONE) < taken;
  const isOurs = isOpen() && work.compute(rowsOf(share, taken - 1), isOpen);
  const done = isOurs ? taken - 1 : taken;
  if (done === 0) return 0;
  const [first] = share.rows;
  const [, last] = rowsOf(share, done - 1);
  work.collect([first, last], share.out);
  return last - first;
}
