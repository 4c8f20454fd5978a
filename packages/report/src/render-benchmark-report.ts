import { factList, type Fact } from './facts.js';
import { markup } from './html.js';
import { page, type Section } from './page.js';
import { table } from './table.js';

/** A table of plain text and numbers; the first cell of a row names it. */
export interface BenchmarkTable {
  readonly caption: string;
  readonly columns: readonly string[];
  /** As many cells as there are columns. */
  readonly rows: readonly (readonly (string | number)[])[];
}

export interface BenchmarkReportOptions {
  readonly title: string;
  readonly tables: readonly BenchmarkTable[];
  /** What one needs to do the same again. */
  readonly facts: readonly Fact[];
}

/** A cell that is a number, with its spread or unit, or stands for a missing one. */
const NUMBER = /^[-+−]?\d[\d.,]*(?:e[-+]?\d+)?(?: ?(?:±|\+-|\(|%|s|min|h|MB).*)?$|^(?:–|-|n\/a|NaN)?$/i;

const isNumber = (cell: string | number): boolean => typeof cell === 'number' || NUMBER.test(cell.trim());

/** Tables of a benchmark as one HTML document: no script, nothing to load, every text escaped. */
export function renderBenchmarkReport({ title, tables, facts }: BenchmarkReportOptions): string {
  const sections: Section[] = tables.map(({ caption, columns, rows }, index) => ({
    id: `table-${index + 1}`,
    title: caption,
    content: table({
      caption,
      columns: columns.map((column, at) => ({
        title: column,
        numeric: at > 0 && rows.every((row) => isNumber(row[at] ?? '')),
      })),
      rows: rows.map((row) =>
        row.map((cell) => (typeof cell === 'number' && !Number.isFinite(cell) ? 'n/a' : cell)),
      ),
    }),
  }));
  if (facts.length > 0) sections.push({ id: 'facts', title: 'How this was made', content: factList(facts) });
  return page({ title, subtitle: markup``, sections });
}
