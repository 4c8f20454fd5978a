/** Milliseconds of work after which the event loop gets its turn. With several images at a time they add up. */
const TURN_MS = 4;

/** Pixels between two looks at the clock: well below a millisecond of arithmetic on each. */
const SLICE = 2 ** 14;

let since = -Infinity;

/** Lets timers and input of a page or a server be handled. Node's timers would wait a millisecond at least. */
const eventLoop = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve);
  });

/** Lets the event loop run, if the last time is some milliseconds ago. */
export async function takeTurns(): Promise<void> {
  if (performance.now() - since < TURN_MS) return;
  await eventLoop();
  since = performance.now();
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
