import { DskdError, type PixelBuffer } from '@dskd/base';

/** Stored values of 16-bit images, 0 to 65535, that become 0 and 255; what is outside is cut off. */
export type IntensityRange = readonly [low: number, high: number];

/** Stored values of 16-bit images, and gray levels of 8 bits. */
const VALUES = 65_536;
const LEVELS = 256;

/**
 * @throws {DskdError} `invalid-argument` unless the range is two whole numbers, 0 to 65535, the first one lower.
 */
export function assertIntensityRange(range: readonly number[]): asserts range is IntensityRange {
  const [low, high] = range;
  const whole = range.length === 2 && range.every((value) => Number.isInteger(value));
  if (whole && low! >= 0 && low! < high! && high! < VALUES) return;
  throw new DskdError(
    'invalid-argument',
    `Got an intensity range of [${range.join(', ')}]; wanted two whole numbers from 0 to 65535, the lower one first.`,
    { details: { range } },
  );
}

/**
 * Checks that the 16-bit values of an image were mapped by the range that its user wants.
 * @param range undefined: none.
 * @throws {DskdError} `invalid-argument`
 */
export function assertMappedBy(
  { intensityRange: got }: Pick<PixelBuffer, 'intensityRange'>,
  range: IntensityRange | undefined,
): void {
  if (got?.[0] === range?.[0] && got?.[1] === range?.[1]) return;
  const wanted = range ? `wanted ${range.join(':')}` : 'wanted none';
  throw new DskdError(
    'invalid-argument',
    `Got an image with ${got ? `the intensity range ${got.join(':')}` : 'no intensity range'}; ${wanted}.`,
    {
      hint: range
        ? `Decode it from a file of 16 bits by decodeImage(file, { intensityRange: [${range.join(', ')}] }), or map it so and set its intensityRange.`
        : 'Decode it without an intensity range.',
      details: { got, wanted: range },
    },
  );
}

/**
 * The 8-bit level of each 16-bit value.
 * @param range without one the upper 8 bits are taken.
 */
export function levelsOf(range: IntensityRange | undefined): Uint8Array {
  const levels = new Uint8Array(VALUES);
  if (!range) {
    for (let value = 0; value < VALUES; value++) levels[value] = value >> 8;
    return levels;
  }
  const [low, high] = range;
  for (let value = low; value < VALUES; value++) {
    levels[value] = value >= high ? 255 : Math.round(((value - low) * 255) / (high - low));
  }
  return levels;
}

/** What decoding finds in an image besides its pixels. */
export interface ImageFacts {
  /** Bits of each stored sample. */
  readonly bits: 8 | 16;
  /**
   * Of 16 bits, the values that one sample in a thousand is below and above: dead pixels of a sensor do not count.
   * Undefined for 8 bits.
   */
  readonly values?: IntensityRange | undefined;
  /** Number of bands that are neither colors nor opacity and were dropped. */
  readonly droppedBands: number;
}

/** Of stored 16-bit samples the values that one in a thousand is below and above. */
export function valuesOf(counts: Uint32Array): IntensityRange {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const few = Math.floor(total / 1000);
  let low = 0;
  for (let sum = counts[0]!; sum <= few; sum += counts[low]!) low++;
  let high = VALUES - 1;
  for (let sum = counts[high]!; sum <= few; sum += counts[high]!) high--;
  return [low, high];
}

/**
 * A range for images of good parts: what they span, and half as much on both sides, so that a brighter or darker defect
 * is not cut off.
 * @param values of each 16-bit image, {@link ImageFacts.values}; at least one.
 */
export function rangeFor(values: readonly IntensityRange[]): IntensityRange {
  const low = Math.min(...values.map(([lowest]) => lowest));
  const high = Math.max(...values.map(([, highest]) => highest));
  const margin = Math.max(1, Math.ceil((high - low) / 2));
  return [Math.max(0, low - margin), Math.min(VALUES - 1, high + margin)];
}

/** Number of the 256 levels from the lowest to the highest of an image. */
export function levelsSpanned(values: IntensityRange, range: IntensityRange | undefined): number {
  const levels = levelsOf(range);
  return Math.min(LEVELS, levels[values[1]]! - levels[values[0]]! + 1);
}
