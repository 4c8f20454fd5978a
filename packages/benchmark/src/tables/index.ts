import type { ObjectiveName, TableName } from '../config.js';
import type { Quality } from '../job.js';
import type {
  Column,
  Measure,
  MethodChoice,
  PublishedRow,
  StudentChoice,
  TableDefinition,
  TableRow,
} from './definition.js';
import { measured, type PlannedTable } from './fill-table.js';
import { LOCO_CATEGORIES, TABLE_1, TABLE_2, TABLE_3, TABLE_4, TABLE_5, TABLE_6 } from './published.js';
import { quoted } from './write-tables.js';

const SUBSETS = ['structural', 'logical', 'mean'] as const;
const HEADINGS: Readonly<Record<Measure['metric'], string>> = {
  'image-auroc': 'image AUROC',
  'au-spro': 'AU-sPRO',
};

/** Columns for structural, logical and mean, over all categories. */
function subsetColumns(...metrics: readonly Measure['metric'][]): readonly Column[] {
  return metrics.flatMap((metric) =>
    SUBSETS.map((subset) => ({ name: `${HEADINGS[metric]} ${subset}`, measure: { metric, subset } })),
  );
}

/** Published values by the names of the first columns. */
function under(columns: readonly Column[], values: readonly number[]): Record<string, number> {
  return Object.fromEntries(values.map((value, index) => [columns[index]!.name, value]));
}

const LOCAL: StudentChoice = { branch: 'local' };
const GLOBAL: StudentChoice = { branch: 'global' };

type Published = Readonly<Record<string, readonly number[]>>;

/**
 * Rows for the method and for its two students alone. According to the paper the local student is identical to RD.
 */
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

const table1: TableDefinition = {
  name: 'table1',
  title: 'Table 1: localization by category (AU-sPRO up to 0.05, mean of structural and logical)',
  labels: ['method'],
  columns: categoryColumns,
  rows: ours(TABLE_1, byCategory),
  others: others(TABLE_1, byCategory),
  compares: true,
};

const DETECTION = subsetColumns('image-auroc');
const detection = (values: readonly number[]): Record<string, number> => under(DETECTION, values);

const table2: TableDefinition = {
  name: 'table2',
  title: 'Table 2: detection (image AUROC)',
  labels: ['method'],
  columns: () => DETECTION,
  rows: ours(TABLE_2, detection),
  others: others(TABLE_2, detection),
  compares: true,
};

const BOTH = subsetColumns('image-auroc', 'au-spro');
const both = (values: readonly number[]): Record<string, number> => under(BOTH, values);

const table3: TableDefinition = {
  name: 'table3',
  title: 'Table 3: modified MVTec AD (image AUROC, AU-sPRO up to 0.05)',
  labels: ['method'],
  columns: () => BOTH,
  rows: ours(TABLE_3, both),
  others: others(TABLE_3, both),
  compares: true,
  remark: 'A list (subsets) defines which images of MVTec AD are logical; the paper selected 37.',
};

/** AU-sPRO first, because the paper prints it. */
const COLUMNS = subsetColumns('au-spro', 'image-auroc');

/** Abbreviations as in the paper, and the flattened cosine of the code that the paper builds on. */
const LOSSES: readonly (readonly [short: string, objective: ObjectiveName])[] = [
  ['Pi', 'perPixelCosine'],
  ['flattened', 'flattenedCosine'],
  ['CA', 'contextualAffinity'],
];

function student(branch: 'local' | 'global', objective: ObjectiveName): StudentChoice {
  const setting = branch === 'local' ? 'localObjective' : 'globalObjective';
  return { branch, change: { [setting]: objective } };
}

const printed = (table: Readonly<Record<string, readonly number[]>>, key: string): Record<string, number> =>
  under(COLUMNS, table[key] ?? []);

const REMARK =
  'Pi: per-pixel cosine; CA: contextual affinity; flattened: the cosine of whole maps in the code of RD, which the ' +
  'paper does not name.';

