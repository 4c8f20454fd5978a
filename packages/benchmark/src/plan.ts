import {
  canonicalJson,
  type CategoryFacts,
  type Cell,
  groupKey,
  identityOf,
  methodCell,
  studentCell,
  type StudentCell,
  type TeacherFile,
} from './cell.js';
import {
  type BenchmarkConfig,
  PANEL_NAMES,
  type PanelName,
  type Settings,
  settingsSchema,
  TABLE_NAMES,
  type TeacherChoice,
} from './config.js';
import type { Combination, Execute, JobCost } from './job.js';
import type { MethodChoice, StudentChoice } from './tables/definition.js';
import type { PlannedTable } from './tables/fill-table.js';
import { TABLES, withMethods } from './tables/index.js';

/** Cells that can score together, and the requested combinations of them. */
export interface Group {
  readonly category: CategoryFacts;
  readonly seed: number;
  readonly cells: readonly Cell[];
  readonly combinations: readonly Combination[];
}

/** A figure of one category, for the first seed. */
export interface PlannedPanels {
  readonly name: PanelName;
  readonly variant: string;
  readonly category: CategoryFacts;
  readonly seed: number;
  /** The local and the global student. */
  readonly cells: readonly StudentCell[];
}

/** A complete plan of a grid. */
export interface Plan {
  readonly name: string;
  readonly categories: readonly CategoryFacts[];
  readonly seeds: readonly number[];
  readonly groups: readonly Group[];
  readonly tables: readonly PlannedTable[];
  readonly panels: readonly PlannedPanels[];
}

/** What a plan needs to know about this machine. */
export interface PlanFacts {
  readonly categories: readonly CategoryFacts[];
  teacher(choice: TeacherChoice): TeacherFile;
  /** The methods of the config, in the order of their rows. Default: none. */
  readonly methods?: readonly MethodChoice[];
  readonly backend: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** Increased when an evaluation would give different numbers or a different file. */
const EVALUATION_FORMAT = 1;

const PANEL_STUDENTS: readonly StudentChoice[] = [{ branch: 'local' }, { branch: 'global' }];

interface Variant {
  readonly label: string;
  readonly settings: Settings;
}

/** A setting's value as text; a teacher by its name. */
function inWords(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'name' in value) return String(value.name);
  return typeof value === 'object' ? canonicalJson(value) : `${value as string | number | boolean}`;
}

/** Every combination of the varied values, merged into the fixed settings. */
export function variantsOf({ settings, vary }: Pick<BenchmarkConfig, 'settings' | 'vary'>): Variant[] {
  let variants: { readonly words: readonly string[]; readonly settings: Settings }[] = [
    { words: [], settings },
  ];
  for (const [name, values] of Object.entries(vary)) {
    variants = variants.flatMap(({ words, settings: base }) =>
      (values as readonly unknown[]).map((value) => ({
        words: [...words, `${name} ${inWords(value)}`],
        settings: settingsSchema.parse({ ...base, [name]: value }),
      })),
    );
  }
  return variants.map(({ words, settings: decided }) => ({ label: words.join(', '), settings: decided }));
}

/** Plans trainings and evaluations. Each student is planned once, even if several rows and tables use it. */
export function planGrid(config: BenchmarkConfig, facts: PlanFacts): Plan {
  const cells = new Map<string, Cell>();
  const combinations = new Map<string, Combination>();
  const tables: PlannedTable[] = [];
  const panels: PlannedPanels[] = [];
  for (const { label: variant, settings } of variantsOf(config)) {
    const teacher = facts.teacher(settings.teacher);
    const surroundings = (category: CategoryFacts, seed: number) => ({
      ...facts,
      teacher,
      seed,
      category: category.name,
      dataFingerprint: category.fingerprint,
    });
    const known = <T extends Cell>(own: readonly T[]): readonly T[] => {
      for (const cell of own) cells.set(cell.id, cell);
      return own;
    };
    const students = (choices: readonly StudentChoice[], category: CategoryFacts, seed: number) =>
      known(choices.map((choice) => studentCell(choice, settings, surroundings(category, seed))));
    for (const name of TABLE_NAMES.filter((each) => config.tables.includes(each))) {
      const definition = withMethods(TABLES[name], facts.methods ?? [], config.students);
      const rows = definition.rows.map((row) => ({
        row,
        combinations: facts.categories.flatMap((category) =>
          config.seeds.map((seed) => {
            const own = row.method
              ? known([methodCell(row.method, settings, surroundings(category, seed))])
              : students(row.students, category, seed);
            const ids = own.map(({ id }) => id);
            const id = identityOf({ format: EVALUATION_FORMAT, cells: [...ids].sort() });
            const combination = { id, category: category.name, seed, cells: ids };
            combinations.set(id, combination);
            return combination;
          }),
        ),
      }));
      tables.push({ definition, variant, rows });
    }
    for (const name of PANEL_NAMES.filter((each) => config.tables.includes(each))) {
      for (const category of facts.categories) {
        const seed = config.seeds[0]!;
        panels.push({ name, variant, category, seed, cells: students(PANEL_STUDENTS, category, seed) });
      }
    }
  }
  return {
    name: config.name,
    categories: facts.categories,
    seeds: config.seeds,
    groups: groupsOf([...cells.values()], [...combinations.values()], facts.categories),
    tables,
    panels,
  };
}

