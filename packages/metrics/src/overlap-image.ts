import { DskdError } from '@dskd/base';
import { orderedKey } from './ordered-keys.js';

/** What every image of an overlap metric has. */
export interface ScoredImage {
  /** For error messages. */
  readonly name: string;
  /** Anomaly score of each pixel, row by row. */
  readonly map: Float32Array;
  readonly width: number;
  readonly height: number;
  /** As long as `map`: pixels where it is not 0 count neither as found nor as falsely found. */
  readonly ignored?: Uint8Array;
}

/** All ones in infinities and NaN. */
const EXPONENT = 0x7f800000;

/**
 * The map's bits, checked.
 * @throws {DskdError} `shape-mismatch` when map, masks and ignore mask are not of the image's size;
 * `invalid-argument` for a score that is not finite. Both name the image.
 */
export function checkedBits(
  { name, map, width, height, ignored }: ScoredImage,
  masks: readonly { readonly what: string; readonly mask: Uint8Array }[],
): Uint32Array {
  const all = [{ what: 'the map', mask: map }, ...masks];
  if (ignored) all.push({ what: 'the ignore mask', mask: ignored });
  for (const { what, mask } of all) {
    if (mask.length === width * height) continue;
    throw new DskdError(
      'shape-mismatch',
      `${name}: ${what} has ${mask.length} pixels; wanted ${width * height}, ${width} x ${height}.`,
      { details: { name, what, got: mask.length, width, height } },
    );
  }
  const bits = new Uint32Array(map.buffer, map.byteOffset, map.length);
  for (let i = 0; i < bits.length; i++) {
    if ((bits[i]! & EXPONENT) !== EXPONENT || ignored?.[i]) continue;
    const x = i % width;
    const y = Math.floor(i / width);
    throw new DskdError(
      'invalid-argument',
      `${name}: the score at pixel (${x}, ${y}) is ${String(map[i])}; wanted finite scores.`,
      { details: { name, x, y, got: String(map[i]) } },
    );
  }
  return bits;
}

/** Keys of the scores where `mask` is not 0 and `ignored` is, and how many pixels the mask has altogether. */
export function keysInMask(
  bits: Uint32Array,
  mask: Uint8Array,
  ignored: Uint8Array | undefined,
): { keys: Uint32Array; area: number } {
  let area = 0;
  for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) area++;
  const keys = new Uint32Array(area);
  let filled = 0;
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] !== 0 && (ignored === undefined || ignored[i] === 0)) keys[filled++] = orderedKey(bits[i]!);
  }
  return { keys: keys.subarray(0, filled), area };
}

/** @throws {DskdError} `invalid-argument`, naming the image. */
export function refuseEmptyMask(name: string, what: string): never {
  throw new DskdError(
    'invalid-argument',
    `${name}: ${what} is empty; wanted at least one pixel that is not 0.`,
    {
      hint: 'An image without defects is a good one and has no mask.',
      details: { name, what },
    },
  );
}
