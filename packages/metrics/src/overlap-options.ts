import { DskdError } from '@dskd/base';
import type { BackgroundMemory } from './background-scores.js';

/** How much is kept of the scores of pixels free of defects. */
export type OverlapMemoryOptions = Partial<BackgroundMemory>;

/** @throws {DskdError} `invalid-argument` for numbers out of range. */
export function overlapMemory({
  backgroundPixelsKeptExactly = 2 ** 22,
  histogramBins = 2 ** 24,
}: OverlapMemoryOptions): BackgroundMemory {
  const wrong = (name: string, got: number, wanted: string): never => {
    throw new DskdError('invalid-argument', `Got ${name} ${got}; wanted ${wanted}.`, {
      details: { name, got },
    });
  };
  if (!Number.isInteger(backgroundPixelsKeptExactly) || backgroundPixelsKeptExactly < 0) {
    wrong('backgroundPixelsKeptExactly', backgroundPixelsKeptExactly, 'a whole number of pixels');
  }
  if (!Number.isInteger(Math.log2(histogramBins)) || histogramBins < 2 ** 14 || histogramBins > 2 ** 28) {
    wrong('histogramBins', histogramBins, 'a power of two from 2^14 to 2^28');
  }
  return { backgroundPixelsKeptExactly, histogramBins };
}

/** @throws {DskdError} `invalid-argument` for a limit that is not above 0 and at most 1. */
export function checkLimit(limit: number): void {
  if (limit > 0 && limit <= 1) return;
  throw new DskdError(
    'invalid-argument',
    `Got the limit ${limit}; wanted a false-positive rate above 0, at most 1.`,
    {
      details: { limit },
    },
  );
}
