import { isDskdError } from '@dskd/base';

/** What the process ends with. Documented in the README and by `dskd --help`. */
export const EXIT = { success: 0, failure: 1, usage: 2, interrupted: 130 } as const;

/** In words. 141 is what `bin/dskd.js` ends with when whoever reads its output has gone. */
export const EXIT_CODES =
  '0 done; 1 failed; 2 wrong use; 130 interrupted; 141 nobody reads the output any more';

const USAGE_CODES = new Set(['invalid-argument', 'invalid-config', 'file-not-found']);

export function exitCodeOf(error: unknown): number {
  if (isDskdError(error, 'aborted')) return EXIT.interrupted;
  return isDskdError(error) && USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failure;
}
