import { meanInterval } from '@dskd/metrics';
import type { Combination, Quality, TrainedCell } from '../job.js';
import type { Column, Measure, TableDefinition, TableRow } from './definition.js';

/** A row of a table, and the combinations that give its values. */
export interface PlannedRow {
  readonly row: TableRow;
  readonly combinations: readonly Combination[];
}

export interface PlannedTable {
  readonly definition: TableDefinition;
  /** The varied settings as text; empty if none are varied. */
  readonly variant: string;
  readonly rows: readonly PlannedRow[];
}

/** A value averaged over the seeds. */
export interface SeedValue {
  /** NaN if no seed has a value. */
  readonly mean: number;
  /** 95 % interval of the mean (Student's t); NaN with fewer than two seeds. */
  readonly lower: number;
  readonly upper: number;
  /** One value per complete seed. */
  readonly seeds: readonly number[];
}

export interface FilledRow {
  readonly label: readonly string[];
  /** By column, in order; null for a row with published values only. */
  readonly measured: readonly SeedValue[] | null;
  /** By column, in order; null if the paper gives no value. */
  readonly published: readonly (number | null)[];
  /** What one detector of the row took, mean over categories and seeds; in tables that compare methods. */
  readonly cost?: RowCost;
}

/** What a detector takes. */
export interface RowCost {
  /** Of a method's options; null for the paper's students, whose settings the heading has. */
  readonly profile: string | null;
  /** Of the training in one process, calibration included. */
  readonly seconds: number;
  /** Of the file without the teacher. */
  readonly bytes: number;
}

/** A filled table of the paper. Plain JSON except for NaN values. */
export interface FilledTable {
  readonly name: string;
  readonly title: string;
  /** The varied settings as text; empty if none are varied. */
  readonly variant: string;
  readonly labels: readonly string[];
  readonly columns: readonly string[];
  readonly rows: readonly FilledRow[];
  readonly remark?: string;
}

const SUBSET_NAMES = { structural: 'structural_anomalies', logical: 'logical_anomalies' } as const;
/** The paper's upper limit of the false-positive rate. */
const LIMIT = 0.05;

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Value for one category and seed; NaN if the data has no such subset or no ground truth. */
export function measured(quality: Quality, { metric, subset }: Measure): number {
  const of = (name: string): number =>
    metric === 'image-auroc'
      ? (quality.imageAurocByDefect[name] ?? Number.NaN)
      : (quality.auSpro[name]?.find(({ limit }) => limit === LIMIT)?.value ?? Number.NaN);
  if (subset !== 'mean') return of(SUBSET_NAMES[subset]);
  return meanOf(Object.values(SUBSET_NAMES).map(of));
}

/**
 * Value of a column: the mean over the categories for each seed, then over the seeds. A seed with a missing category
 * is left out, because means over different categories are not comparable.
 */
function overSeeds(
  column: Column,
  categories: readonly string[],
  seeds: readonly number[],
  qualityOf: (category: string, seed: number) => Quality | undefined,
): SeedValue {
  const wanted = column.category === undefined ? categories : [column.category];
  const values = seeds.flatMap((seed) => {
    const each = wanted.map((category) => {
      const quality = qualityOf(category, seed);
      return quality ? measured(quality, column.measure) : Number.NaN;
    });
    const value = meanOf(each);
    return Number.isNaN(value) ? [] : [value];
  });
  if (values.length === 0) return { mean: Number.NaN, lower: Number.NaN, upper: Number.NaN, seeds: [] };
  const { mean, lower, upper } = meanInterval(values);
  return { mean, lower, upper, seeds: values };
}

function costOf(
  { row, combinations }: PlannedRow,
  trained: ReadonlyMap<string, TrainedCell>,
): RowCost | undefined {
  const records = combinations.map(({ cells }) => cells.map((id) => trained.get(id)));
  const complete = records.filter((each): each is TrainedCell[] => each.every((cell) => cell !== undefined));
  if (complete.length === 0) return undefined;
  const mean = (of: (cell: TrainedCell) => number): number =>
    meanOf(complete.map((cells) => cells.reduce((sum, cell) => sum + of(cell), 0)));
  return {
    profile: row.method?.profile ?? null,
    seconds: mean(({ seconds }) => seconds),
    bytes: mean(({ bytes }) => bytes),
  };
}

/**
 * Fills a planned table with measured values; missing values are NaN.
 * @param trained records of the trained cells by id: tables that compare methods say what each row takes.
 */
export function fillTable(
  { definition, variant, rows }: PlannedTable,
  { categories, seeds }: { readonly categories: readonly string[]; readonly seeds: readonly number[] },
  qualities: ReadonlyMap<string, Quality>,
  trained: ReadonlyMap<string, TrainedCell> = new Map(),
): FilledTable {
  const { name, title, labels, remark } = definition;
  const columns = definition.columns(categories);
  const publishedOf = (values: Readonly<Record<string, number>>): (number | null)[] =>
    columns.map((column) => values[column.name] ?? null);
  return {
    name,
    title,
    variant,
    labels,
    columns: columns.map((column) => column.name),
    rows: [
      ...definition.others.map((other) => ({
        label: other.label,
        measured: null,
        published: publishedOf(other.published),
      })),
      ...rows.map(({ row, combinations }) => {
        const cost = definition.compares && costOf({ row, combinations }, trained);
        return {
          label: row.label,
          measured: columns.map((column) =>
            overSeeds(column, categories, seeds, (category, seed) => {
              const found = combinations.find((each) => each.category === category && each.seed === seed);
              return found && qualities.get(found.id);
            }),
          ),
          published: publishedOf(row.published),
          ...(cost && { cost }),
        };
      }),
    ],
    ...(remark !== undefined && { remark }),
  };
}
