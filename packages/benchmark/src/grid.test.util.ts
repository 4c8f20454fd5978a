import { parseConfig, type BenchmarkInput } from './config.js';
import type { CategoryFacts, TeacherFile } from './cell.js';
import type { Execute, Job, Quality } from './job.js';
import { CellStore } from './node/cell-store.js';
import { planGrid, type Plan, type PlanFacts } from './plan.js';

export const TEACHER: TeacherFile = {
  name: 'squeezenet1_1',
  file: '/nowhere/teacher',
  sha256: 'f'.repeat(64),
};

export function category(name: string): CategoryFacts {
  return { name, root: `/nowhere/${name}`, fingerprint: `of ${name}`, images: { train: 60, test: 30 } };
}

export function facts(names: readonly string[]): PlanFacts {
  return {
    categories: names.map(category),
    teacher: () => TEACHER,
    backend: 'wasm',
    versions: { '@dskd/detector': '0.1.0' },
  };
}

export function planOf(given: Partial<BenchmarkInput>, names: readonly string[] = ['tray', 'box']): Plan {
  const config = parseConfig({ data: 'somewhere', seeds: [1, 2], tables: ['table4', 'table5'], ...given });
  return planGrid(config, facts(names));
}

const limits = (value: number): { limit: number; value: number; lower: number; upper: number }[] =>
  [0.01, 0.05].map((limit) => ({ limit, value: value + limit, lower: value + limit, upper: value + limit }));

export function quality(structural: number, logical: number): Quality {
  return {
    imageAuroc: (structural + logical) / 2,
    imageAurocByDefect: { structural_anomalies: structural, logical_anomalies: logical },
    pixelAuroc: 0.5,
    auPro: null,
    auSpro: { structural_anomalies: limits(structural), logical_anomalies: limits(logical) },
  };
}

/** Fake execution of jobs: writes records of students and results to the store without training. */
export function fakeExecute(
  store: CellStore,
  jobs: Job[],
  fails: (job: Job) => boolean = () => false,
): Execute {
  const work = async (job: Job): Promise<unknown> => {
    jobs.push(job);
    await Promise.resolve();
    if (fails(job)) throw new Error('no memory left');
    if (job.kind === 'train') {
      return store.finishTraining(job.cell, { finalLoss: 0.1, steps: 60, seconds: 30, bytes: 1000 });
    }
    if (job.kind === 'panels') return undefined;
    if (job.kind === 'estimate') return { seconds: 30, scoringSeconds: 3, bytes: 2 ** 30 };
    const found = quality(0.8, 0.6);
    for (const combination of job.combinations) await store.finishEvaluation(combination, found);
    return job.combinations.map(() => found);
  };
  return work as Execute;
}
