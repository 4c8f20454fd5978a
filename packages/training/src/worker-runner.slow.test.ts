import '@tensorflow/tfjs';
import { isDskdError } from '@dskd/base';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { inProcessRunner } from './in-process-runner.js';
import type { StudentRunner } from './student-runner.js';
import { errorOf, tinyImages, tinyTask, tinyTeacher } from './tiny-world.test.util.js';
import { trainStudents, type TrainingResult, type TrainStudentsOptions } from './train-students.js';
import type { TrainingState } from './training-state.js';
import { workerRunner } from './worker-runner.js';
import type { TinySetUp } from './worker-set-up.test.util.js';

const MODULE = new URL('./worker-set-up.test.util.js', import.meta.url);

function worker(name: string, options: Partial<TinySetUp> = {}): Promise<StudentRunner> {
  const setUp: TinySetUp = { backend: 'wasm', seed: 1, learningRate: 0.01, ...options };
  return workerRunner({ name, setUpModule: MODULE, options: setUp });
}

/** Trains with the given runners and does not dispose them. */
async function train(
  runners: readonly StudentRunner[],
  overrides: Partial<TrainStudentsOptions> = {},
): Promise<TrainingResult> {
  const teacher = tinyTeacher();
  try {
    return await trainStudents({
      teacher,
      students: runners,
      images: tinyImages(13),
      epochs: 3,
      batchSize: 4,
      seed: 7,
      reestimateBatchNorm: true,
      ...overrides,
    });
  } finally {
    teacher.dispose();
  }
}

function disposeAll(runners: readonly StudentRunner[]): Promise<unknown> {
  return Promise.all(runners.map((runner) => runner.dispose()));
}

describe.each(['wasm', 'cpu'] as const)('Students in workers [%s]', (backend) => {
  beforeAll(() => useBackend(backend));

  test('train to the same bits as in one thread, also after a resume', async () => {
    const tasks = [tinyTask('local', 1, 0.01), tinyTask('global', 2, 0.02)];
    const ownRunners = tasks.map((task) => inProcessRunner(task));
    const heldOut = { images: tinyImages(5), patience: 100 };
    const alone = await train(ownRunners, { heldOut });
    await disposeAll(ownRunners);

    const workers = await Promise.all([
      worker('local', { backend, seed: 1, learningRate: 0.01 }),
      worker('global', { backend, seed: 2, learningRate: 0.02 }),
    ]);
    const saved: TrainingState[] = [];
    const save = (state: TrainingState): Promise<void> => {
      saved.push(state);
      return Promise.resolve();
    };
    const together = await expectNoNewTensors(() =>
      train(workers, { heldOut, checkpoint: { everySteps: 5, save } }),
    );
    expect(together).toEqual(alone);

    // Step 5 is within an epoch. Resumed without a cache, from a state older than that of the workers.
    expect(saved.map(({ step }) => step)).toEqual([5, 9]);
    const again = await train(workers, { heldOut, resumeFrom: saved[0]!, featureCache: { maxBytes: 0 } });
    expect(again).toEqual(alone);

    // One student in a worker and one in this thread, whose moments come from the state.
    const mixed = [workers[0], inProcessRunner(tasks[1]!)];
    expect(await train(mixed, { heldOut, resumeFrom: saved[0]! })).toEqual(alone);
    await disposeAll([...workers, ...mixed]);
    expect(await errorOf(workers[0].capture())).toMatchObject({ code: 'disposed' });
    for (const { student } of tasks) student.dispose();
  });
});

describe('A worker that fails', () => {
  beforeAll(() => useBackend('wasm'));

  /** Trains one student in this thread and one in a worker. Returns the error that stopped the run. */
  async function failureBeside(options: Partial<TinySetUp>): Promise<unknown> {
    const task = tinyTask('local', 1);
    const runners = [inProcessRunner(task), await worker('global', options)];
    const error = await errorOf(train(runners));
    await disposeAll(runners);
    task.student.dispose();
    return error;
  }

  test('because of an instability rejects with the error of its student', async () => {
    const error = await expectNoNewTensors(() => failureBeside({ failFromStep: 4 }));
    expect(isDskdError(error, 'numerical-instability')).toBe(true);
    expect(error).toMatchObject({
      details: { student: 'global', step: 4, epoch: 1 },
      hint: expect.stringContaining('learning rate') as string,
      // The stack of the worker.
      cause: expect.stringContaining('worker.js') as string,
    });
  });

  test('because its thread ends rejects with the name of its student', async () => {
    const error = await expectNoNewTensors(() => failureBeside({ exitAtStep: 2 }));
    expect(error).toMatchObject({ code: 'worker-failed', details: { student: 'global' } });
  });

  test('because of an uncaught error rejects the pending call', async () => {
    const uncaught = new URL(
      'data:text/javascript,export function setUpStudent() { setTimeout(() => { throw new Error("lost") }); ' +
        'return new Promise(() => {}); }',
    );
    expect(await errorOf(workerRunner({ name: 'local', setUpModule: uncaught }))).toMatchObject({
      code: 'worker-failed',
      message: expect.stringMatching(/'local' failed: lost/) as string,
      details: { student: 'local' },
    });
  });

  test('because its set-up fails rejects with the reason', async () => {
    const broken = new URL(
      'data:text/javascript,export function setUpStudent() { throw new Error("no GPU"); }',
    );
    expect(await errorOf(workerRunner({ name: 'local', setUpModule: broken }))).toMatchObject({
      code: 'worker-failed',
      message: expect.stringContaining('no GPU') as string,
    });
    const none = workerRunner({ name: 'x', setUpModule: new URL('./schedule.js', import.meta.url) });
    expect(await errorOf(none)).toMatchObject({
      code: 'worker-failed',
      message: expect.stringContaining('setUpStudent') as string,
    });
  });
});
