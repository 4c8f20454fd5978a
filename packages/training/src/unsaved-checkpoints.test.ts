import '@tensorflow/tfjs';
import { DskdError, type DskdEvent } from '@dskd/base';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { errorOf, tinyImages, tinyTask, tinyTeacher } from './tiny-world.test.util.js';
import { trainStudents, type TrainingResult, type TrainStudentsOptions } from './train-students.js';
import type { TrainingState } from './training-state.js';

beforeAll(() => useBackend('cpu'));

async function run(
  overrides: Pick<TrainStudentsOptions, 'checkpoint' | 'onEvent' | 'signal'>,
): Promise<TrainingResult> {
  const teacher = tinyTeacher();
  const task = tinyTask('local', 1);
  try {
    const images = tinyImages(8);
    return await trainStudents({
      teacher,
      students: [task],
      images,
      epochs: 4,
      batchSize: 4,
      seed: 7,
      ...overrides,
    });
  } finally {
    teacher.dispose();
    task.student.dispose();
  }
}

const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });

test('a checkpoint that cannot be saved is warned of; the training goes on, and later ones are saved', async () => {
  const saved: number[] = [];
  const events: DskdEvent[] = [];
  const save = ({ step }: TrainingState): Promise<void> => {
    if (step === 2) return Promise.reject(full);
    if (step === 4) return Promise.reject(new DskdError('file-not-writable', 'Cannot write run.checkpoint.'));
    saved.push(step);
    return Promise.resolve();
  };
  const result = await expectNoNewTensors(() =>
    run({ checkpoint: { everyEpochs: 1, save }, onEvent: (event) => events.push(event) }),
  );
  expect(saved).toEqual([6, 8]);
  const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  expect(warnings.filter((message) => message.startsWith('The checkpoint could not be saved'))).toEqual([
    'The checkpoint could not be saved, the training goes on: ENOSPC: no space left on device, write',
    'The checkpoint could not be saved, the training goes on: Cannot write run.checkpoint.',
  ]);
  const told = events.flatMap((event) => (event.type === 'checkpoint-saved' ? [event.step] : []));
  expect(told).toEqual([6, 8]);
  expect(result.states).toEqual((await run({})).states);
});

test('an aborted run whose checkpoint cannot be saved is aborted, after a warning', async () => {
  const stop = new AbortController();
  const events: DskdEvent[] = [];
  const onEvent = (event: DskdEvent): void => {
    events.push(event);
    if (event.type === 'epoch-end') stop.abort();
  };
  const save = (): Promise<void> => Promise.reject(full);
  const error = await errorOf(run({ checkpoint: { save }, onEvent, signal: stop.signal }));
  expect(error).toMatchObject({ code: 'aborted' });
  expect(events.at(-1)).toMatchObject({ type: 'warning' });
});

test('a state that is not worth saving ends the run', async () => {
  const save = (): Promise<void> => Promise.reject(new DskdError('weights-not-finite', 'NaN'));
  const error = await errorOf(run({ checkpoint: { everyEpochs: 1, save } }));
  expect(error).toMatchObject({ code: 'weights-not-finite' });
});
