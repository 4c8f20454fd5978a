import { describeValue, DskdError } from '@dskd/base';
import type { ImageInput, ImageSource } from '@dskd/data';
import { imagesPerPass } from '@dskd/methods';
import type { DetectorDescription } from '../artifact/description.js';
import type { IgnoreMask } from './ignored-pixels.js';

export interface PredictOptions {
  /** Images per pass through the networks. Does not change results. Default 8, fewer where they are cut into tiles. */
  readonly batchSize?: number;
  /** Overrides the detector's threshold for this call. */
  readonly threshold?: number;
  /** Smallest region reported, in pixels of the network's input. Default 1. */
  readonly minArea?: number;
  /**
   * Pixels that count for no score and no region, besides those that the detector ignores itself: 1 channel over
   * the images' own pixels, or `height * width` of the network's input; not 0 does not count.
   */
  readonly ignored?: IgnoreMask;
  readonly signal?: AbortSignal;
}

// A program in plain JavaScript hands over anything: a path where pixels are wanted, the NaN of an empty field.

/** @throws {DskdError} `invalid-argument` unless `value` is a source; it names what opens one. */
export function assertSource(value: unknown, where: string): asserts value is ImageSource {
  const source = value as Partial<ImageSource> | null | undefined;
  if (
    typeof source === 'object' &&
    Array.isArray(source?.samples) &&
    typeof source.fingerprint === 'function'
  ) {
    return;
  }
  throw new DskdError('invalid-argument', `Got ${describeValue(value)} as ${where}; wanted an ImageSource.`, {
    hint:
      'openSource of @dskd/data/node opens a folder or a manifest, sourceOf of @dskd/data makes a source of samples. ' +
      'The package dskd takes a path itself.',
  });
}

/** @throws {DskdError} `invalid-argument` for what cannot be iterated, and for text and bytes, which can. */
export function assertImages(value: unknown, where: string): void {
  const isList =
    typeof value === 'object' &&
    value !== null &&
    !ArrayBuffer.isView(value) &&
    (Symbol.iterator in value || Symbol.asyncIterator in value);
  if (isList) return;
  throw new DskdError(
    'invalid-argument',
    `Got ${describeValue(value)} as ${where}; wanted images, one after another.`,
    {
      hint: 'predict scores a single image; predictFiles of @dskd/detector/node scores files.',
    },
  );
}

function assertNumber(value: number | undefined, wanted: string, name: string, isRight = true): void {
  if (value === undefined || (Number.isFinite(value) && isRight)) return;
  throw new DskdError('invalid-argument', `Got ${name} ${describeValue(value)}, wanted ${wanted}.`, {
    hint: `Leave ${name} out for its default.`,
    details: { [name]: String(value) },
  });
}

/**
 * Checks the numbers of a prediction, before any image is looked at.
 * @returns the images per pass.
 * @throws {DskdError} `invalid-argument`
 */
export function checkPredictOptions(
  { batchSize, threshold, minArea }: PredictOptions,
  description: DetectorDescription,
): number {
  assertNumber(threshold, 'a finite number', 'threshold');
  assertNumber(minArea, 'pixels, 0 or more', 'minArea', minArea! >= 0);
  assertNumber(batchSize, 'a positive integer', 'batchSize', Number.isInteger(batchSize) && batchSize! >= 1);
  return batchSize ?? imagesPerPass(description);
}

/** One image as a list of one. What is neither is refused by what reads its pixels. */
export function asList(images: ImageInput | readonly ImageInput[]): readonly ImageInput[] {
  return Array.isArray(images) ? (images as readonly ImageInput[]) : [images as ImageInput];
}
