import { types } from 'node:util';
import { ERROR_CATALOG, isDskdError } from '@dskd/base';
import { hintOf } from './hints.js';
import { colored, printJson } from './output/print.js';

/** The exit codes of the process, as documented in the README and by `dskd --help`. */
export const EXIT = { success: 0, failure: 1, usage: 2, interrupted: 130 } as const;

/** The exit codes in words. `bin/dskd.js` ends with 141 when the reader of its output has closed it. */
export const EXIT_CODES = '0 done; 1 failed; 2 wrong use; 130 interrupted; 141 output closed by its reader';

const USAGE_CODES = new Set(['invalid-argument', 'invalid-config', 'file-not-found']);

/** The exit code for an error that ended a command. */
export function exitCodeOf(error: unknown): number {
  if (isDskdError(error, 'aborted')) return EXIT.interrupted;
  return isDskdError(error) && USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failure;
}

export interface ErrorFormat {
  readonly json: boolean;
  readonly debug: boolean;
}

/** An error as it is printed. */
interface PrintedError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** Errors of the operating system have clear messages of their own: EACCES, ENOSPC, EISDIR. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return types.isNativeError(error) && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

function printedError(error: unknown): PrintedError {
  if (isDskdError(error)) {
    const { code, message, details } = error;
    // What to do in general, where nothing is known of the case at hand. To have stopped a command needs no advice.
    const catalog: Partial<typeof ERROR_CATALOG> = ERROR_CATALOG;
    const remedy = code === 'aborted' ? undefined : catalog[code]?.remedy.replaceAll('`', '');
    return { code, message, hint: hintOf(error) ?? remedy, details };
  }
  const message = types.isNativeError(error) ? error.message : String(error);
  if (isSystemError(error))
    return { code: 'system', message, details: { code: error.code, path: error.path } };
  return { code: 'internal', message, hint: 'This is a bug in dskd; --debug prints the stack.' };
}

/**
 * Prints an error with its hint, and its stack with `debug`. With `json` the error is the last line on standard
 * output, the stream of events and results; otherwise it goes to standard error.
 */
export function printError(error: unknown, { json, debug }: ErrorFormat): void {
  const { message, hint, ...rest } = printedError(error);
  if (json) printJson({ type: 'error', code: rest.code, message, hint, details: rest.details });
  else {
    process.stderr.write(
      `${colored('dskd:', 'red', process.stderr)} ${message.replaceAll('\n', '\n    ')}\n`,
    );
    if (hint !== undefined) process.stderr.write(`      ${hint}\n`);
  }
  if (debug && types.isNativeError(error)) process.stderr.write(`${error.stack ?? ''}\n`);
}
