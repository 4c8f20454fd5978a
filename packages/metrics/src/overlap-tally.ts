import { DskdError } from '@dskd/base';
import { orderedKey } from './ordered-keys.js';
import type { OverlapRegion } from './overlap-curve.js';
import {
  decodeKeys,
  encodeKeys,
  PixelScores,
  type PixelScoresState,
  type ScoreMemory,
} from './pixel-scores.js';

/** The common part of an image of AU-PRO and AU-sPRO. */
export interface ScoredImage {
  /** For error messages. */
  readonly name: string;
  /** Anomaly score of each pixel, row by row. */
  readonly map: Float32Array;
  readonly width: number;
  readonly height: number;
  /** As long as `map`: not 0 where a pixel is left out. */
  readonly ignored?: Uint8Array;
}

/** All ones in infinities and NaN. */
const EXPONENT = 0x7f800000;

/**
 * The bits of the map, after checking sizes and values.
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

/** Index of the first entry that is not 0, and one past the last: most regions are small beside their image. */
export function extentOf(mask: Uint8Array): [first: number, end: number] {
  let [first, end] = [0, mask.length];
  while (first < end && mask[first] === 0) first++;
  while (end > first && mask[end - 1] === 0) end--;
  return [first, end];
}

/** Keys of the scores where `mask` is not 0 and `ignored` is 0, and the number of pixels of the whole mask. */
export function keysInMask(
  bits: Uint32Array,
  mask: Uint8Array,
  ignored: Uint8Array | undefined,
): { keys: Uint32Array; area: number } {
  const [first, end] = extentOf(mask);
  let area = 0;
  for (let i = first; i < end; i++) if (mask[i] !== 0) area++;
  const keys = new Uint32Array(area);
  let filled = 0;
  for (let i = first; i < end; i++) {
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

export interface OverlapTallyState {
  readonly background: PixelScoresState;
  /** Keys ascending: base64 of little-endian uint32. */
  readonly regions: readonly { readonly defectType?: string; readonly keys: string }[];
}

/** The scores of the background and of the regions of all images so far. */
export class OverlapTally {
  readonly background: PixelScores;
  readonly regions: OverlapRegion[] = [];

  constructor(memory: ScoreMemory, background = new PixelScores(memory)) {
    this.background = background;
  }

  /**
   * Adds an image. `excluded` is not 0 where a pixel is not background.
   * @throws {DskdError} `invalid-argument` for more than 2^31 - 1 background pixels; nothing is added then.
   */
  add(bits: Uint32Array, excluded: Uint8Array | undefined, regions: readonly OverlapRegion[]): void {
    this.background.add(bits, excluded);
    for (const region of regions) this.regions.push(region);
  }

  merge(other: OverlapTally): void {
    this.background.merge(other.background);
    for (const region of other.regions.slice()) this.regions.push(region);
  }

  toJSON(): OverlapTallyState {
    return {
      background: this.background.toJSON(),
      regions: this.regions.map(({ keys, ...type }) => ({ ...type, keys: encodeKeys(keys) })),
    };
  }

  /** @throws {DskdError} `invalid-argument` when `state` is not what {@link toJSON} writes. */
  static fromJSON({ background, regions }: OverlapTallyState, memory: ScoreMemory): OverlapTally {
    const tally = new OverlapTally(memory, PixelScores.fromJSON(background, memory));
    for (const { keys: text, ...type } of regions) {
      const keys = decodeKeys(text);
      if (keys.length === 0 || keys.some((key, i) => i > 0 && key < keys[i - 1]!)) {
        throw new DskdError('invalid-argument', 'A saved region of an overlap metric is damaged.', {
          details: { keys: keys.length, ...type },
        });
      }
      tally.regions.push({ ...type, keys });
    }
    return tally;
  }
}