const table4: TableDefinition = {
  name: 'table4',
  title: 'Table 4: one student, by loss',
  labels: ['student', 'loss'],
  columns: () => COLUMNS,
  rows: (['local', 'global'] as const).flatMap((branch) =>
    LOSSES.map(([short, objective]) => ({
      label: [branch, short],
      students: [student(branch, objective)],
      published: printed(TABLE_4, `${branch} ${short}`),
    })),
  ),
  others: [],
  remark: REMARK,
};

const table5: TableDefinition = {
  name: 'table5',
  title: 'Table 5: two students, by their losses',
  labels: ['local loss', 'global loss'],
  columns: () => COLUMNS,
  rows: LOSSES.flatMap(([local, localObjective]) =>
    LOSSES.map(([global, globalObjective]) => ({
      label: [local, global],
      students: [student('local', localObjective), student('global', globalObjective)],
      published: printed(TABLE_5, `${local} ${global}`),
    })),
  ),
  others: [],
  remark: REMARK,
};

const PRINTED = 'AU-sPRO mean';

const table6: TableDefinition = {
  name: 'table6',
  title: 'Table 6: channels g of the global context condensing block',
  labels: ['g / channels of phi'],
  columns: () => COLUMNS,
  rows: TABLE_6.map(([share, value]) => ({
    label: [share === 0 ? 'w/o' : String(share)],
    students: [
      LOCAL,
      { branch: 'global', change: share === 0 ? { gccb: 'none' } : { gccb: 'full', gccbShare: share } },
    ],
    published: { [PRINTED]: value },
  })),
  others: [],
  remark:
    "g as a fraction of the block's input channels (2048 in the paper: 512, 768, 1024, 1280, 2048), so that smaller" +
    'students have the same rows. At a fraction of 1 there are no 1x1 convolutions.',
};

/** Our choice: the paper shows a curve without listing its temperatures. */
const TEMPERATURES = [0.1, 0.5, 1, 2, 5, 10];

const fig6: TableDefinition = {
  name: 'fig6',
  title: 'Fig. 6: temperature of the contextual affinity',
  labels: ['temperature'],
  columns: () => COLUMNS,
  rows: TEMPERATURES.map(
    (temperature): TableRow => ({
      label: [String(temperature)],
      students: [LOCAL, { branch: 'global', change: { globalObjective: 'contextualAffinity', temperature } }],
      // Table 1 gives the value of one point of the curve.
      published: temperature === 1 ? { [PRINTED]: 0.73 } : {},
    }),
  ),
  others: [],
};

/** Names of the paper's rows by the names of our methods. RD is the row of the local student. */
const PRINTED_AS: Readonly<Record<string, string>> = {
  ae: 'AE',
  vae: 'VAE',
  mnad: 'MNAD',
  vm: 'VM',
  fanogan: 'f-AnoGAN',
  spade: 'SPADE',
  us: 'US',
  patchcore: 'PatchCore-25',
  gcad: 'GCAD',
};

/**
 * A table with rows of other methods before its own, where it compares methods. The published numbers of one that the paper has
 * stand beside it.
 * @param students whether its own rows stay.
 */
export function withMethods(
  table: TableDefinition,
  methods: readonly MethodChoice[],
  students: boolean,
): TableDefinition {
  if (!table.compares || methods.length === 0) return table;
  const printed = new Map(table.others.map((row) => [row.label[0], row]));
  const rows = methods.map((method): TableRow => {
    const name = PRINTED_AS[method.name];
    const label = name === undefined ? method.name : `${name} (${method.name})`;
    return { label: [label], students: [], method, published: printed.get(name)?.published ?? {} };
  });
  const measured = new Set(methods.map(({ name }) => PRINTED_AS[name]));
  return {
    ...table,
    others: table.others.filter(({ label }) => !measured.has(label[0])),
    rows: students ? [...rows, ...table.rows] : rows,
  };
}

const METRICS = ['image-auroc', 'au-spro'] as const;

/**
 * Values of every row of every table for every category and seed, before averaging, as CSV:
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

/** The paper's tables, by name. */
export const TABLES: Readonly<Record<TableName, TableDefinition>> = {
  table1,
  table2,
  table3,
  table4,
  table5,
  table6,
  fig6,
};
