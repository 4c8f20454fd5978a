import type { PlannedTable } from '../plan.js';
import type { Quality } from '../quality.js';
import { measured } from './fill-table.js';
import { quoted } from './write-tables.js';

const METRICS = ['image-auroc', 'au-spro'] as const;
const SUBSETS = ['structural', 'logical', 'mean'] as const;

/**
 * What every row of every table scored in every category with every seed, before any mean:
 * `table,variant,row,category,seed,image-auroc structural,...,au-spro mean`, AU-sPRO up to 0.05.
 */
export function singleValuesAsCsv(
  tables: readonly PlannedTable[],
  qualities: ReadonlyMap<string, Quality>,
): string {
  const measures = METRICS.flatMap((metric) => SUBSETS.map((subset) => ({ metric, subset })));
  const header = [
    'table',
    'variant',
    'row',
    'category',
    'seed',
    ...measures.map((each) => Object.values(each).join(' ')),
  ];
  const lines = tables.flatMap(({ definition, variant, rows }) =>
    rows.flatMap(({ row, combinations }) =>
      combinations.flatMap(({ id, category, seed }) => {
        const quality = qualities.get(id);
        if (!quality) return [];
        const values = measures.map((measure) => {
          const value = measured(quality, measure);
          return Number.isNaN(value) ? '' : value.toFixed(6);
        });
        const words = [definition.name, variant, row.label.join(' / '), category].map(quoted);
        return [[...words, seed, ...values].join(',')];
      }),
    ),
  );
  return `${[header.join(','), ...lines].join('\n')}\n`;
}
