import { parseConfig } from '../config.js';
import { facts, planOf, quality } from '../grid.test.util.js';
import { cellsOf, planGrid } from '../plan.js';
import type { Quality } from '../job.js';
import { fillTable, measured, type FilledTable } from './fill-table.js';
import { LOCO_CATEGORIES, TABLE_1, TABLE_2, TABLE_3, TABLE_4, TABLE_5 } from './published.js';
import { tableAsMarkdown, tablesAsCsv } from './write-tables.js';

const round = (value: number): number => Math.round(value * 1000) / 1000;
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function filled(
  table: 'table1' | 'table4' | 'table5',
  qualityOf: (category: string, seed: number) => Quality | undefined,
): FilledTable {
  const plan = planOf({ tables: [table] });
  const qualities = new Map<string, Quality>();
  for (const combination of plan.groups.flatMap((group) => group.combinations)) {
    const found = qualityOf(combination.category, combination.seed);
    if (found) qualities.set(combination.id, found);
  }
  return fillTable(plan.tables[0]!, { categories: ['tray', 'box'], seeds: [1, 2] }, qualities);
}

test('published means agree with the published single values, within rounding', () => {
  for (const values of Object.values(TABLE_1)) {
    expect(values).toHaveLength(LOCO_CATEGORIES.length + 1);
    expect(Math.abs(mean(values.slice(0, -1)) - values.at(-1)!)).toBeLessThanOrEqual(0.0011);
  }
  const triples = [
    ...Object.values(TABLE_2),
    ...Object.values(TABLE_3).flatMap((values) => [values.slice(0, 3), values.slice(3)]),
    ...Object.values(TABLE_4),
    ...Object.values(TABLE_5),
  ];
  // Table 5 prints 0.708 for CA with CA, but its single values give 0.715.
  const odd = triples.filter(([a, b, both]) => Math.abs((a! + b!) / 2 - both!) > 0.0011);
  expect(odd).toEqual([[0.752, 0.678, 0.708]]);
});

test('AU-sPRO is taken at 0.05, and a mean of subsets is the mean of both', () => {
  const found = quality(0.8, 0.6);
  expect(measured(found, { metric: 'au-spro', subset: 'structural' })).toBeCloseTo(0.85, 12);
  expect(measured(found, { metric: 'image-auroc', subset: 'logical' })).toBe(0.6);
  expect(measured(found, { metric: 'image-auroc', subset: 'mean' })).toBeCloseTo(0.7, 12);
  const plain: Quality = { ...found, imageAurocByDefect: { scratch: 0.9 }, auSpro: {} };
  expect(measured(plain, { metric: 'au-spro', subset: 'mean' })).toBeNaN();
});

test('values are means over the categories of a seed, then over the seeds', () => {
  const { columns, rows } = filled('table5', (category, seed) =>
    quality(category === 'tray' ? 0.8 : 0.6, 0.5 + seed / 10),
  );
  expect(columns).toEqual([
    'AU-sPRO structural',
    'AU-sPRO logical',
    'AU-sPRO mean',
    'image AUROC structural',
    'image AUROC logical',
    'image AUROC mean',
  ]);
  const [row] = rows;
  expect(row!.label).toEqual(['Pi', 'Pi']);
  expect(row!.published).toEqual([0.748, 0.675, 0.711, null, null, null]);
  expect(round(row!.measured![3]!.mean)).toBe(0.7);
  const logical = row!.measured![4]!;
  expect(logical.seeds.map(round)).toEqual([0.6, 0.7]);
  expect(round(logical.mean)).toBe(0.65);
  // Student's t with one degree of freedom: 12.706 x 0.0707 / sqrt(2).
  expect(round(logical.upper - logical.mean)).toBe(0.635);
});

test('a seed with a missing category gives no value', () => {
  const { rows } = filled('table4', (category, seed) =>
    category === 'box' && seed === 2 ? undefined : quality(0.8, 0.6),
  );
  expect(rows[0]!.measured![0]!.seeds).toHaveLength(1);
  expect(rows[0]!.measured![0]!.lower).toBeNaN();
  const { rows: none } = filled('table4', () => undefined);
  expect(none[0]!.measured![0]).toMatchObject({ seeds: [] });
});

test('Table 1 has one column per category, and the rows of other methods', () => {
  const { columns, rows } = filled('table1', (category) => quality(category === 'tray' ? 0.9 : 0.5, 0.5));
  expect(columns).toEqual(['tray', 'box', 'mean']);
  expect(rows.filter((row) => row.measured === null)).toHaveLength(10);
  const ours = rows.at(-1)!;
  expect(ours.label).toEqual(['both (DSKD)']);
  expect(ours.measured!.map((value) => round(value.mean))).toEqual([0.75, 0.55, 0.65]);
  // The paper has no category tray; the published mean is over the paper's own categories.
  expect(ours.published).toEqual([null, null, 0.73]);
});

test('Markdown shows published next to measured values, CSV has all digits', () => {
  const table = filled('table4', (_, seed) => quality(0.8, seed / 2));
  const lines = tableAsMarkdown(table).split('\n');
  expect(lines[2]).toBe(
    '| student | loss | AU-sPRO structural | paper: AU-sPRO structural | AU-sPRO logical | paper: AU-sPRO logical | ' +
      'AU-sPRO mean | paper: AU-sPRO mean | image AUROC structural | image AUROC logical | image AUROC mean |',
  );
  expect(lines[4]).toMatch(/^\| local \| Pi \| 0\.850 ± 0\.000 \| 0\.739 \| 0\.800 ± 3\.177 \| 0\.474 \|/);
  expect(lines[5]).toMatch(/^\| local \| flattened \| 0\.850 ± 0\.000 \| – \|/);
  const csv = tablesAsCsv([table]).split('\n');
  expect(csv[0]).toBe('table,variant,row,column,mean,lower,upper,seeds,published');
  expect(csv[4]).toMatch(/^table4,,local \/ Pi,image AUROC structural,0\.8,0\.8,0\.8,0\.8 0\.8,$/);
  expect(csv).toHaveLength(1 + 6 * 6 + 1);
});

test('a table that compares methods says what each took, next to the published values', () => {
  const methods = [{ name: 'spade', profile: 'lite', teacher: true }];
  const config = parseConfig({ data: 'somewhere', tables: ['table2'], methods: ['spade'] });
  const plan = planGrid(config, { ...facts(['tray']), methods });
  const qualities = new Map(
    plan.groups.flatMap(({ combinations }) => combinations.map(({ id }) => [id, quality(0.8, 0.6)])),
  );
  const trained = new Map(cellsOf(plan).map(({ id }) => [id, { steps: 0, seconds: 30, bytes: 2_500_000 }]));
  const table = fillTable(plan.tables[0]!, { categories: ['tray'], seeds: [1] }, qualities, trained);
  const lines = tableAsMarkdown(table).split('\n');
  expect(lines.find((line) => line.startsWith('| SPADE'))).toBe(
    '| SPADE (spade) | 0.800 | 0.668 | 0.600 | 0.709 | 0.700 | 0.689 | lite | 30 | 2.50 |',
  );
  // Both students together take both.
  expect(lines.find((line) => line.startsWith('| both'))).toMatch(/\| – \| 60 \| 5\.00 \|$/);
  expect(lines.find((line) => line.startsWith('| US'))).toMatch(/\| – \| – \| – \|$/);
});
