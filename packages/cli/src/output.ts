import { types } from 'node:util';
import { isDskdError } from '@dskd/base';
import { colored } from './render/color.js';

/** One line of JSON on standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function printLine(text = ''): void {
  process.stdout.write(`${text}\n`);
}

export interface ErrorFormat {
  readonly json: boolean;
  readonly debug: boolean;
}

/** An error as everybody sees it. */
interface ErrorLine {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** Errors of the operating system say what went wrong themselves: EACCES, ENOSPC, EISDIR. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return types.isNativeError(error) && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

function lineOf(error: unknown): ErrorLine {
  if (isDskdError(error)) {
    const { code, message, hint, details } = error;
    return { code, message, hint, details };
  }
  const message = types.isNativeError(error) ? error.message : String(error);
  if (isSystemError(error))
    return { code: 'system', message, details: { code: error.code, path: error.path } };
  return { code: 'internal', message, hint: 'This is a fault of dskd itself; --debug shows where.' };
}

/**
 * Says what went wrong and what to do; the stack only where asked for. With `json` the error is the last line
 * on standard output, as results and events are: whoever reads that stream misses nothing.
 */
export function printError(error: unknown, { json, debug }: ErrorFormat): void {
  const line = lineOf(error);
  if (json) printJson({ type: 'error', ...line });
  else {
    process.stderr.write(
      `${colored('dskd:', 'red', process.stderr)} ${line.message.replaceAll('\n', '\n    ')}\n`,
    );
    if (line.hint !== undefined) process.stderr.write(`      ${line.hint}\n`);
  }
  if (debug && types.isNativeError(error)) process.stderr.write(`${error.stack ?? ''}\n`);
}

/** Columns padded to the widest cell; numbers to the right. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  const isNumber = header.map((_, column) => rows.every((row) => /^[-\d.]*$|^NaN$/.test(row[column]!)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        isNumber[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd();
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
