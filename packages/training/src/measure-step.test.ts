import '@tensorflow/tfjs';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type { BatchLevel, FeatureBatch } from './feature-batch.js';
import { inProcessRunner } from './in-process-runner.js';
import { measureStep } from './measure-step.js';
import type { StudentRunner } from './student-runner.js';
import { tinyTask } from './tiny-world.test.util.js';

const LEVELS: BatchLevel[] = [
  { name: 'shallow', shape: [4, 4, 4] },
  { name: 'deep', shape: [2, 2, 6] },
];

beforeAll(() => useBackend('cpu'));

/** Takes `milliseconds` for a step and notes what it was given. */
function sleeper(name: string, threaded: boolean, milliseconds: number): StudentRunner & { seen: number[] } {
  const seen: number[] = [];
  const refuse = (): never => {
    throw new Error('Only steps are measured.');
  };
  return {
    name,
    threaded,
    seen,
    async step(features: FeatureBatch) {
      seen.push(features.size);
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      return 0;
    },
    observeBatchNorm: refuse,
    capture: refuse,
    restore: refuse,
    dispose: refuse,
  };
}

test('takes a real step of a real student', async () => {
  const task = tinyTask('local', 1);
  const weight = task.student.parameters.get('level0.conv1.weight')!;
  const before = await weight.array();
  const runner = inProcessRunner(task);
  const seconds = await expectNoNewTensors(() => measureStep([runner], LEVELS, 3));
  expect([...seconds.keys()]).toEqual(['local']);
  expect(seconds.get('local')).toBeGreaterThan(0);
  expect(await weight.array()).not.toEqual(before);
  await runner.dispose();
  task.student.dispose();
});

test('students in threads step at the same time, others one after another', async () => {
  const wall = async (threaded: boolean): Promise<number> => {
    const runners = [sleeper('a', threaded, 60), sleeper('b', threaded, 60)];
    const start = performance.now();
    const seconds = await measureStep(runners, LEVELS, 5);
    const milliseconds = performance.now() - start;
    expect(runners.map(({ seen }) => seen)).toEqual([[5], [5]]);
    for (const each of seconds.values()) expect(each).toBeGreaterThan(0.055);
    return milliseconds;
  };
  expect(await wall(false)).toBeGreaterThan(115);
  expect(await wall(true)).toBeLessThan(115);
});

test('what a step throws is passed on and leaves no tensors', async () => {
  const failing = { ...sleeper('a', false, 0), step: () => Promise.reject(new Error('no')) };
  await expectNoNewTensors(() => expect(measureStep([failing], LEVELS, 2)).rejects.toThrow('no'));
});
