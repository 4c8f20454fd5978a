import { DskdError } from '@dskd/base';

/**
 * How a learning rate changes over a run: linear up, level, then half a cosine down. Lengths are in steps of
 * the optimizer.
 */
export interface LearningRateSchedule {
  readonly kind: 'cosine';
  /** Of the whole run; from then on the rate stays where it is. */
  readonly steps: number;
  /** Default 0. The first step is at `1 / warmUpSteps` of the rate. */
  readonly warmUpSteps?: number;
  /** At the full rate, after warming up. Default 0. */
  readonly plateauSteps?: number;
  /** What is left of the rate at the end, 0 to 1. Default 0. */
  readonly final?: number;
}

/** @throws {DskdError} `invalid-config` */
export function assertSchedule(schedule: LearningRateSchedule): void {
  const { steps, warmUpSteps = 0, plateauSteps = 0, final = 0 } = schedule;
  const lengths = [steps, warmUpSteps, plateauSteps].every(
    (length) => Number.isInteger(length) && length >= 0,
  );
  if (lengths && steps > 0 && warmUpSteps + plateauSteps <= steps && final >= 0 && final <= 1) return;
  throw new DskdError(
    'invalid-config',
    `Got a learning-rate schedule of ${steps} steps, ${warmUpSteps} of them warming up and ${plateauSteps} level, ` +
      `ending at ${final}; wanted whole numbers, the parts no longer than the run, and an end within 0 to 1.`,
    { details: { schedule } },
  );
}

/** The share of the learning rate that the step after `step` steps takes. */
export function rateFactor(schedule: LearningRateSchedule, step: number): number {
  const { steps, warmUpSteps = 0, plateauSteps = 0, final = 0 } = schedule;
  if (step < warmUpSteps) return (step + 1) / warmUpSteps;
  const level = warmUpSteps + plateauSteps;
  if (step < level) return 1;
  if (step >= steps) return final;
  const fall = (step - level) / (steps - level);
  return final + ((1 - final) * (1 + Math.cos(Math.PI * fall))) / 2;
}
