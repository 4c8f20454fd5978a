import type { FilledTable, RowCost, SeedValue } from './fill-table.js';

const DIGITS = 3;
const MISSING = '–';

const number = (value: number | null | undefined): string =>
  value === null || value === undefined || Number.isNaN(value) ? MISSING : value.toFixed(DIGITS);

/** Mean and half-width of the interval. */
function inWords(value: SeedValue | undefined): string {
  if (!value || Number.isNaN(value.mean)) return MISSING;
  if (Number.isNaN(value.lower)) return number(value.mean);
  return `${number(value.mean)} ± ${number((value.upper - value.lower) / 2)}`;
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|');
}

/** Whether any row has a published value in this column. */
function isPublished({ rows }: FilledTable, column: number): boolean {
  return rows.some(({ published }) => published[column] !== null);
}

function costInWords(cost: RowCost | undefined): string[] {
  if (!cost) return [MISSING, MISSING, MISSING];
  return [cost.profile ?? MISSING, cost.seconds.toFixed(0), (cost.bytes / 1e6).toFixed(2)];
}

/** A table as text, with measured and published values. */
export interface TableText {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/**
 * Formats a table as text: means with the half-width of their interval, published values next to them, and a dash for
 * missing values.
 */
export function tableAsText(table: FilledTable): TableText {
  const { title, variant, labels, columns, rows } = table;
  // Where students are the only rows, the heading of the results says how they were trained.
  const compares = rows.some(({ cost }) => cost?.profile != null);
  const columnsWith = columns.map((name, index) => ({ name, index, published: isPublished(table, index) }));
  return {
    caption: `${title}${variant === '' ? '' : ` (${variant})`}`,
    columns: [
      ...labels,
      ...columnsWith.flatMap(({ name, published }) => (published ? [name, `paper: ${name}`] : [name])),
      ...(compares ? ['profile', 'training, s', 'file, MB'] : []),
    ],
    rows: rows.map(({ label, measured, published, cost }) => [
      ...label,
      ...columnsWith.flatMap(({ index, published: has }) => {
        const own = inWords(measured?.[index]);
        return has ? [own, number(published[index])] : [own];
      }),
      ...(compares ? costInWords(cost) : []),
    ]),
  };
}

/** {@link tableAsText} in Markdown. */
export function tableAsMarkdown(table: FilledTable): string {
  const { caption, columns, rows } = tableAsText(table);
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;
  const alignment = columns.map((_, index) => (index < table.labels.length ? '---' : '---:'));
  const { remark } = table;
  return [
    `### ${caption}`,
    '',
    line(columns),
    line(alignment),
    ...rows.map(line),
    '',
    ...(remark === undefined ? [] : [remark, '']),
  ].join('\n');
}

/** Quotes a cell of a CSV file if necessary. */
export function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One line per row and column, with all digits: `table,variant,row,column,mean,lower,upper,seeds,published`. */
export function tablesAsCsv(tables: readonly FilledTable[]): string {
  const lines = ['table,variant,row,column,mean,lower,upper,seeds,published'];
  const exact = (value: number | null | undefined): string =>
    value === null || value === undefined || Number.isNaN(value) ? '' : String(value);
  for (const { name, variant, columns, rows } of tables) {
    for (const { label, measured, published } of rows) {
      columns.forEach((column, index) => {
        const value = measured?.[index];
        const cells = [
          name,
          variant,
          label.join(' / '),
          column,
          exact(value?.mean),
          exact(value?.lower),
          exact(value?.upper),
          (value?.seeds ?? []).join(' '),
          exact(published[index]),
        ];
        lines.push(cells.map(quoted).join(','));
      });
    }
  }
  return `${lines.join('\n')}\n`;
}
