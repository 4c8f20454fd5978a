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

/** Settings of a profile. */
interface Profile {
  readonly preset: 'nano' | 'paper';
  readonly size: readonly [number, number];
  readonly epochs: number | undefined;
  readonly batchSize: number;
  readonly reestimateBatchNorm: boolean;
  readonly augment: 'none' | 'gcad';
  readonly learningRate: 'paper' | 'dskd';
  readonly teacher: string;
}

/** What two cores can do: the students of `dskd train --method dskd`, and so many epochs that 100 images make 390 steps. */
const LITE: Profile = {
  preset: 'nano',
  size: [128, 128],
  epochs: 30,
  batchSize: 8,
  reestimateBatchNorm: true,
  augment: 'none',
  learningRate: 'dskd',
  teacher: TEACHER_TINY,
};

function paperProfile(): Profile {
  const { options: recipe, input } = paperRecipe().training;
  const { epochs, batchSize } = recipe;
  const [height, width] = input.size;
  return {
    preset: 'paper',
    size: [height, width],
    epochs,
    batchSize,
    reestimateBatchNorm: false,
    augment: 'gcad',
    learningRate: 'paper',
    teacher: 'wide_resnet50_2',
  };
}

function teacherOf(
  teacher: string,
  weights: string | undefined,
): NonNullable<BenchmarkInput['settings']>['teacher'] {
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

/** The grid of one table: the settings of the profile where no option is given. */
export function reproduction(table: string, options: ReproduceOptions): BenchmarkConfig {
  const { categories, subsets, methods } = options;
  const profile = options.profile === 'lite' ? LITE : paperProfile();
  const preset = options.preset ?? profile.preset;
  const learningRate = options.learningRate ?? profile.learningRate;
  const { options: recipe, input } = paperRecipe().training;
  const { local, global } = recipe.branches;
  const config: Omit<BenchmarkInput, 'tables'> = {
    name: `${table}, ${preset} students`,
    data: path.resolve(options.data),
    ...(categories && { categories: [...categories] }),
    ...(subsets !== undefined && { subsets: path.resolve(subsets) }),
    seeds: seedsOf(options.seeds),
    ...(methods && { methods: methods.includes('all') ? 'all' : [...methods] }),
    profile: options.profile,
    settings: {
      size: [...(options.size ?? profile.size)],
      fit: input.fit,
      augment: options.augment ?? profile.augment,
      teacher: teacherOf(options.teacher ?? profile.teacher, options.weights),
      preset,
      // The paper's g belongs to the paper's students.
      ...(preset === 'paper' && { gccbChannels: recipe.gccb?.channels }),
      epochs: options.epochs ?? profile.epochs,
      batchSize: options.batchSize ?? profile.batchSize,
      reestimateBatchNorm: profile.reestimateBatchNorm,
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
