import '@tensorflow/tfjs';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type { StudentRunner } from '@dskd/training';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import type { BranchPlan } from './branches.js';
import { estimateTraining } from './estimate-training.js';
import { workerRunnerFor } from './node.js';
import { planBranches } from './plan-branches.js';
import type { Teacher } from './teacher.js';
import { tinyOptions, tinyTeacher } from './tiny-world.test.util.js';
import { estimateTrainingMemory } from './training-memory.js';

let teacher: Teacher;

beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
  teacher = tinyTeacher();
});
afterAll(() => teacher.dispose());

/** Notes what it is to train; its steps take no time, or `milliseconds` an image. */
function notingRunner(milliseconds = 0, onStep = (): void => undefined) {
  const plans: BranchPlan[] = [];
  const batches: number[] = [];
  let disposed = 0;
  const refuse = (): never => {
    throw new Error('Only steps are measured.');
  };
  const runner = (plan: BranchPlan): StudentRunner => {
    plans.push(plan);
    return {
      name: plan.name,
      threaded: true,
      async step({ size }) {
        batches.push(size);
        onStep();
        await new Promise((resolve) => setTimeout(resolve, milliseconds * size));
        return 0;
      },
      observeBatchNorm: refuse,
      capture: refuse,
      restore: refuse,
      dispose: () => {
        disposed++;
        return Promise.resolve();
      },
    };
  };
  return { runner, plans, batches, disposed: () => disposed };
}

test('a training that fits: real steps of the real students, and no tensors left', async () => {
  const options = tinyOptions(teacher);
  const cost = await expectNoNewTensors(() => estimateTraining(options, { stepBudget: 60 }));
  // Six images in batches of four, two epochs.
  expect(cost.steps).toBe(4);
  expect(cost.memory).toEqual(estimateTrainingMemory(options, 6));
  expect(cost.bytes).toBe(cost.memory.total);
  expect(cost).toMatchObject({ scaled: false, measured: { images: 4 } });
  expect('alternative' in cost).toBe(false);
  const { students, teacherSeconds } = cost.measured;
  expect(Object.keys(students)).toEqual(['local', 'global']);
  for (const { seconds, scaledBy } of Object.values(students)) {
    expect(seconds).toBeGreaterThan(0);
    expect(scaledBy).toBe(1);
  }
  // One thread: the students' steps add up. The teacher sees each image once, its features are kept.
  const both = students.local!.seconds + students.global!.seconds;
  expect(cost.seconds).toBeCloseTo(4 * both + (6 / 4) * teacherSeconds, 10);
  expect(cost.secondsPerStep).toBeCloseTo(cost.seconds / 4, 10);
});

test('through workers the slowest student counts, and the teacher for every epoch that it must see', async () => {
  const { runner, plans, batches, disposed } = notingRunner();
  const kept = await estimateTraining({ ...tinyOptions(teacher), runner, epochs: 5 });
  expect(plans).toEqual(planBranches(tinyOptions(teacher)));
  expect(batches).toEqual([2, 2, 2, 2, 4, 4]);
  expect(disposed()).toBe(2);
  const passes = (cost: typeof kept): number => {
    const slowest = Math.max(...Object.values(cost.measured.students).map(({ seconds }) => seconds));
    return ((cost.seconds - cost.steps * slowest) / cost.measured.teacherSeconds) * 4;
  };
  expect(passes(kept)).toBeCloseTo(6, 6);
  const uncached = { ...tinyOptions(teacher), runner, epochs: 5, featureCacheBytes: 0 };
  expect(passes(await estimateTraining(uncached))).toBeCloseTo(30, 6);
  const varied = { ...tinyOptions(teacher), runner, epochs: 5, augmentation: { rotation: { degrees: 3 } } };
  expect(passes(await estimateTraining(varied))).toBeCloseTo(30, 6);
});

test('a real worker is measured and ended', async () => {
  const cost = await estimateTraining({ ...tinyOptions(teacher), runner: workerRunnerFor() });
  expect(cost.measured.students.local!.seconds).toBeGreaterThan(0);
});

test('a step that would take too long is extrapolated from fewer images', async () => {
  const { runner, batches } = notingRunner(10);
  const options = { ...tinyOptions(teacher), runner, batchSize: 6 };
  const cost = await estimateTraining(options, { stepBudget: 0.03 });
  expect(batches).toEqual([2, 2, 2, 2, 4, 4]);
  expect(cost).toMatchObject({ scaled: true, measured: { images: 4 } });
  for (const { seconds } of Object.values(cost.measured.students)) expect(seconds).toBeGreaterThan(0.038);
});

test('a student too large to be measured is measured narrower and scaled by multiply-adds', async () => {
  const { runner, plans } = notingRunner();
  const paper = { ...tinyOptions(teacher), runner, preset: 'paper' as const, architecture: undefined };
  const cost = await expectNoNewTensors(() => estimateTraining(paper, { measurableBytes: 64 * 2 ** 20 }));
  expect(cost.scaled).toBe(true);
  const whole = planBranches(paper);
  for (const [index, plan] of plans.entries()) {
    expect(plan.student.levels).toEqual(whole[index]!.student.levels);
    expect(plan.student.architecture!.phiChannels).toBeLessThanOrEqual(512);
    const { scaledBy, seconds } = cost.measured.students[plan.name]!;
    expect(scaledBy).toBeGreaterThan(2);
    expect(seconds).toBeGreaterThan(0);
  }
});

test('where it cannot fit it says what would, and still measures', async () => {
  const options = { ...tinyOptions(teacher), runner: notingRunner().runner };
  const { total } = estimateTrainingMemory(options, 6);
  expect(await estimateTraining(options, { availableBytes: total })).not.toHaveProperty('alternative');
  const cost = await estimateTraining(options, { availableBytes: total - 1 });
  expect(cost.alternative).toContain('--batch-size 2');
  expect(cost.seconds).toBeGreaterThan(0);
});

test('an aborted estimate ends, and ends its runners', async () => {
  const controller = new AbortController();
  const { runner, batches, disposed } = notingRunner(0, () => controller.abort());
  const options = { ...tinyOptions(teacher), runner, signal: controller.signal };
  await expect(estimateTraining(options)).rejects.toMatchObject({ code: 'aborted' });
  expect(batches).toEqual([2, 2]);
  expect(disposed()).toBe(2);
});
