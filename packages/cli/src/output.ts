import { isDskdError } from '@dskd/base';

/** One line of JSON on standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function printLine(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** Says what went wrong and what to do; the stack only where asked for. */
export function printError(error: unknown, { json, debug }: { json: boolean; debug: boolean }): void {
  const dskd = isDskdError(error) ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (json) {
    printJson({
      type: 'error',
      code: dskd?.code ?? 'internal',
      message,
      hint: dskd?.hint,
      details: dskd?.details,
    });
  } else {
    process.stderr.write(`dskd: ${message}\n`);
    if (dskd?.hint !== undefined) process.stderr.write(`      ${dskd.hint}\n`);
    if (!dskd && !debug) process.stderr.write('      This is a fault of dskd itself; --debug shows where.\n');
  }
  if (debug && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
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
