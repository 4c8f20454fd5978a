import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import {
  benchmarkProcesses,
  parseConfig,
  presentResults,
  runBenchmark,
  type BenchmarkConfig,
  type BenchmarkResults,
  type Execute,
  type GridCost,
  type GridEvent,
  type TeacherFile,
} from '@dskd/benchmark';
import { assertWritable, decodeImage, encodeImage, writeFileAtomically } from '@dskd/data/node';
import { renderBenchmarkReport } from '@dskd/report';
import { teacherTiny } from '@dskd/teacher-tiny';
import { printJson, printLine } from '../../output/print.js';
import { formatDuration } from '../../output/progress.js';
import { shellQuote } from '../../output/shell-quote.js';
import { readConfigFile } from '../../options/config-file.js';
import type { GridOptions } from '../benchmark.js';
import { redisAddress } from '../queue/redis-address.js';

/** Writes the embedded teacher to the results folder, where the worker processes read it. */
async function defaultTeacher(results: string): Promise<TeacherFile> {
  const teacher = teacherTiny();
  const { name, sha256 } = teacher;
  const file = path.resolve(results, 'teachers', `${name}-${sha256}.safetensors`);
  if (!existsSync(file)) await writeFileAtomically(file, await teacher.load());
  return { name, sha256, file };
}

function describeCost({ cells, done, unmeasured, seconds, bytes, processes }: GridCost): string {
  const open = cells - done;
  if (open === 0) return `${cells} trainings, all done`;
  const quick =
    unmeasured === 0
      ? ''
      : `; ${unmeasured} of them without steps, which take seconds to minutes each beside`;
  return (
    `${cells} trainings, ${done} done, ${open} to do: about ${formatDuration(seconds)} in ${processes} ` +
    `process${processes === 1 ? '' : 'es'}, ${(bytes / 2 ** 30).toFixed(1)} GiB (from one measured step of each kind)${quick}`
  );
}

/** Prints a line per finished training, with an estimate of the time left from those before. */
function eventRenderer(): (event: GridEvent) => void {
  const started = performance.now();
  let before = 0;
  return (event) => {
    if (event.type === 'category-read')
      process.stderr.write(`read all images of ${event.category} (${event.done} of ${event.categories})\n`);
    if (event.type === 'grid-start') before = event.done;
    if (event.type === 'cell-end') {
      const { done, cells, description } = event;
      const seconds = (performance.now() - started) / 1000;
      const left = (seconds / (done - before)) * (cells - done);
      const rest = done < cells ? `, about ${formatDuration(left)} left` : '';
      process.stderr.write(`${done} of ${cells}: ${description}${rest}\n`);
    }
    if (event.type === 'cell-failed') process.stderr.write(`failed: ${event.description}: ${event.reason}\n`);
  };
}

/** The tables and figures as an HTML page. */
async function reportOf(found: BenchmarkResults, results: string): Promise<string> {
  const { name, paper, categories, seeds, teachers, backend, versions } = found;
  const { tables, figures } = presentResults(found);
  return renderBenchmarkReport({
    title: name,
    tables,
    figures: await Promise.all(
      figures.map(async ({ file, title, caption }) => {
        const image = await decodeImage(path.join(results, file));
        const { width, height } = image;
        // WebP is about a quarter of the PNG, which keeps a page of many categories small.
        const encoded = await encodeImage(image, { format: 'webp' });
        return { title, caption, encoded, width, height };
      }),
    ),
    facts: [
      { label: 'Command', value: shellQuote(['dskd', ...process.argv.slice(2)]) },
      { label: 'Published numbers', value: paper },
      { label: 'Categories', value: categories.join(', ') },
      {
        label: 'Seeds',
        value: `${seeds.join(', ')}: means over them, ± half of the 95 % interval (Student's t)`,
      },
      ...teachers.map((teacher) => ({
        label: 'Teacher',
        value: `${teacher.name}, sha256 ${teacher.sha256}`,
      })),
      {
        label: 'Versions',
        value: [`backend ${backend}`, ...Object.entries(versions).map((each) => each.join(' '))].join('\n'),
      },
    ],
  });
}

/** Module of a process that runs one job of a benchmark. */
export const WORKER = new URL('./worker.js', import.meta.url);

/** What runs the jobs of a grid. */
interface Execution {
  readonly execute: Execute;
  /** How many run at a time. */
  readonly processes: number;
  readonly close?: () => Promise<void>;
}

