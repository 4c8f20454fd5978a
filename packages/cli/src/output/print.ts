import pc from 'picocolors';

/** Prints one line of JSON on standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Prints a line on standard output. */
export function printLine(text = ''): void {
  process.stdout.write(`${text}\n`);
}

const atEnd: (() => void)[] = [];

/** Registers a function that cleans up the terminal before the program ends, also after an error. */
export function onProgramEnd(clean: () => void): void {
  atEnd.push(clean);
}

/** Runs what {@link onProgramEnd} registered. */
export function endOutput(): void {
  for (const clean of atEnd.splice(0)) clean();
}

type Environment = Readonly<Record<string, string | undefined>>;

interface OutputStream {
  readonly isTTY?: boolean;
}

/**
 * Whether text for `stream` is colored: never with NO_COLOR (no-color.org), always with FORCE_COLOR, otherwise on
 * a terminal that supports it.
 */
export function wantsColor(stream: OutputStream, environment: Environment = process.env): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = environment;
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return stream.isTTY === true && TERM !== 'dumb';
}

/** `text` in a color, if `stream` is to be colored. */
export function colored(
  text: string,
  color: 'red' | 'yellow',
  stream: OutputStream,
  environment: Environment = process.env,
): string {
  // picocolors checks standard output only, and colors pipes in CI; here the decision is made per stream.
  return pc.createColors(wantsColor(stream, environment))[color](text);
}

/** A table of text: columns padded to the widest cell, numbers aligned to the right. */
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

/** Names and values, one pair per line, with the values aligned. */
export function alignedFacts(facts: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
