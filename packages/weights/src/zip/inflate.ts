import { Inflate, inflateSync } from 'fflate';

/** Deflate makes at most this many bytes of one. */
export const MAX_RATIO = 1032;

/**
 * What goes into the inflater at first and, doubled each time, at most: much can come out, and whoever wants little
 * should not wait for it.
 */
const FIRST_BYTES = 2 ** 10;
const MOST_BYTES = 2 ** 14;

/** Deflate never makes more of its input than this; a stream that does is made to waste time. */
const MAX_EXPANSION = 1 / 64;
const SLACK_BYTES = 2 ** 18;

/** Passed through fflate to end the inflating early. */
class Enough extends Error {}

/**
 * Inflates `deflated` piece by piece into `sink`, which returns whether it wants more.
 * @param size what should come out; a byte more can, to show that it does
 * @throws {Error} for what is no deflate stream
 */
export function inflate(deflated: Uint8Array, size: number, sink: (piece: Uint8Array) => boolean): void {
  if (deflated.byteLength <= FIRST_BYTES) {
    // A stream's window costs more than this much data.
    const room = Math.min(size + 1, deflated.byteLength * MAX_RATIO);
    sink(inflateSync(deflated, { out: new Uint8Array(room) }));
    return;
  }
  inflateStream(deflated, sink);
}

function inflateStream(deflated: Uint8Array, sink: (piece: Uint8Array) => boolean): void {
  let produced = 0;
  const inflater = new Inflate((piece) => {
    produced += piece.byteLength;
    if (!sink(piece)) throw new Enough();
  });
  try {
    let size = FIRST_BYTES;
    for (let start = 0; start < deflated.byteLength; start += size, size = Math.min(2 * size, MOST_BYTES)) {
      const end = Math.min(start + size, deflated.byteLength);
      inflater.push(deflated.subarray(start, end), end === deflated.byteLength);
      if (end > produced * (1 + MAX_EXPANSION) + SLACK_BYTES) throw new Error('The stream produces nothing.');
    }
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  }
}
