/** Milliseconds of work after which the event loop gets its turn. */
const TURN_MS = 4;

/** Pixels between two looks at the clock: well below a millisecond of arithmetic on each. */
const SLICE = 2 ** 14;

let since = -Infinity;
/** Who waits for a turn. One goes on in each round of the event loop: work on several images must not add up. */
const waiting: (() => void)[] = [];

/** Not a timer of Node, which would wait a millisecond at least. */
function afterOthers(work: () => void): void {
  if (typeof setImmediate === 'function') setImmediate(work);
  else setTimeout(work);
}

function giveTurn(): void {
  since = performance.now();
  waiting.shift()!();
  if (waiting.length > 0) afterOthers(giveTurn);
}

/** Lets the event loop run, if the last time is some milliseconds ago: timers, and input of a page or a server. */
export async function takeTurns(): Promise<void> {
  if (performance.now() - since < TURN_MS) return;
  await new Promise<void>((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) afterOthers(giveTurn);
  });
}

/**
 * Works on a long list of pixels, so that the event loop is not blocked.
 * @param work is given the first pixel of a slice and the one after its last. If it returns false, it is not called again.
 * @returns whether all pixels were worked on.
 */
export async function inSlices(
  pixels: number,
  work: (from: number, to: number) => unknown,
): Promise<boolean> {
  for (let from = 0; from < pixels; from += SLICE) {
    await takeTurns();
    if (work(from, Math.min(from + SLICE, pixels)) === false) return false;
  }
  return true;
}
