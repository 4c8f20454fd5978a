import { factList, type Fact } from './facts.js';
import { markup } from './html.js';
import { page, type Section } from './page.js';
import { dataUrl } from './images/data-url.js';
import { table } from './table.js';

/** A table of plain text and numbers; the first cell of a row names it. */
export interface BenchmarkTable {
  readonly caption: string;
  readonly columns: readonly string[];
  /** As many cells as there are columns. */
  readonly rows: readonly (readonly (string | number)[])[];
}

/** A drawing of a benchmark, e.g. the maps of one category. */
export interface BenchmarkFigure {
  readonly title: string;
  /** What is to be seen: the text under the image, and in its place where it cannot be seen. */
  readonly caption: string;
  /** PNG, JPEG or WebP; it becomes a part of the page. */
  readonly encoded: Uint8Array;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
}

export interface BenchmarkReportOptions {
  readonly title: string;
  readonly tables: readonly BenchmarkTable[];
  /** After the tables. Default: none. */
  readonly figures?: readonly BenchmarkFigure[];
  /** What one needs to do the same again. */
  readonly facts: readonly Fact[];
}

/** A cell that is a number, with its spread or unit, or stands for a missing one. */
const NUMBER = /^[-+−]?\d[\d.,]*(?:e[-+]?\d+)?(?: ?(?:±|\+-|\(|%|s|min|h|MB).*)?$|^(?:–|-|n\/a|NaN)?$/i;

const isNumber = (cell: string | number): boolean => typeof cell === 'number' || NUMBER.test(cell.trim());

/**
 * Tables and figures of a benchmark as one HTML document: no script, nothing to load, every text escaped.
 * @throws {DskdError} `invalid-argument` for a figure that is neither PNG, JPEG nor WebP.
 */
export function renderBenchmarkReport({
  title,
  tables,
  figures = [],
  facts,
}: BenchmarkReportOptions): string {
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
  figures.forEach(({ title: heading, caption, encoded, width, height }, index) => {
    const content = markup`<figure class="figure"><img src="${dataUrl(encoded)}" alt="${caption}" width="${width}" height="${height}"><figcaption>${caption}</figcaption></figure>`;
    sections.push({ id: `figure-${index + 1}`, title: heading, content });
  });
  if (facts.length > 0) sections.push({ id: 'facts', title: 'How this was made', content: factList(facts) });
  return page({ title, subtitle: markup``, sections });
}
