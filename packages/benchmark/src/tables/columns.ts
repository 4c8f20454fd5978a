import type { Column, Measure } from './definition.js';

const SUBSETS = ['structural', 'logical', 'mean'] as const;
const HEADINGS: Readonly<Record<Measure['metric'], string>> = {
  'image-auroc': 'image AUROC',
  'au-spro': 'AU-sPRO',
};

/** Structural, logical and mean, over all categories. */
export function subsetColumns(...metrics: readonly Measure['metric'][]): readonly Column[] {
  return metrics.flatMap((metric) =>
    SUBSETS.map((subset) => ({ name: `${HEADINGS[metric]} ${subset}`, measure: { metric, subset } })),
  );
}

/** Published values under the first columns' names. */
export function under(columns: readonly Column[], values: readonly number[]): Record<string, number> {
  return Object.fromEntries(values.map((value, index) => [columns[index]!.name, value]));
}
