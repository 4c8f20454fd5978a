import path from 'node:path';
import { DskdError } from '@dskd/base';
import { createMethod, methodNames } from '@dskd/methods';
import { assertWritable, writeFileAtomically } from '@dskd/data/node';
import { estimateGrid, type GridCost, type Plan, planGrid, variantsOf } from '../plan.js';
import type { BenchmarkConfig, TeacherChoice } from '../config.js';
import type { TeacherFile } from '../cell.js';
import type { MethodChoice } from '../tables/definition.js';
import type { Execute, TrainedCell } from '../job.js';
import { progressOf, runGrid, type GridEvent, type GridFailure } from '../run-grid.js';
import { fillTable, type FilledTable } from '../tables/fill-table.js';
import { singleValuesAsCsv } from '../tables/index.js';
import { PAPER } from '../tables/published.js';
import { tableAsMarkdown, tablesAsCsv } from '../tables/write-tables.js';
import { CellStore } from './cell-store.js';
import { drawFigures, figureAsMarkdown, type Figure } from './draw-figures.js';
import { prepareCategories, readCategories } from './prepare-data.js';
import { teacherFile } from './train-and-evaluate.js';
import { versionsHere } from './versions.js';

export interface BenchmarkOptions {
  readonly config: BenchmarkConfig;
  /** Folder of the students and results. */
  readonly results: string;
  /** Resolves the teacher named `default`. */
  readonly defaultTeacher: () => Promise<TeacherFile>;
  /** Runs the jobs: `benchmarkProcesses` on this machine, or a queue of `@dskd/queue` on others. */
  readonly execute: Execute;
  /** Name of the backend, which is part of a result's identity. */
  readonly backend: string;
  /** How many jobs run at a time, for the estimate of the cost. */
  readonly processes: number;
  /** Only estimates the cost. */
  readonly dryRun?: boolean;
  readonly onPlan?: (plan: Plan) => void;
  readonly onCost?: (cost: GridCost) => void;
  readonly onEvent?: (event: GridEvent) => void;
  readonly signal?: AbortSignal;
}

/** Results of a benchmark, written as `results.json`. */
export interface BenchmarkResults {
  readonly name: string;
  readonly paper: string;
  readonly config: BenchmarkConfig;
  readonly categories: readonly string[];
  readonly seeds: readonly number[];
  readonly teachers: readonly { readonly name: string; readonly sha256: string }[];
  readonly backend: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly cells: { readonly all: number; readonly trained: number };
  readonly failures: readonly GridFailure[];
  readonly tables: readonly FilledTable[];
  readonly figures: readonly Figure[];
}

async function teachersOf(
  config: BenchmarkConfig,
  defaultTeacher: () => Promise<TeacherFile>,
): Promise<(choice: TeacherChoice) => TeacherFile> {
  const found = new Map<string, TeacherFile>();
  for (const { settings } of variantsOf(config)) {
    const { teacher } = settings;
    const key = JSON.stringify(teacher);
    if (found.has(key)) continue;
    found.set(
      key,
      teacher === 'default' ? await defaultTeacher() : await teacherFile(teacher.name, teacher.weights),
    );
  }
  return (choice) => found.get(JSON.stringify(choice))!;
}

/** The rows of the paper's two students. */
const STUDENTS = ['dskd', 'rd'];

/**
 * The methods that get rows.
 * @throws {DskdError} `invalid-config` for a name that is none.
 */
async function methodsOf({ methods, profile }: BenchmarkConfig): Promise<MethodChoice[]> {
  const known = methodNames().filter((name) => !STUDENTS.includes(name));
  const wanted = methods === 'all' ? known : [...new Set(methods)];
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new DskdError(
      'invalid-config',
      `Got the methods ${unknown.join(', ')}; wanted of ${known.join(', ')}, or all.`,
      { hint: "The paper's students, dskd and rd, have rows in every table.", details: { methods: unknown } },
    );
  }
  return Promise.all(
    wanted.map(async (name) => {
      const { profiles, needs } = await createMethod(name);
      return { name, profile: profile in profiles ? profile : 'lite', teacher: needs.teacher };
    }),
  );
}

