import { jest } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { isDskdError, type DskdEvent } from '@dskd/base';
import { describeBackends, expectClose, expectNoNewTensors } from '@dskd/test-support';
import { batchesOfEpoch } from './schedule.js';
import { hasSettled } from './held-out.js';
import { errorOf, tinyImages, tinyTask, tinyTeacher } from './tiny-world.test.util.js';
import { trainStudents, type TrainingResult, type TrainStudentsOptions } from './train-students.js';
import { restoreStudent, type StudentState, type TrainingState } from './training-state.js';

type Overrides = Partial<Omit<TrainStudentsOptions, 'teacher' | 'students'>>;

/** Runs with a new teacher, two new students, 13 images in batches of 4 (4, 4, 5), 3 epochs. */
async function run(overrides: Overrides = {}): Promise<TrainingResult & { passes: number }> {
  const teacher = tinyTeacher();
  const students = [tinyTask('local', 1), tinyTask('global', 2, 0.02)];
  try {
    const result = await trainStudents({
      teacher,
      students,
      images: tinyImages(13),
      epochs: 3,
      batchSize: 4,
      seed: 7,
      ...overrides,
    });
    return { ...result, passes: teacher.passes };
  } finally {
    teacher.dispose();
    for (const { student } of students) student.dispose();
  }
}

function saveTo(saved: TrainingState[]): (state: TrainingState) => Promise<void> {
  return (state) => {
    saved.push(state);
    return Promise.resolve();
  };
}

function arrayOf(states: readonly StudentState[], student: number, name: string): Float32Array {
  const state = states[student]!;
  return (state.parameters.get(name) ?? state.buffers.get(name))!.data;
}