function groupsOf(
  cells: readonly Cell[],
  combinations: readonly Combination[],
  categories: readonly CategoryFacts[],
): Group[] {
  const members = new Map<string, Cell[]>();
  for (const cell of cells) {
    const key = groupKey(cell);
    members.set(key, [...(members.get(key) ?? []), cell]);
  }
  return [...members.values()].map((own) => {
    const ids = new Set(own.map(({ id }) => id));
    const { category, seed } = own[0]!.facts;
    return {
      category: categories.find(({ name }) => name === category)!,
      seed,
      cells: own,
      combinations: combinations.filter((each) => each.cells.every((id) => ids.has(id))),
    };
  });
}

/** All cells of a plan. */
export function cellsOf(plan: Pick<Plan, 'groups'>): Cell[] {
  return plan.groups.flatMap(({ cells }) => cells);
}

/** Estimated cost of a grid on this machine. */
export interface GridCost {
  readonly cells: number;
  /** Number of cells already trained. */
  readonly done: number;
  /** Number of those to train whose method has no steps: their seconds are not in the estimate. */
  readonly unmeasured: number;
  /** Duration of the whole run with this number of processes. */
  readonly seconds: number;
  /** Peak memory of all processes together. */
  readonly bytes: number;
  readonly processes: number;
}

/** Key of cells with the same cost per image. */
function kindOf({ facts }: Cell): string {
  return canonicalJson({ ...facts, category: '', dataFingerprint: '', seed: 0 });
}

/**
 * Measures one step of each kind of training that remains.
 * @param open the cells that are not trained yet.
 */
export async function estimateGrid(
  plan: Plan,
  open: readonly Cell[],
  execute: Execute,
  processes: number,
): Promise<GridCost> {
  const categoryOf = new Map(plan.categories.map((category) => [category.name, category]));
  const kinds = new Map<string, Cell>();
  for (const cell of open) if (!kinds.has(kindOf(cell))) kinds.set(kindOf(cell), cell);
  const costs = new Map<string, JobCost>();
  await Promise.all(
    [...kinds].map(async ([kind, cell]) => {
      const category = categoryOf.get(cell.facts.category)!;
      costs.set(kind, await execute({ kind: 'estimate', cell, category }));
    }),
  );
  let seconds = 0;
  let unmeasured = 0;
  for (const cell of open) {
    const kind = kindOf(cell);
    const { images } = categoryOf.get(cell.facts.category)!;
    const { images: measured } = categoryOf.get(kinds.get(kind)!.facts.category)!;
    const cost = costs.get(kind)!;
    if (cost.seconds === null) unmeasured++;
    seconds += ((cost.seconds ?? 0) * images.train) / measured.train;
    seconds += measured.test === 0 ? 0 : (cost.scoringSeconds * images.test) / measured.test;
  }
  const total = plan.groups.reduce((sum, { cells }) => sum + cells.length, 0);
  const atOnce = Math.min(processes, Math.max(open.length, 1));
  return {
    cells: total,
    done: total - open.length,
    unmeasured,
    seconds: seconds / atOnce,
    bytes: atOnce * Math.max(0, ...[...costs.values()].map(({ bytes }) => bytes)),
    processes,
  };
}
