import path from 'node:path';
import { CONFIG_EXAMPLE, parseConfig } from '@dskd/benchmark';
import { readConfigFile } from '../../options/config-file.js';
import type { GridOptions } from '../benchmark.js';
import { runGrid } from './run-grid.js';

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

/** The folder of the results: as given, or beside the config and named after it. */
function resultsOf(file: string, given: string | undefined): string {
  const { dir, name } = path.parse(file);
  return given ?? path.join(dir, `${name}-results`);
}

export async function runBenchmarkFile(
  file: string,
  options: GridOptions,
  signal: AbortSignal,
): Promise<void> {
  const read = await readConfigFile(file, CONFIG_EXAMPLE);
  const config = parseConfig(withPaths(read.values, path.dirname(path.resolve(file))), (keys) =>
    read.placeIn(keys),
  );
  await runGrid(config, resultsOf(file, options.results ?? config.results), options, signal);
}
