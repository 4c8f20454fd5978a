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

/** Runners that note what they are given and how many of them step at once. */
function idlers(names: readonly string[], threaded: boolean) {
  const seen: number[] = [];
  let [now, most] = [0, 0];
  const refuse = (): never => {
    throw new Error('Only steps are measured.');
  };
  const runners = names.map(
    (name): StudentRunner => ({
      name,
      threaded,
      async step(features: FeatureBatch) {
        seen.push(features.size);
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 20));
        now--;
        return 0;
      },
      observeBatchNorm: refuse,
      capture: refuse,
      restore: refuse,
      dispose: refuse,
    }),
  );
  return { runners, seen, most: () => most };
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

test.each([
  ['in threads at the same time', true, 2],
  ['in one thread one after another', false, 1],
])('students %s', async (_, threaded, atOnce) => {
  const { runners, seen, most } = idlers(['a', 'b'], threaded);
  const seconds = await measureStep(runners, LEVELS, 5);
  expect([...seconds.keys()].sort()).toEqual(['a', 'b']);
  // Timers may fire a little early.
  for (const each of seconds.values()) expect(each).toBeGreaterThan(0.018);
  expect(seen).toEqual([5, 5]);
  expect(most()).toBe(atOnce);
});

test('what a step throws is passed on and leaves no tensors', async () => {
  const [idler] = idlers(['a'], false).runners;
  const failing: StudentRunner = { ...idler!, step: () => Promise.reject(new Error('no')) };
  await expectNoNewTensors(() => expect(measureStep([failing], LEVELS, 2)).rejects.toThrow('no'));
});
