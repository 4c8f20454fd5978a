import * as tf from '@tensorflow/tfjs';
import { DskdError } from '@dskd/base';
import { createMethod, type RunnerPlan } from '@dskd/methods';
import type { Teacher } from '@dskd/models';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type { StudentRunner } from '@dskd/training';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { grouped, tinyOptions, tinySource, tinyTeacher, type TinyChanges } from '../tiny-world.test.util.js';
import { describedTeacher } from './described-teacher.test.util.js';
import { estimateTraining } from './estimate-training.js';
import { assertTrainingFits } from './train-detector.js';
import { paperRecipe } from './recipes.js';
import { trainDetector } from './train-detector.js';
import { resolveTrainingOptions, type TrainDetectorOptions } from './training-options.js';

let teacher: Teacher;

beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
  teacher = tinyTeacher();
});
afterAll(() => teacher.dispose());

/** Notes what it is to train; its steps take no time, or `milliseconds` an image. */
function notingRunner(milliseconds = 0, onStep = (): void => undefined) {
  const plans: RunnerPlan[] = [];
  const batches: number[] = [];
  let disposed = 0;
  const refuse = (): never => {
    throw new Error('Only steps are measured.');
  };
  const runner = (plan: RunnerPlan): StudentRunner => {
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
      evaluate: refuse,
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

/** A training with the paper's students, of whose teacher nothing may be computed. */
function paper(changes: TinyChanges = {}): TrainDetectorOptions {
  const { teacher, training } = paperRecipe('screw_bag');
  const { method, options, input, calibration } = training;
  const flat = { ...options, ...input, ...calibration } as TinyChanges;
  return grouped({
    source: tinySource(),
    method,
    teacher: describedTeacher(teacher.name),
    ...flat,
    ...changes,
  });
}

test('a training that fits: real steps of the real students, and no tensors left', async () => {
  const options = tinyOptions(teacher);
  const cost = await expectNoNewTensors(() => estimateTraining(options));
  // Six images in batches of four, two epochs.
  expect(cost).toMatchObject({ images: 6, steps: 4, alternatives: [] });
  const { fitting } = await resolveTrainingOptions(options);
  const dskd = await createMethod('dskd');
  const { memory } = dskd.estimate(fitting.plan, fitting.options);
  expect(cost.memory).toEqual(memory);
  expect(cost.bytes).toBe(memory.total);
  expect(cost.secondsPerStep).toBeGreaterThan(0);
  expect(cost.seconds).toBeCloseTo(4 * cost.secondsPerStep!, 10);
});

test('it is the training itself whose steps are run: its students, its batches, and no more of them', async () => {
  const noted = notingRunner();
  const options = tinyOptions(teacher, { runner: noted.runner, epochs: 5 });
  const cost = await estimateTraining(options);
  expect(cost.steps).toBe(10);
  expect(noted.disposed()).toBe(2);

  const stop = new AbortController();
  let steps = 0;
  const trained = notingRunner(0, () => {
    if (++steps === 6) stop.abort();
  });
  const execution = { runner: trained.runner };
  await expect(trainDetector({ ...options, execution, signal: stop.signal })).rejects.toMatchObject({
    code: 'aborted',
  });
  expect(noted.plans.map(({ name }) => name)).toEqual(['local', 'global']);
  expect(noted.plans).toEqual(trained.plans);
  // Three steps of two students.
  expect(noted.batches).toHaveLength(6);
  expect(noted.batches).toEqual(trained.batches);
});

test('the first step does not count, the others are averaged', async () => {
  let step = 0;
  const { runner, batches } = notingRunner(10);
  const slowFirst = (plan: RunnerPlan): StudentRunner => {
    const inner = runner(plan);
    return {
      ...inner,
      async step(...given) {
        if (step++ < 2) await new Promise((resolve) => setTimeout(resolve, 2000));
        return inner.step(...given);
      },
    };
  };
  const cost = await estimateTraining(tinyOptions(teacher, { runner: slowFirst, batchSize: 6, epochs: 5 }), {
    measuredSteps: 3,
  });
  expect(batches).toEqual(Array.from({ length: 2 * 3 }, () => 6));
  expect(cost.steps).toBe(5);
  // Sixty milliseconds an image batch, and the teacher's pass.
  expect(cost.secondsPerStep).toBeGreaterThan(0.055);
  expect(cost.secondsPerStep).toBeLessThan(1.9);
  expect(cost.seconds).toBeCloseTo(5 * cost.secondsPerStep!, 10);
});

test('minutes in place of epochs limit the steps and the time', async () => {
  const { runner } = notingRunner(5);
  const options = tinyOptions(teacher, { runner, epochs: undefined, minutes: 0.1 });
  const cost = await estimateTraining(options);
  expect(cost.timeLimit).toBeCloseTo(6, 10);
  expect(cost.seconds).toBeLessThanOrEqual(6);
  expect(cost.seconds).toBeCloseTo(cost.steps * cost.secondsPerStep!, 10);
});

test.each([0, 1])('with %i measured steps there is no time', async (measuredSteps) => {
  const { runner, batches } = notingRunner();
  const cost = await estimateTraining(tinyOptions(teacher, { runner }), { measuredSteps });
  expect(batches).toHaveLength(2 * measuredSteps);
  expect(cost).toMatchObject({ steps: 4, secondsPerStep: null, seconds: null });
});

test('the images of a step come as they do in the training: varied in every epoch', async () => {
  const augmentation = { rotation: { degrees: 3 } };
  const kept = await estimateTraining(tinyOptions(teacher, { epochs: 5 }));
  const varied = await estimateTraining(tinyOptions(teacher, { epochs: 5, augmentation }));
  expect(varied.seconds).toBeGreaterThan(0);
  expect(varied.bytes).toBeLessThan(kept.bytes);
});

test('where the machine has too little it says what would fit, and still measures', async () => {
  const options = tinyOptions(teacher, { runner: notingRunner().runner });
  const { bytes } = await estimateTraining(options, { measuredSteps: 0 });
  expect((await estimateTraining(options, { availableBytes: bytes })).alternatives).toEqual([]);
  const cost = await estimateTraining(options, { availableBytes: bytes - 1 });
  expect(cost.alternatives).toContainEqual({ kind: 'batch-size', value: 2 });
  expect(cost.seconds).toBeGreaterThan(0);
});

test('what exceeds the limits of the backend is not timed: no student is made, no image looked at', async () => {
  const unread = tinySource();
  const samples = unread.samples.map((sample) => ({
    ...sample,
    load: () => Promise.reject(new Error('It was read.')),
  }));
  const { runner, plans } = notingRunner();
  const cost = await expectNoNewTensors(() =>
    estimateTraining(paper({ source: { ...unread, samples }, runner, batchSize: 256 })),
  );
  expect(plans).toEqual([]);
  expect(cost).toMatchObject({ secondsPerStep: null, seconds: null });
  expect(cost.alternatives).toContainEqual({ kind: 'preset', value: 'lite' });
  expect(cost.steps).toBe(200);
});

test('an aborted estimate ends, and ends its runners', async () => {
  const controller = new AbortController();
  const { runner, batches, disposed } = notingRunner(0, () => controller.abort());
  const options = tinyOptions(teacher, { runner, signal: controller.signal });
  await expectNoNewTensors(() =>
    expect(estimateTraining(options)).rejects.toMatchObject({ code: 'aborted' }),
  );
  expect(batches).toEqual([4, 4]);
  expect(disposed()).toBe(2);
});

describe('a training that cannot fit', () => {
  async function refusal(options: TrainDetectorOptions): Promise<DskdError> {
    const before = tf.memory();
    const error = await trainDetector(options).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(tf.memory()).toMatchObject({ numTensors: before.numTensors, numBytes: before.numBytes });
    expect(error).toBeInstanceOf(DskdError);
    return error as DskdError;
  }

  test('the paper recipe on wasm is refused by name, with what would fit, before anything is allocated', async () => {
    const error = await refusal(paper());
    expect(error.code).toBe('out-of-memory');
    expect(error.message).toContain("the heap 'main' needs");
    expect(error.hint).toContain("options.preset: 'lite'");
    expect(error.hint).toContain('the backend webgpu, which has no limit of 4 GiB');
    expect(error.hint).toContain('input.size: [64, 64]');
    expect(error.hint).not.toContain('--');
    expect(error.details.alternatives).toEqual(
      expect.arrayContaining([
        { kind: 'preset', value: 'lite' },
        { kind: 'input-size', value: [64, 64] },
        { kind: 'backend', value: 'webgpu' },
      ]),
    );
  });

  test('a gallery larger than a file may be is refused, with the options of the method that would fit', async () => {
    const good = tinySource().samples.find(({ split }) => split === 'train')!;
    const samples = Array.from({ length: 500 }, (_, index) => ({ ...good, id: `train/good/${index}.png` }));
    const error = await refusal({
      source: { ...tinySource(), samples },
      teacher: describedTeacher('wide_resnet50_2'),
      method: 'spade',
      options: { levels: [1, 2, 3], storage: 'float32' },
      input: { size: [224, 224] },
    });
    expect(error.code).toBe('out-of-memory');
    expect(error.message).toMatch(
      /^This run does not fit: the file of the features of 450 images needs 2\.\d\d GiB/,
    );
    expect(error.hint).toContain(
      'options: {"storage":"float16"}; or options: {"storage":"float16","levels":[2,3]}',
    );
    expect(error.details.alternatives).toContainEqual({ kind: 'input-size', value: [128, 128] });
  });

  /** With a limit of bytes for one tensor, as a WebGPU device has one. */
  async function withTensorLimit<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const backend = tf.backend() as { device?: unknown };
    backend.device = { limits: { maxStorageBufferBindingSize: bytes } };
    try {
      return await work();
    } finally {
      delete backend.device;
    }
  }

  test('the hint names what to change by its name in the API', async () => {
    const runner = (): never => {
      throw new Error('A student was made.');
    };
    const wide = paper({ preset: 'lite', gccb: { channels: 768 }, runner });
    const { fitting } = await resolveTrainingOptions(wide);
    const plan = { ...fitting.plan, images: 360 };
    expect(() => assertTrainingFits({ ...fitting, plan })).not.toThrow();
    const { hint, message } = await withTensorLimit(2 ** 27, () => refusal(wide));
    expect(message).toContain(
      'one tensor of global needs 0.14 GiB, this device takes at most 0.13 GiB in one',
    );
    expect(hint).toContain('options.gccb.channels: 512');
    const nothing = await withTensorLimit(2 ** 4, async () => {
      await useBackend('cpu');
      return withTensorLimit(2 ** 4, () => refusal(wide));
    });
    await useBackend('wasm');
    expect(nothing.hint).toBe('Nothing smaller fits either: take a machine with more memory.');
  });

  /** More than one heap of 4 GiB holds, but two do, or one with a smaller batch. */
  const tight: TinyChanges = { gccb: { channels: 256 } };
  test.each<[string, TinyChanges]>([
    ['execution.runner: workerRunnerFor(), a thread for each student', tight],
    ['options.batchSize: 4', tight],
    ['one of options.branches at a time (local, global), then combineDetectors', tight],
  ])('the hint says %s', async (words, changes) => {
    const { hint } = await refusal(paper(changes));
    expect(hint).toContain(words);
  });
});