/**
 * Trains and evaluates a grid and makes the requested tables. Results that are already in the
 * folder are not computed again, even if they come from another grid.
 * @returns undefined after a dry run.
 * @throws {DskdError} `dataset-invalid`, `file-not-found`, `file-not-writable`, `aborted`; `worker-failed` if no
 * student could be trained.
 */
export async function runBenchmark(options: BenchmarkOptions): Promise<BenchmarkResults | undefined> {
  const { config, results, backend, execute, processes, onCost, onEvent, signal } = options;
  // Before anything is written.
  const methods = await methodsOf(config);
  await assertWritable(path.join(results, 'results.json'));
  const versions = await versionsHere();
  const categories = await prepareCategories(config, results, signal);
  const teacher = await teachersOf(config, options.defaultTeacher);
  const plan = planGrid(config, { categories, teacher, methods, backend, versions });
  options.onPlan?.(plan);
  const store = new CellStore(results);
  const { cells, open } = await progressOf(plan, store);
  if (onCost || options.dryRun) {
    onCost?.(await estimateGrid(plan, open, execute, processes));
  }
  if (options.dryRun) return undefined;

  const left = new Set(open.map(({ id }) => id));
  const groups = plan.groups.filter((group) => group.cells.some(({ id }) => left.has(id)));
  const unread = categories.filter(({ name }) => groups.some(({ category }) => category.name === name));
  await readCategories(unread, {
    onRead: (category, done) =>
      onEvent?.({ type: 'category-read', category, done, categories: unread.length }),
    signal,
  });
  const { qualities, failures, trained } = await runGrid(plan, {
    store,
    execute,
    ...(onEvent && { onEvent }),
    ...(signal && { signal }),
  });
  const figures = await drawFigures(plan, { store, execute, signal });
  const names = categories.map(({ name }) => name);
  const records = new Map<string, TrainedCell>();
  for (const cell of cells) {
    const record = await store.trained(cell);
    if (record) records.set(cell.id, record);
  }
  const tables = plan.tables.map((table) =>
    fillTable(table, { categories: names, seeds: config.seeds }, qualities, records),
  );
  const found: BenchmarkResults = {
    name: config.name,
    paper: PAPER,
    config,
    categories: names,
    seeds: config.seeds,
    teachers: [
      ...new Set(cells.flatMap(({ facts }) => (facts.teacher ? [JSON.stringify(facts.teacher)] : []))),
    ].map((text) => JSON.parse(text) as { name: string; sha256: string }),
    backend,
    versions,
    cells: { all: cells.length, trained },
    failures: [...failures, ...figures.failures],
    tables,
    figures: figures.drawn,
  };
  await writeFileAtomically(
    path.join(results, 'single-values.csv'),
    singleValuesAsCsv(plan.tables, qualities),
  );
  await writeResults(results, found);
  if (qualities.size === 0 && failures.length > 0) {
    throw new DskdError('worker-failed', `No student could be trained: ${failures[0]!.reason}`, {
      details: { failures },
    });
  }
  return found;
}

async function writeResults(folder: string, found: BenchmarkResults): Promise<void> {
  await writeFileAtomically(path.join(folder, 'results.json'), `${JSON.stringify(found, null, 2)}\n`);
  await writeFileAtomically(path.join(folder, 'tables.csv'), tablesAsCsv(found.tables));
  const { name, teachers, categories, seeds, config } = found;
  const { size, preset, epochs, batchSize } = config.settings;
  const students = config.students ? `; ${preset} students, ${epochs} epochs, batches of ${batchSize}` : '';
  const heading = [
    `## ${name}`,
    '',
    `${categories.join(', ')}; seeds ${seeds.join(', ')}; teacher ${teachers.map((each) => each.name).join(', ')}; ` +
      `${typeof size === 'number' ? size : size.join('x')} px${students}. ` +
      `Mean over the seeds ± half-width of its 95 % interval (Student's t). Published: ${PAPER}.`,
    '',
  ];
  const failures = found.failures.map(({ what, code, reason }) => `- failed: ${what}: ${code}: ${reason}`);
  const figures = found.figures.flatMap((figure) => [figureAsMarkdown(figure), '']);
  const text = [...heading, ...found.tables.map(tableAsMarkdown), ...figures, ...failures].join('\n');
  await writeFileAtomically(path.join(folder, 'tables.md'), `${text.trimEnd()}\n`);
}
