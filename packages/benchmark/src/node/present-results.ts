import { tableAsMarkdown, tableAsText, type TableText } from '../tables/write-tables.js';
import { FIGURE_CAPTION, figureTitle } from './draw-figures.js';
import type { BenchmarkResults } from './run-benchmark.js';

/** Results as text, for any document format. */
export interface PresentedResults {
  readonly tables: readonly (TableText & { readonly markdown: string })[];
  readonly figures: readonly {
    readonly title: string;
    readonly caption: string;
    /** Path of the PNG, relative to the folder of the results. */
    readonly file: string;
  }[];
}

/**
 * Formats the tables and figures of a benchmark as text: means with the half-width of their interval, published
 * values next to them, and a dash for missing values.
 */
export function presentResults({
  tables,
  figures,
}: Pick<BenchmarkResults, 'tables' | 'figures'>): PresentedResults {
  return {
    tables: tables.map((table) => ({ ...tableAsText(table), markdown: tableAsMarkdown(table) })),
    figures: figures.map((figure) => ({
      title: figureTitle(figure),
      caption: FIGURE_CAPTION,
      file: figure.file,
    })),
  };
}
