import { countSteps } from '@dskd/training';
import { z } from 'zod';
import { TRAINING_DEFAULTS } from '../defaults.js';
import { MOST_EPOCHS, trainingLength } from '../image-students/options.js';
import { heldOutCount, type EarlyStopping } from '../students/early-stopping.js';

/** Options of every method whose networks predict a teacher's embedding, besides `steps`. */
export const patchTrainingLength = {
  ...trainingLength,
  batchSize: z.int().positive().default(TRAINING_DEFAULTS.patchStudents.batchSize),
};

interface Length extends EarlyStopping {
  readonly steps: number;
  readonly epochs?: number | undefined;
  readonly minutes?: number | undefined;
  readonly batchSize: number;
}

/** How long a training is, and after how many steps its learning rate falls: after 95 %, where time does not end it. */
export function lengthOf(
  { epochs, minutes, steps, ...options }: Length,
  images: number,
): { readonly epochs: number; readonly minutes: number | undefined; readonly rateFalls: number | null } {
  const perEpoch = countSteps(Math.max(1, images - heldOutCount(images, options)), options.batchSize);
  const timed = epochs === undefined && minutes !== undefined;
  const all = epochs ?? (timed ? MOST_EPOCHS : Math.ceil(steps / perEpoch));
  return { epochs: all, minutes, rateFalls: timed ? null : Math.floor(0.95 * all * perEpoch) };
}
