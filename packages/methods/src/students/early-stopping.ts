import { DskdError, randomStream } from '@dskd/base';
import type { ImageSet, TrainStudentsOptions } from '@dskd/training';
import { z } from 'zod';
import { TRAINING_DEFAULTS } from '../defaults.js';

const DEFAULTS = TRAINING_DEFAULTS.dskd;

/**
 * Option of every method that trains in epochs: keeps back a fraction of the training images, at least one, and ends the
 * training when the loss of no network has fallen on them for `patience` epochs. `epochs` or `minutes` still are the most.
 */
export const earlyStopping = z
  .strictObject({
    patience: z.int().positive().default(DEFAULTS.patience),
    fraction: z.number().positive().lt(1).default(DEFAULTS.heldOutFraction),
  })
  .optional();

/** What of a method's options decides it. */
export interface EarlyStopping {
  readonly earlyStopping?: z.output<typeof earlyStopping>;
}

/** How many of `images` training images are kept back. */
export function heldOutCount(images: number, { earlyStopping }: EarlyStopping): number {
  return earlyStopping ? Math.max(1, Math.round(earlyStopping.fraction * images)) : 0;
}

/** The images at `chosen`, in that order. */
export function subsetOf(images: ImageSet, chosen: readonly number[]): ImageSet {
  const indicesOf = (positions: readonly number[]): number[] =>
    positions.map((position) => chosen[position]!);
  return {
    length: chosen.length,
    changesEachEpoch: images.changesEachEpoch,
    batch: (positions, epoch) => images.batch(indicesOf(positions), epoch),
    prefetch: (positions) => images.prefetch?.(indicesOf(positions)),
  };
}

/**
 * Which images train, and which say when to stop: drawn by the seed, the former in their order.
 * @throws {DskdError} `dataset-invalid` where too few remain to train on.
 */
export function splitForEarlyStopping(
  images: ImageSet,
  options: EarlyStopping,
  seed: number,
): Pick<TrainStudentsOptions, 'images' | 'heldOut'> {
  const { earlyStopping } = options;
  if (!earlyStopping) return { images };
  const count = heldOutCount(images.length, options);
  if (images.length - count < 2) {
    throw new DskdError(
      'dataset-invalid',
      `Early stopping keeps ${count} of ${images.length} training images back; wanted at least 2 to train on.`,
      { hint: 'Give more images of good parts, a smaller fraction, or leave early stopping out.' },
    );
  }
  const order = Array.from({ length: images.length }, (_, index) => index);
  const drawn = randomStream(seed, 'early-stopping')
    .shuffle([...order])
    .slice(0, count);
  const heldOut = new Set(drawn);
  return {
    images: subsetOf(
      images,
      order.filter((index) => !heldOut.has(index)),
    ),
    heldOut: { images: subsetOf(images, drawn), patience: earlyStopping.patience },
  };
}