async function executionOf(
  config: BenchmarkConfig,
  { on, processes: given, backend }: GridOptions,
  signal: AbortSignal,
): Promise<Execution> {
  if (on === undefined) {
    const processes = given ?? config.processes ?? os.availableParallelism();
    return { execute: benchmarkProcesses({ worker: WORKER, backend, processes, signal }), processes };
  }
  if (given !== undefined) {
    throw new DskdError(
      'invalid-argument',
      `Got --processes ${given} with --on: each worker trains one at a time.`,
      {
        hint: 'Leave --processes out, and start as many workers as wanted: dskd queue work --benchmark --on URL.',
      },
    );
  }
  const { cellQueue } = await import('@dskd/queue');
  const { execute, workers, close } = await cellQueue(redisAddress(on), signal);
  if (workers === 0)
    process.stderr.write('no worker is there yet: dskd queue work --benchmark --on URL starts one\n');
  return { execute, processes: Math.max(1, workers), close };
}

/** Runs a grid and prints its tables. A dry run leaves nothing where there was no folder of results. */
export async function runGrid(
  config: BenchmarkConfig,
  folder: string,
  options: GridOptions,
  signal: AbortSignal,
): Promise<void> {
  // Workers of a queue share the folder itself with this process.
  if (!options.dryRun || options.on !== undefined || existsSync(folder)) {
    return runGridIn(folder, config, options, signal);
  }
  const temporary = await mkdtemp(path.join(os.tmpdir(), 'dskd-dry-run-'));
  try {
    await runGridIn(temporary, config, options, signal);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function runGridIn(
  folder: string,
  config: BenchmarkConfig,
  options: GridOptions,
  signal: AbortSignal,
): Promise<void> {
  const { json, backend, dryRun, report } = options;
  // Workers of a queue have other working folders.
  const results = options.on === undefined ? folder : path.resolve(folder);
  if (report !== undefined) await assertWritable(report);
  const { execute, processes, close } = await executionOf(config, options, signal);
  if (!json) process.stderr.write('reading the images and measuring a step of each kind\n');
  const run = runBenchmark({
    config,
    results,
    defaultTeacher: () => defaultTeacher(results),
    execute,
    backend,
    processes,
    dryRun,
    onCost: (cost) => {
      if (json) printJson({ type: 'grid-cost', ...cost });
      else printLine(describeCost(cost));
    },
    onEvent: json ? printJson : eventRenderer(),
    signal,
  });
  // Waits for its end, whatever it is.
  await Promise.allSettled([run]);
  await close?.();
  const found = await run;
  if (!found) return;
  if (report !== undefined) await writeFileAtomically(report, await reportOf(found, results));
  if (json) {
    printJson({ type: 'benchmark-results', ...found });
    return;
  }
  for (const { markdown } of presentResults(found).tables) printLine(markdown);
  for (const { what, code, reason } of found.failures) printLine(`failed: ${what}: ${code}: ${reason}`);
  printLine(`wrote ${path.join(results, 'tables.md')}, tables.csv, single-values.csv and results.json`);
}

interface PathsIn {
  readonly data?: unknown;
  readonly subsets?: unknown;
  readonly results?: unknown;
  readonly settings?: unknown;
  readonly vary?: unknown;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The values of a config with its paths made relative to its folder. */
function withPaths(values: PathsIn, folder: string): Record<string, unknown> {
  const resolved = (value: unknown): unknown =>
    typeof value === 'string' && value !== '' ? path.resolve(folder, value) : value;
  const teacher = (value: unknown): unknown =>
    isObject(value) && 'weights' in value ? { ...value, weights: resolved(value.weights) } : value;
  const result: Record<string, unknown> = { ...values };
  for (const key of ['data', 'subsets', 'results']) if (key in result) result[key] = resolved(result[key]);
  const { settings, vary } = values;
  if (isObject(settings) && 'teacher' in settings) {
    result.settings = { ...settings, teacher: teacher(settings.teacher) };
  }
  if (isObject(vary) && Array.isArray(vary.teacher)) {
    result.vary = { ...vary, teacher: vary.teacher.map(teacher) };
  }
  return result;
}

/** The folder of the results: as given, or next to the config with a name derived from it. */
function resultsOf(file: string, given: string | undefined): string {
  const { dir, name } = path.parse(file);
  return given ?? path.join(dir, `${name}-results`);
}

const EXAMPLE = 'See bench/synthetic-grid.yaml in the repository for an example.';

export async function runBenchmarkFile(
  file: string,
  options: GridOptions,
  signal: AbortSignal,
): Promise<void> {
  const read = await readConfigFile(file, EXAMPLE);
  const config = parseConfig(withPaths(read.values, path.dirname(path.resolve(file))), (keys) =>
    read.placeIn(keys),
  );
  await runGrid(config, resultsOf(file, options.results ?? config.results), options, signal);
}
