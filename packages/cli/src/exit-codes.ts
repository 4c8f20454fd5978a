import { isDskdError } from '@dskd/base';

/** What the process ends with. Documented in the README. */
export const EXIT = { success: 0, failure: 1, usage: 2, interrupted: 130 } as const;

const USAGE_CODES = new Set(['invalid-argument', 'invalid-config', 'file-not-found']);

export function exitCodeOf(error: unknown): number {
  if (isDskdError(error, 'aborted')) return EXIT.interrupted;
  return isDskdError(error) && USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failure;
}