describeBackends(
  'trainStudents',
  (backend) => {
    const exact = backend === 'webgpu' ? test.skip : test;
    // Which images are asked for, refusals and events do not depend on the kernels, and WebGPU in software takes long.
    const withoutKernels = backend === 'webgpu' ? test.skip : test;

    test('lowers every loss, keeps a history and leaves no tensors', async () => {
      const { history, steps } = await expectNoNewTensors(() => run({ epochs: 6 }));
      expect(steps).toBe(18);
      expect(history.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3, 4, 5]);
      for (const name of ['local', 'global']) {
        expect(history[5]!.losses[name]).toBeLessThan(0.8 * history[0]!.losses[name]!);
      }
    });

    exact(
      'with a time limit it is the run of as many epochs as fit; the first is not cut short',
      async () => {
        const once = await expectNoNewTensors(() => run({ epochs: 50, timeLimit: 0 }));
        expect(once).toMatchObject({ steps: 3, passes: 13 });
        expect(once.history).toHaveLength(1);
        expect(once.states).toEqual((await run({ epochs: 1 })).states);

        // A clock by which a batch of images takes 100 ms, an epoch 300 ms, and nothing else takes any time.
        let now = 0;
        const clock = jest.spyOn(performance, 'now').mockImplementation(() => now);
        const slow = tinyImages(13);
        const images = {
          ...slow,
          changesEachEpoch: true,
          batch: (...given: Parameters<typeof slow.batch>) => {
            now += 100;
            return slow.batch(...given);
          },
        };
        const settings = { images, reestimateBatchNorm: true };
        const { history, steps, states } = await run({ ...settings, epochs: 1000, timeLimit: 1000 });
        clock.mockRestore();
        // The next batch is read ahead: an epoch ends 100 ms later or not.
        expect([2, 3]).toContain(history.length);
        expect(steps).toBe(3 * history.length);
        expect((await run({ ...settings, epochs: history.length })).states).toEqual(states);
        // Epochs end it where they come first.
        expect((await run({ epochs: 2, timeLimit: 60_000 })).steps).toBe(6);
      },
    );

    test('measures images that are not trained on, in evaluation mode, and changes nothing by it', async () => {
      const heldOut = { images: tinyImages(5), patience: 3 };
      const { history, states } = await expectNoNewTensors(() => run({ epochs: 2, heldOut }));
      const { history: plain, states: plainStates } = await run({ epochs: 2 });
      if (backend !== 'webgpu') expect(states).toEqual(plainStates);
      expect(plain.every((entry) => !('heldOut' in entry))).toBe(true);

      const teacher = tinyTeacher();
      const { student } = tinyTask('local', 1);
      restoreStudent(student, states[0]!);
      const images = await heldOut.images.batch([0, 1, 2, 3, 4], 0);
      const features = await teacher.extract(images);
      const outputs = student.forward(features, { training: false });
      let expected = 0;
      for (const [level, feature] of features.entries()) {
        const wanted = await feature.data<'float32'>();
        const got = await outputs[level]!.data();
        expected += wanted.reduce((sum, value, i) => sum + (value - got[i]!) ** 2, 0) / wanted.length;
      }
      expectClose([history[1]!.heldOut!.local!], [expected], { relative: 1e-4 });
      tf.dispose([images, ...features, ...outputs]);
      student.dispose();
      teacher.dispose();
    });

    exact(
      'ends when no student gets better on them: the run of as many epochs, also when resumed',
      async () => {
        const saved: TrainingState[] = [];
        const heldOut = { images: tinyImages(5, true), patience: 2 };
        const whole = await run({ epochs: 500, heldOut, checkpoint: { everySteps: 4, save: saveTo(saved) } });
        const epochs = whole.history.length;
        expect(epochs).toBeLessThan(500);
        expect(hasSettled(whole.history, 2)).toBe(true);
        expect(hasSettled(whole.history.slice(0, -1), 2)).toBe(false);
        expect(whole.steps).toBe(3 * epochs);
        expect((await run({ epochs })).states).toEqual(whole.states);
        for (const state of [saved[0]!, saved.at(-1)!]) {
          const resumed = await run({ epochs: 500, heldOut, resumeFrom: structuredClone(state) });
          expect(resumed.states).toEqual(whole.states);
          expect(resumed.history).toEqual(whole.history);
        }
        // A finished run that is resumed trains no more.
        const ended: TrainingState[] = [];
        await run({ epochs, heldOut, checkpoint: { everyEpochs: epochs, save: saveTo(ended) } });
        expect((await run({ epochs: 500, heldOut, resumeFrom: ended[0]! })).steps).toBe(3 * epochs);
      },
    );

    exact('same seed, same states, bit for bit', async () => {
      const first = await run();
      expect(await run()).toEqual(first);
      expect((await run({ seed: 8 })).states).not.toEqual(first.states);
    });

    exact('the cache saves teacher passes and changes nothing', async () => {
      const cached = await run();
      const uncached = await run({ featureCache: { maxBytes: 0 } });
      // An image's features are 4 x 4 x 4 and 2 x 2 x 6 floats: five images fit.
      const partly = await run({ featureCache: { maxBytes: 5 * 4 * (64 + 24) + 1 } });
      expect(cached.passes).toBe(13);
      expect(uncached.passes).toBe(39);
      expect(partly.passes).toBe(13 + 8 + 8);
      expect(uncached.states).toEqual(cached.states);
      expect(partly.states).toEqual(cached.states);
    });

    withoutKernels('does not cache images that change each epoch', async () => {
      const { passes } = await run({ images: tinyImages(13, true) });
      expect(passes).toBe(39);
    });

    exact('resumed from any checkpoint it equals an uninterrupted run', async () => {
      const saved: TrainingState[] = [];
      const whole = await run({
        reestimateBatchNorm: true,
        checkpoint: { everySteps: 2, everyEpochs: 1, save: saveTo(saved) },
      });
      expect(saved.map(({ step }) => step)).toEqual([2, 3, 4, 6, 8, 9]);
      for (const state of saved) {
        const resumed = await run({ resumeFrom: structuredClone(state), reestimateBatchNorm: true });
        expect(resumed.states).toEqual(whole.states);
        expect(resumed.history).toEqual(whole.history);
      }
    });

    exact('an aborted run saves where it is, and goes on from there', async () => {
      const whole = await run();
      const controller = new AbortController();
      const saved: TrainingState[] = [];
      const error = await expectNoNewTensors(() =>
        errorOf(
          run({
            signal: controller.signal,
            onEvent: (event) => {
              if (event.type === 'step-end' && event.step === 4) controller.abort('enough');
            },
            checkpoint: { save: saveTo(saved) },
          }),
        ),
      );
      expect(isDskdError(error, 'aborted')).toBe(true);
      expect(saved.map(({ step }) => step)).toEqual([5]);
      expect((await run({ resumeFrom: saved[0]! })).states).toEqual(whole.states);
    });

    exact('a timer can abort a run: the event loop gets its turn between steps', async () => {
      const controller = new AbortController();
      const error = await errorOf(
        run({
          signal: controller.signal,
          onEvent: (event) => {
            if (event.type === 'step-end' && event.step === 4) setTimeout(() => controller.abort());
          },
        }),
      );
      expect(isDskdError(error, 'aborted')).toBe(true);
    });

    withoutKernels('refuses a checkpoint of another run', async () => {
      const saved: TrainingState[] = [];
      await run({ epochs: 1, checkpoint: { everyEpochs: 1, save: saveTo(saved) } });
      const error = await errorOf(run({ resumeFrom: saved[0]!, seed: 9, batchSize: 5 }));
      expect(error).toMatchObject({
        code: 'invalid-argument',
        message: expect.stringMatching(/seed 7, now 9.*batchSize 4, now 5/) as string,
      });
    });

    withoutKernels('emits events in order', async () => {
      const events: DskdEvent[] = [];
      const { history } = await run({ epochs: 1, onEvent: (event) => events.push(event) });
      expect(events.map(({ type }) => type)).toEqual([
        'training-start',
        'warning',
        'epoch-start',
        'step-end',
        'step-end',
        'step-end',
        'epoch-end',
        'training-end',
      ]);
      const steps = events.filter((event) => event.type === 'step-end');
      expect(steps.map(({ samples }) => samples)).toEqual([4, 4, 5]);
      const mean = steps.reduce((total, { losses }) => total + losses.local!, 0) / 3;
      expect(history[0]!.losses.local).toBeCloseTo(mean, 12);
      const settled: DskdEvent[] = [];
      await run({ epochs: 1, reestimateBatchNorm: true, onEvent: (event) => settled.push(event) });
      expect(settled.some(({ type }) => type === 'warning')).toBe(false);
    });

    test('does not warn of statistics that no student has', async () => {
      const [teacher, task] = [tinyTeacher(), tinyTask('local', 1)];
      const student = { ...task.student, buffers: new Map<string, tf.Variable>() };
      const warnings: DskdEvent[] = [];
      await trainStudents({
        teacher,
        students: [{ ...task, student }],
        images: tinyImages(4),
        epochs: 1,
        batchSize: 4,
        seed: 7,
        onEvent: (event) => event.type === 'warning' && warnings.push(event),
      });
      expect(warnings).toEqual([]);
      for (const each of [teacher, task.student]) each.dispose();
    });

    test('re-estimates statistics as the average of the batches of one pass', async () => {
      const plain = await run();
      const { states } = await run({ reestimateBatchNorm: true });
      expect(states[0]!.parameters).toEqual(plain.states[0]!.parameters);

      // Computed by hand from the parameters, in float64: conv1 of level 0 for every image of the pass.
      const teacher = tinyTeacher();
      const weights = arrayOf(states, 0, 'level0.conv1.weight');
      const means = new Float64Array(4);
      const variances = new Float64Array(4);
      const batches = batchesOfEpoch(13, 4, 7, 3);
      for (const indices of batches) {
        const images = await tinyImages(13).batch(indices, 3);
        const features = await teacher.extract(images);
        const values = await features[0]!.data();
        const count = values.length / 4;
        for (let channel = 0; channel < 4; channel++) {
          const outputs = Array.from({ length: count }, (_, position) => {
            let total = 0;
            for (let i = 0; i < 4; i++) total += values[position * 4 + i]! * weights[i * 4 + channel]!;
            return total;
          });
          const mean = outputs.reduce((a, b) => a + b) / count;
          means[channel]! += mean / batches.length;
          variances[channel]! +=
            outputs.reduce((total, x) => total + (x - mean) ** 2, 0) / (count - 1) / batches.length;
        }
        tf.dispose([images, ...features]);
      }
      teacher.dispose();
      expectClose(arrayOf(states, 0, 'level0.bn.running_mean'), means, { relative: 1e-5 });
      expectClose(arrayOf(states, 0, 'level0.bn.running_var'), variances, { relative: 1e-5 });
      expect(arrayOf(plain.states, 0, 'level0.bn.running_mean')).not.toEqual(
        arrayOf(states, 0, 'level0.bn.running_mean'),
      );
    });

    test('refuses invalid options, all in one error', async () => {
      const heldOut = { images: tinyImages(0), patience: 0 };
      const error = await errorOf(run({ epochs: 0, batchSize: 1.5, heldOut, timeLimit: NaN }));
      expect(error).toMatchObject({
        code: 'invalid-config',
        message: expect.stringMatching(
          /epochs is 0.*batchSize is 1.5.*images.length is 0.*patience is 0.*timeLimit is NaN/,
        ) as string,
      });
    });
  },
  { cpu: 'slow' },
);
