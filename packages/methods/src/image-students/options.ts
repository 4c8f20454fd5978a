import { z } from 'zod';
import { TRAINING_DEFAULTS } from '../defaults.js';
import { earlyStopping } from '../students/early-stopping.js';

const DEFAULTS = TRAINING_DEFAULTS.imageStudents;

const count = z.int().positive();

/** Options of every method that trains a network on images. */
export const trainingLength = {
  /** Passes over the training images. The default depends on the method. */
  epochs: count.optional(),
  /**
   * Minutes of training, in place of a number of epochs: it ends with the last epoch that fits, but not before the first.
   * With `epochs` too, whichever comes first.
   */
  minutes: z.number().positive().optional(),
  /** Ends the training when images that are kept back say so. */
  earlyStopping,
  batchSize: count.default(DEFAULTS.batchSize),
};

/** Where time alone ends a training. */
export const MOST_EPOCHS = 100_000;

/** Passes over the training images, at most where time ends them. */
export function epochsOf(
  method: keyof typeof DEFAULTS.epochs,
  { epochs, minutes }: { readonly epochs?: number | undefined; readonly minutes?: number | undefined },
): number {
  return epochs ?? (minutes === undefined ? DEFAULTS.epochs[method] : MOST_EPOCHS);
}
