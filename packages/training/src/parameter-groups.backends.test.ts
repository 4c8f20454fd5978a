import * as tf from '@tensorflow/tfjs';
import { randomStream } from '@dskd/base';
import type { Objective, Student } from '@dskd/core';
import { describeBackends, expectNoNewTensors } from '@dskd/test-support';
import { readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { inProcessRunner } from './in-process-runner.js';
import type { ParameterGroups } from './parameter-groups.js';
import type { StudentTask } from './student-runner.js';
import { errorOf, squaredDistance, thrownBy, tinyImages, tinyTeacher } from './tiny-world.test.util.js';
import { trainStudents, type TrainingResult, type TrainStudentsOptions } from './train-students.js';
import type { TrainingState } from './training-state.js';

const GROUPS: ParameterGroups = {
  kind: 'groups',
  optimizers: {
    critic: { learningRate: 0.01, beta1: 0, beta2: 0.9 },
    generator: { kind: 'sgd', learningRate: 0.1, momentum: 0.5 },
    encoder: { kind: 'rmsprop', learningRate: 0.02 },
  },
  phases: [{ steps: 5, cycle: [['critic'], ['critic', 'generator']] }, { cycle: [['encoder']] }],
};

/** One matrix for each group, which a pass of that group alone uses. */
function grouped(passes: string[] = []): Student {
  const channels = [4, 6];
  const parameters = new Map<string, tf.Variable>();
  for (const group of Object.keys(GROUPS.optimizers)) {
    for (const [level, width] of channels.entries()) {
      const name = `${group}.level${level}`;
      const stream = randomStream(1, name);
      const values = Float32Array.from({ length: width * width }, () => stream.normal() / 4);
      parameters.set(
        name,
        tf.tidy(() => tf.variable(tf.tensor2d(values, [width, width]))),
      );
    }
  }
  return {
    parameters,
    buffers: new Map(),
    forward(features, { training, position }) {
      const group = position?.group ?? 'encoder';
      if (training) passes.push(`${position!.step} ${position!.epoch} ${group}`);
      return features.map((x, level) => {
        const [batch, height, width, count] = x.shape;
        const rows = tf.reshape<tf.Rank.R2>(x, [batch * height * width, count]);
        return tf.reshape(tf.matMul(rows, parameters.get(`${group}.level${level}`)!), x.shape);
      });
    },
    dispose: () => tf.dispose([...parameters.values()]),
  };
}

/** The objective of one group, told from the others by its factor. */
const scaled = (factor: number): Objective => ({
  ...squaredDistance,
  loss: (teacher, student) => tf.mul(squaredDistance.loss(teacher, student), factor),
});

function taskOf(student: Student): StudentTask {
  const objectives = { critic: scaled(100), generator: scaled(10) };
  return { name: 'networks', student, objective: squaredDistance, optimizer: GROUPS, objectives };
}

function run(passes: string[] = [], overrides: Partial<TrainStudentsOptions> = {}): Promise<TrainingResult> {
  const [teacher, student] = [tinyTeacher(), grouped(passes)];
  return trainStudents({
    teacher,
    students: [taskOf(student)],
    images: tinyImages(6),
    epochs: 3,
    batchSize: 2,
    seed: 4,
    ...overrides,
  }).finally(() => {
    teacher.dispose();
    student.dispose();
  });
}

describeBackends('parameters in groups', () => {
  test('a step updates its groups alone, one after the other, each by its own objective', async () => {
    await expectNoNewTensors(async () => {
      const passes: string[] = [];
      const losses: number[] = [];
      const saved: TrainingState[] = [];
      const { states } = await run(passes, {
        checkpoint: {
          everySteps: 1,
          save: (state) => {
            saved.push(state);
            return Promise.resolve();
          },
        },
        onEvent: (event) => {
          if (event.type === 'step-end') losses.push(event.losses.networks!);
        },
      });
      expect(passes).toEqual([
        '0 0 critic',
        '1 0 critic',
        '1 0 generator',
        '2 0 critic',
        '3 1 critic',
        '3 1 generator',
        '4 1 critic',
        ...['5 1', '6 2', '7 2', '8 2'].map((at) => `${at} encoder`),
      ]);
      // The loss of a step is that of its first group.
      expect(Math.min(...losses.slice(0, 5))).toBeGreaterThan(5 * Math.max(...losses.slice(5)));
      const changed = saved.map(({ students: [now] }, step) => {
        const before = step === 0 ? undefined : saved[step - 1]!.students[0]!.parameters;
        return [...now!.parameters.keys()].filter(
          (name) =>
            before &&
            !Buffer.from(before.get(name)!.data.buffer).equals(
              Buffer.from(now!.parameters.get(name)!.data.buffer),
            ),
        );
      });
      const levels = (...groups: string[]): string[] =>
        groups.flatMap((group) => [`${group}.level0`, `${group}.level1`]);
      expect(changed.slice(1)).toEqual([
        levels('critic', 'generator'),
        levels('critic'),
        levels('critic', 'generator'),
        levels('critic'),
        ...[0, 0, 0, 0].map(() => levels('encoder')),
      ]);
      const { step, firstMoments, secondMoments } = states[0]!.optimizer;
      expect(step).toBe(9);
      expect([...firstMoments.keys()]).toEqual(levels('critic', 'generator'));
      expect([...secondMoments.keys()]).toEqual(levels('critic', 'encoder'));
    });
  });

  test.each([1, 4, 6])(
    'goes on from the bytes of a checkpoint after %i steps to the same bits',
    async (after) => {
      let bytes: Uint8Array | undefined;
      const save = (state: TrainingState): Promise<void> => {
        if (state.step === after) bytes = writeCheckpoint({ state, run: null });
        return Promise.resolve();
      };
      const heldOut = { images: tinyImages(2), patience: 100 };
      const whole = await run([], { heldOut, checkpoint: { everySteps: 1, save } });
      const resumed = await run([], { heldOut, resumeFrom: readCheckpoint(bytes!).state });
      expect(resumed).toEqual(whole);
    },
  );

  test('a step that is not finite, a student without the groups and a state of other parameters are refused', async () => {
    const student = grouped();
    const broken: Student = {
      ...student,
      forward: (features, mode) =>
        student
          .forward(features, mode)
          .map((level) => (mode.position?.group === 'generator' ? tf.div(level, 0) : level)),
    };
    const training = { teacher: tinyTeacher(), images: tinyImages(4), epochs: 1, batchSize: 2, seed: 1 };
    expect(await errorOf(trainStudents({ ...training, students: [taskOf(broken)] }))).toMatchObject({
      code: 'numerical-instability',
      details: { what: 'loss', level: 'shallow', step: 1 },
    });
    const { generator, ...fewer } = GROUPS.optimizers;
    const others = { ...GROUPS, optimizers: { ...fewer, other: generator! } };
    expect(thrownBy(() => inProcessRunner({ ...taskOf(student), optimizer: others }))).toMatchObject({
      code: 'invalid-config',
    });
    const wrong = { ...GROUPS, optimizers: { ...GROUPS.optimizers, encoder: { learningRate: -1 } } };
    await expectNoNewTensors(() => {
      const error = thrownBy(() => inProcessRunner({ ...taskOf(student), optimizer: wrong }));
      expect(error).toMatchObject({ code: 'invalid-config' });
    });
    const runner = inProcessRunner(taskOf(student));
    const state = await runner.capture();
    const moments = new Map([
      ...state.optimizer.firstMoments,
      ['other.level0', { shape: [1], data: new Float32Array(1) }],
    ]);
    const foreign = { ...state, optimizer: { ...state.optimizer, firstMoments: moments } };
    expect(thrownBy(() => void runner.restore(foreign))).toMatchObject({ code: 'shape-mismatch' });
    await runner.dispose();
    student.dispose();
  });
});
