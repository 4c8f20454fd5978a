import type { DatasetProblem } from '../samples.js';

/** Columns of a manifest that is written. */
export const COLUMNS = ['path', 'label', 'split', 'mask', 'defect'] as const;
export type Column = (typeof COLUMNS)[number] | 'object';

/** Other names of columns, as lists of public datasets and of other programs have them. */
export const ALIASES: Readonly<Record<string, Column>> = {
  image: 'path',
  image_path: 'path',
  file: 'path',
  file_name: 'path',
  filename: 'path',
  mask_path: 'mask',
  defect_type: 'defect',
  category: 'object',
};

const KNOWN: Readonly<Record<string, Column>> = {
  ...Object.fromEntries([...COLUMNS, 'object' as const].map((name) => [name, name])),
  ...ALIASES,
};
const KNOWN_NAMES = [...COLUMNS, 'object'].join(', ');

/** One image of a manifest. `cells` has no entries for empty or missing cells. */
export interface ManifestRow {
  /** Counted from 1. */
  readonly line: number;
  readonly cells: Readonly<Partial<Record<Column, string>>>;
}

export interface ManifestTable {
  readonly rows: readonly ManifestRow[];
  readonly problems: readonly DatasetProblem[];
}

/** Collects the rows of a manifest. `name` is its name in messages. */
class TableReader implements ManifestTable {
  readonly rows: ManifestRow[] = [];
  readonly problems: DatasetProblem[] = [];
  readonly #unknown = new Set<string>();

  constructor(
    readonly name: string,
    readonly ignoreUnknownColumns: boolean,
  ) {}

  report(line: number, problem: string): void {
    this.problems.push({ path: `${this.name}:${line}`, problem });
  }

  /** Returns the column with this name; undefined, and reported once, if it is unknown. */
  column(line: number, name: string): Column | undefined {
    const written = name.trim().toLowerCase();
    const column = Object.hasOwn(KNOWN, written) ? KNOWN[written] : undefined;
    if (column === undefined && !this.ignoreUnknownColumns && !this.#unknown.has(name)) {
      this.#unknown.add(name);
      this.report(line, `unknown column ${JSON.stringify(name)}; known are ${KNOWN_NAMES}`);
    }
    return column;
  }
}

/** Detects the separator from the header: a comma, or a semicolon or tab as Excel writes in many countries. */
function delimiterOf(text: string): string {
  const header = /^.*/.exec(text)![0];
  return [',', ';', '\t'].find((delimiter) => header.includes(delimiter)) ?? ',';
}

async function readCsv(text: string, table: TableReader): Promise<void> {
  // Only here: whoever reads images needs no parser of tables.
  const { parse } = await import('csv-parse/sync');
  let records: { readonly record: readonly string[]; readonly info: { readonly lines: number } }[];
  try {
    // With `info: true` records have the type above, which the package's type declarations do not express.
    records = parse(text, {
      delimiter: delimiterOf(text),
      info: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
    }) as unknown as typeof records;
  } catch (error) {
    const { message, lines } = error as Error & { readonly lines?: number };
    table.report(lines ?? 1, `not CSV (${message})`);
    return;
  }
  const [header, ...rest] = records;
  if (!header) return;
  const columns = header.record.map((name) => table.column(header.info.lines, name));
  if (!columns.includes('path')) {
    table.report(
      header.info.lines,
      `the first line must name the columns, path among them; got ${header.record.join(', ')}`,
    );
    return;
  }
  for (const column of new Set(columns)) {
    if (column !== undefined && columns.filter((name) => name === column).length > 1) {
      table.report(header.info.lines, `two columns are called ${column}, or mean it`);
    }
  }
  for (const { record, info } of rest) {
    if (record.length !== columns.length) {
      table.report(info.lines, `has ${record.length} cells, but the header has ${columns.length}`);
      continue;
    }
    const cells: Partial<Record<Column, string>> = {};
    for (const [index, column] of columns.entries()) {
      if (column !== undefined && record[index] !== '') cells[column] = record[index]!;
    }
    table.rows.push({ line: info.lines, cells });
  }
}

function readJsonLines(text: string, table: TableReader): void {
  for (const [index, content] of text.split('\n').entries()) {
    if (content.trim() === '') continue;
    const line = index + 1;
    let value: unknown;
    try {
      value = JSON.parse(content);
    } catch (error) {
      table.report(line, `not JSON (${(error as Error).message})`);
      continue;
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      table.report(line, 'not an object; wanted one such as {"path": "a.png", "label": "good"}');
      continue;
    }
    const cells: Partial<Record<Column, string>> = {};
    for (const [name, cell] of Object.entries(value as Record<string, unknown>)) {
      const column = table.column(line, name);
      if (column === undefined || cell === null || cell === '') continue;
      if (typeof cell === 'string' || typeof cell === 'number') cells[column] = String(cell);
      else table.report(line, `${name} is ${JSON.stringify(cell)}; wanted a string`);
    }
    table.rows.push({ line, cells });
  }
}

/**
 * Parses a manifest: CSV (RFC 4180; comma, semicolon or tab) or one JSON object per line. Accepts the line ends of
 * any system and ignores a byte order mark.
 * @param name of the manifest in problems.
 */
export async function readManifestTable(
  bytes: Uint8Array,
  options: {
    readonly name: string;
    readonly format: 'csv' | 'jsonl';
    readonly ignoreUnknownColumns: boolean;
  },
): Promise<ManifestTable> {
  const table = new TableReader(options.name, options.ignoreUnknownColumns);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    table.report(1, 'not UTF-8 text; save it as CSV UTF-8');
    return table;
  }
  if (options.format === 'csv') await readCsv(text, table);
  else readJsonLines(text, table);
  if (table.rows.length + table.problems.length === 0) table.report(1, 'the manifest names no images');
  return table;
}
