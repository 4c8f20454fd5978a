import { dataUrl, factList, markup, table, type Fact } from './html.js';
import { page, type Section } from './page.js';

/** A table of text and numbers. The first cell of a row is its header. */
export interface BenchmarkTable {
  readonly caption: string;
  readonly columns: readonly string[];
  /** One cell per column. */
  readonly rows: readonly (readonly (string | number)[])[];
}

/** A figure of a benchmark, e.g. the maps of one category. */
export interface BenchmarkFigure {
  readonly title: string;
  /** Text under the image, also used as its alternative text. */
  readonly caption: string;
  /** PNG, JPEG or WebP. It is embedded in the page. */
  readonly encoded: Uint8Array;
  /** Size in pixels. */
  readonly width: number;
  readonly height: number;
}

export interface BenchmarkReportOptions {
  readonly title: string;
  readonly tables: readonly BenchmarkTable[];
  /** Shown after the tables. Default: none. */
  readonly figures?: readonly BenchmarkFigure[];
  /** Facts needed to reproduce the results. */
  readonly facts: readonly Fact[];
}

/** A cell with a number, with or without its deviation or unit, or with a sign for a missing number. */
const NUMBER = /^[-+−]?\d[\d.,]*(?:e[-+]?\d+)?(?: ?(?:±|\+-|\(|%|s|min|h|MB).*)?$|^(?:–|-|n\/a|NaN)?$/i;

const isNumber = (cell: string | number): boolean => typeof cell === 'number' || NUMBER.test(cell.trim());

/**
 * Renders tables and figures of a benchmark as one HTML document without scripts or external resources. All text is
 * escaped.
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
