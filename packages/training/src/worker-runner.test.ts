import * as tf from '@tensorflow/tfjs';
import { isDskdError } from '@dskd/base';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { inProcessRunner } from './in-process-runner.js';
import type { StudentRunner } from './student-runner.js';
import { errorOf, tinyPictures, tinyTask, tinyTeacher } from './tiny-world.test.util.js';
import { trainStudents, type TrainingResult, type TrainStudentsOptions } from './train-students.js';
import type { TrainingState } from './training-state.js';
import { workerRunner } from './worker-runner.js';
import type { TinySetUp } from './worker-set-up.test.util.js';

const MODULE = new URL('./worker-set-up.test.util.js', import.meta.url);

function worker(name: string, options: Partial<TinySetUp> = {}): Promise<StudentRunner> {
  const setUp: TinySetUp = { backend: 'wasm', seed: 1, learningRate: 0.01, ...options };
  return workerRunner({ name, setUpModule: MODULE, options: setUp });
}

function inProcess(name: string, seed: number, learningRate: number): Promise<StudentRunner> {
  return Promise.resolve(inProcessRunner(tinyTask(name, seed, learningRate)));
}

async function run(
  students: Promise<StudentRunner>[],
  overrides: Partial<TrainStudentsOptions> = {},
): Promise<TrainingResult> {
  const teacher = tinyTeacher();
  const runners = await Promise.all(students);
  try {
    return await trainStudents({
      teacher,
      students: runners,
      pictures: tinyPictures(13),
      epochs: 3,
      batchSize: 4,
      seed: 7,
      reestimateBatchNorm: true,
      ...overrides,
    });
  } finally {
    teacher.dispose();
    await Promise.all(runners.map((runner) => runner.dispose()));
  }
}

const two = (backend: string): Promise<StudentRunner>[] => [
  worker('local', { backend, seed: 1, learningRate: 0.01 }),
  worker('global', { backend, seed: 2, learningRate: 0.02 }),
];

describe.each(['wasm', 'cpu'] as const)('Students in workers [%s]', (backend) => {
  beforeAll(() => useBackend(backend));

  test('train to the same bits as in one thread, with and without a cache, and resume to them', async () => {
    const alone = await run([inProcess('local', 1, 0.01), inProcess('global', 2, 0.02)]);
    const saved: TrainingState[] = [];
    const together = await expectNoNewTensors(() =>
      run(two(backend), {
        checkpoint: {
          everySteps: 5,
          save: (state) => {
            saved.push(state);
            return Promise.resolve();
          },
        },
      }),
    );
    expect(together).toEqual(alone);
    // The cpu backend is only asked once: what follows does not depend on the backend.
    if (backend === 'cpu') return;
    expect(await run(two(backend), { featureCache: { maxBytes: 0 } })).toEqual(alone);
    const mixed = [worker('local', { backend }), inProcess('global', 2, 0.02)];
    expect(await run(mixed)).toEqual(alone);
    // Step 5 lies within an epoch; a state of one kind of runner resumes the other.
    expect(saved.map(({ step }) => step)).toEqual([5, 9]);
    expect(await run(two(backend), { resumeFrom: saved[0]! })).toEqual(alone);
  });
});

describe('A worker that goes wrong', () => {
  beforeAll(() => useBackend('wasm'));

  test('passes an instability on, with student and level', async () => {
    const before = tf.memory().numTensors;
    const error = await errorOf(run([worker('local'), worker('global', { failFromStep: 4 })]));
    expect(isDskdError(error, 'numerical-instability')).toBe(true);
    expect(error).toMatchObject({ details: { student: 'global', step: 4, epoch: 1 } });
    expect(tf.memory().numTensors).toBe(before);
  });

  test('because its thread ends is named', async () => {
    const error = await errorOf(run([worker('local'), worker('global', { exitAtStep: 2 })]));
    expect(error).toMatchObject({ code: 'worker-failed', details: { student: 'global' } });
  });

  test('because its set-up fails says why', async () => {
    expect(await errorOf(worker('local', { backend: 'none' }))).toMatchObject({
      code: 'worker-failed',
      message: expect.stringContaining('no such backend') as string,
    });
    const none = workerRunner({ name: 'x', setUpModule: new URL('./schedule.js', import.meta.url) });
    expect(await errorOf(none)).toMatchObject({
      code: 'worker-failed',
      message: expect.stringContaining('setUpStudent') as string,
    });
  });

  test('because it was disposed says so', async () => {
    const runner = await worker('local');
    await runner.dispose();
    expect(await errorOf(runner.capture())).toMatchObject({ code: 'disposed' });
  });
});
