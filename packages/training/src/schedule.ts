// The steps of a run: the images of each batch, and the learning rate.
import { DskdError, randomStream } from '@dskd/base';

/**
 * Number of steps of one epoch. No image is dropped: the images left after the full batches form a smaller
 * batch, as in torch's DataLoader. Exception: a single image left over joins the batch before it, because batch
 * norm over one image of 1 x 1 positions has no variance (torch refuses it).
 */
export function countSteps(images: number, batchSize: number): number {
  const rest = images % batchSize;
  const full = Math.floor(images / batchSize);
  return rest === 0 || (rest === 1 && full > 0) ? full : full + 1;
}

/** Largest number of images in one step. */
export function largestBatch(images: number, batchSize: number): number {
  if (images < batchSize) return images;
  return images % batchSize === 1 && batchSize > 1 ? batchSize + 1 : batchSize;
}

/** Returns the image indices of each step of `epoch`, shuffled by the random stream (seed, 'shuffle', epoch). */
export function batchesOfEpoch(images: number, batchSize: number, seed: number, epoch: number): number[][] {
  const order = randomStream(seed, 'shuffle', epoch).shuffle(Array.from({ length: images }, (_, i) => i));
  const steps = countSteps(images, batchSize);
  return Array.from({ length: steps }, (_, step) =>
    order.slice(step * batchSize, step === steps - 1 ? images : (step + 1) * batchSize),
  );
}

/** Learning rate over a run. Lengths are numbers of optimizer steps. */
export type LearningRateSchedule = CosineSchedule | StepSchedule | InverseTimeSchedule;

/** Constant, then `factor` of it after so many steps, as torch.optim.lr_scheduler.StepLR once. */
interface StepSchedule {
  readonly kind: 'step';
  readonly after: number;
  /** 0 to 1. */
  readonly factor: number;
}

/** Linear warm-up, then constant, then a half cosine down to `final`. */
interface CosineSchedule {
  readonly kind: 'cosine';
  /** Length of the whole run. After it the rate stays at its final value. */
  readonly steps: number;
  /** Length of the warm-up. The first step uses `1 / warmUpSteps` of the rate. Default 0. */
  readonly warmUpSteps?: number;
  /** Number of steps at the full rate after the warm-up. Default 0. */
  readonly plateauSteps?: number;
  /** Final rate as a fraction of the full rate, 0 to 1. Default 0. */
  readonly final?: number;
}

/** The full rate divided by `1 + decay * steps`: the `decay` of Keras' optimizers. */
interface InverseTimeSchedule {
  readonly kind: 'inverse-time';
  /** At least 0. */
  readonly decay: number;
}

/** @throws {DskdError} `invalid-config` */
export function assertSchedule(schedule: LearningRateSchedule): void {
  if (schedule.kind === 'inverse-time') {
    if (schedule.decay >= 0 && Number.isFinite(schedule.decay)) return;
    throw new DskdError(
      'invalid-config',
      `Got a learning-rate schedule with decay ${schedule.decay}; wanted 0 or more.`,
      { details: { schedule } },
    );
  }
  if (schedule.kind === 'step') {
    const { after, factor } = schedule;
    if (Number.isInteger(after) && after >= 0 && factor >= 0 && factor <= 1) return;
    throw new DskdError(
      'invalid-config',
      `Got a learning-rate schedule with factor ${factor} after ${after} steps; wanted a factor in [0, 1] and a whole number.`,
      { details: { schedule } },
    );
  }
  const { steps, warmUpSteps = 0, plateauSteps = 0, final = 0 } = schedule;
  const lengths = [steps, warmUpSteps, plateauSteps].every(
    (length) => Number.isInteger(length) && length >= 0,
  );
  if (lengths && steps > 0 && warmUpSteps + plateauSteps <= steps && final >= 0 && final <= 1) return;
  throw new DskdError(
    'invalid-config',
    `Got a learning-rate schedule with steps ${steps}, warmUpSteps ${warmUpSteps}, plateauSteps ${plateauSteps} ` +
      `and final ${final}; wanted whole numbers, warmUpSteps + plateauSteps of at most steps, and final in [0, 1].`,
    { details: { schedule } },
  );
}

/** Returns the factor of the learning rate, 0 to 1, for the update that follows `step` updates. */
export function rateFactor(schedule: LearningRateSchedule, step: number): number {
  if (schedule.kind === 'inverse-time') return 1 / (1 + schedule.decay * step);
  if (schedule.kind === 'step') return step < schedule.after ? 1 : schedule.factor;
  const { steps, warmUpSteps = 0, plateauSteps = 0, final = 0 } = schedule;
  if (step < warmUpSteps) return (step + 1) / warmUpSteps;
  const level = warmUpSteps + plateauSteps;
  if (step < level) return 1;
  if (step >= steps) return final;
  const fall = (step - level) / (steps - level);
  return final + ((1 - final) * (1 + Math.cos(Math.PI * fall))) / 2;
}
