import { DskdError } from '@dskd/base';

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
