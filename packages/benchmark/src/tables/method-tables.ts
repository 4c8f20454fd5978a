import { subsetColumns, under } from './columns.js';
import type { Column, PublishedRow, StudentChoice, TableDefinition, TableRow } from './definition.js';
import { LOCO_CATEGORIES, TABLE_1, TABLE_2, TABLE_3 } from './published.js';

const LOCAL: StudentChoice = { branch: 'local' };
const GLOBAL: StudentChoice = { branch: 'global' };

type Published = Readonly<Record<string, readonly number[]>>;

/** The method and its two students alone; the paper calls its local student identical to RD. */
function ours(
  published: Published,
  named: (values: readonly number[]) => Record<string, number>,
): TableRow[] {
  return [
    { label: ['local student'], students: [LOCAL], published: named(published.RD!) },
    { label: ['global student'], students: [GLOBAL], published: {} },
    { label: ['both (DSKD)'], students: [LOCAL, GLOBAL], published: named(published.DSKD!) },
  ];
}

function others(
  published: Published,
  named: (values: readonly number[]) => Record<string, number>,
): PublishedRow[] {
  return Object.entries(published)
    .filter(([name]) => name !== 'DSKD')
    .map(([name, values]) => ({ label: [name], published: named(values) }));
}

const CATEGORY_MEAN = 'mean';

function categoryColumns(categories: readonly string[]): readonly Column[] {
  const measure = { metric: 'au-spro', subset: 'mean' } as const;
  return [
    ...categories.map((category) => ({ name: category, measure, category })),
    { name: CATEGORY_MEAN, measure },
  ];
}

const byCategory = (values: readonly number[]): Record<string, number> =>
  Object.fromEntries([...LOCO_CATEGORIES, CATEGORY_MEAN].map((name, index) => [name, values[index]!]));

export const table1: TableDefinition = {
  name: 'table1',
  title: 'Table 1: localization by category (AU-sPRO up to 0.05, mean of structural and logical)',
  labels: ['method'],
  columns: categoryColumns,
  rows: ours(TABLE_1, byCategory),
  others: others(TABLE_1, byCategory),
};

const DETECTION = subsetColumns('image-auroc');
const detection = (values: readonly number[]): Record<string, number> => under(DETECTION, values);

export const table2: TableDefinition = {
  name: 'table2',
  title: 'Table 2: detection (image AUROC)',
  labels: ['method'],
  columns: () => DETECTION,
  rows: ours(TABLE_2, detection),
  others: others(TABLE_2, detection),
};

const BOTH = subsetColumns('image-auroc', 'au-spro');
const both = (values: readonly number[]): Record<string, number> => under(BOTH, values);

export const table3: TableDefinition = {
  name: 'table3',
  title: 'Table 3: modified MVTec AD (image AUROC, AU-sPRO up to 0.05)',
  labels: ['method'],
  columns: () => BOTH,
  rows: ours(TABLE_3, both),
  others: others(TABLE_3, both),
  remark: 'Which images of MVTec AD are logical is told by a list (subsets); the paper took 37 of them.',
};
