/** Pixels after which other work gets its turn: about 5 ms of arithmetic on each. */
const SLICE = 2 ** 20;

/**
 * Works on a long list of pixels a slice at a time, so that the event loop is not blocked.
 * @param work is given the first pixel of a slice and the one after its last.
 */
export async function inSlices(pixels: number, work: (from: number, to: number) => void): Promise<void> {
  for (let from = 0; from < pixels; from += SLICE) {
    if (from > 0) await new Promise((resolve) => setImmediate(resolve));
    work(from, Math.min(from + SLICE, pixels));
  }
}
