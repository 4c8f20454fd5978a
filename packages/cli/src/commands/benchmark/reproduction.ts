import path from 'node:path';
import { parseConfig, type BenchmarkConfig, type BenchmarkInput } from '@dskd/benchmark';
import { DskdError } from '@dskd/base';
import { paperRecipe } from '@dskd/detector';
import { TEACHER_TINY } from '../../options/shared.js';
import type { ReproduceOptions } from '../reproduce.js';
import { runGrid } from './grid.js';

function seedsOf(given: readonly string[]): number[] {
  const seeds = given.map(Number);
  if (seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0)) return seeds;
  throw new DskdError(
    'invalid-argument',
    `--seeds: got ${given.join(' ')}, wanted whole numbers, 0 or more.`,
  );
}

function teacherOf({
  teacher,
  weights,
}: ReproduceOptions): NonNullable<BenchmarkInput['settings']>['teacher'] {
  if (weights !== undefined) return { name: teacher, weights: path.resolve(weights) };
  if (teacher === TEACHER_TINY) return 'default';
  throw new DskdError(
    'invalid-argument',
    `--teacher ${teacher} needs its weights: --weights FILE is missing.`,
    {
      hint:
        "The paper's teacher is torchvision's first Wide-ResNet-50-2 (wide_resnet50_2-95faca4d.pth); " +
        `--teacher ${TEACHER_TINY} needs no file, and gives other numbers.`,
    },
  );
}

/** The grid of one table: the paper's settings where no option is given. */
export function reproduction(table: string, options: ReproduceOptions): BenchmarkConfig {
  const { categories, subsets, preset, size, augment, learningRate } = options;
  const { options: recipe, input } = paperRecipe().training;
  const { local, global } = recipe.branches;
  const config: Omit<BenchmarkInput, 'tables'> = {
    name: `${table}, ${preset} students`,
    data: path.resolve(options.data),
    ...(categories && { categories: [...categories] }),
    ...(subsets !== undefined && { subsets: path.resolve(subsets) }),
    seeds: seedsOf(options.seeds),
    settings: {
      size: size ? [...size] : [input.size[0], input.size[1]],
      fit: input.fit,
      augment,
      teacher: teacherOf(options),
      preset,
      // The paper's g belongs to the paper's students.
      ...(preset === 'paper' && { gccbChannels: recipe.gccb?.channels }),
      epochs: options.epochs ?? recipe.epochs,
      batchSize: options.batchSize ?? recipe.batchSize,
      ...(learningRate === 'paper' && {
        localLearningRate: local!.optimizer.learningRate,
        globalLearningRate: global!.optimizer.learningRate,
      }),
    },
  };
  return parseConfig({ ...config, tables: [table] }, () => `dskd reproduce ${table}`);
}

export async function runReproduction(
  name: string,
  options: ReproduceOptions,
  signal: AbortSignal,
): Promise<void> {
  const config = reproduction(name, options);
  const results = options.results ?? `${name}-results`;
  await runGrid(config, results, options, signal);
}
