import { tableAsMarkdown, tableAsText, type TableText } from '../tables/write-tables.js';
import { FIGURE_CAPTION, figureTitle } from './draw-figures.js';
import type { BenchmarkResults } from './run-benchmark.js';

/** Results in words, for any kind of document. */
export interface PresentedResults {
  readonly tables: readonly (TableText & { readonly markdown: string })[];
  readonly figures: readonly {
    readonly title: string;
    readonly caption: string;
    /** The PNG, relative to the folder of the results. */
    readonly file: string;
  }[];
}

/**
 * The tables and figures of a benchmark for people: means with half of their interval, published values beside them, a
 * dash for what is missing.
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
