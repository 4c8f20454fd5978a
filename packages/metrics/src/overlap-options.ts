import { DskdError } from '@dskd/base';
import { checkMemory, type ScoreMemory } from './pixel-scores.js';

/** How much is kept of the scores of pixels free of defects. */
export type OverlapMemoryOptions = Partial<ScoreMemory>;

/** @throws {DskdError} `invalid-argument` for numbers out of range. */
export function overlapMemory({
  pixelsKeptExactly = 2 ** 22,
  histogramBins = 2 ** 22,
}: OverlapMemoryOptions): ScoreMemory {
  return checkMemory({ pixelsKeptExactly, histogramBins });
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
