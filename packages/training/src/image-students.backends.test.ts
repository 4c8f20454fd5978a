import * as tf from '@tensorflow/tfjs';
import { randomStream } from '@dskd/base';
import type { FeatureExtractor, Student } from '@dskd/core';
import { describeBackends } from '@dskd/test-support';
import { readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { trainStudents, type TrainStudentsOptions } from './train-students.js';
import type { StudentTask } from './student-runner.js';
import { errorOf, squaredDistance, tinyImages, tinyTeacher } from './tiny-world.test.util.js';
import type { TrainingState } from './training-state.js';

/** The image, then the levels of the teacher. */
function imageAndFeatures(teacher: FeatureExtractor): FeatureExtractor {
  return {
    ...teacher,
    levels: [{ name: 'image', channels: 3, stride: 1 }, ...teacher.levels],
    outputShapes: (size) => [[...size, 3], ...teacher.outputShapes(size)],
    extract: async (images) => [images.clone(), ...(await teacher.extract(images))],
  };
}

/** Predicts the first level of the tiny teacher from the image, with noise by the step, and notes its positions. */
function imageStudent(positions: unknown[] = []): Student {
  const weight = tf.tidy(() => tf.variable(tf.fill([3, 4], 0.1)));
  return {
    firstTarget: 1,
    parameters: new Map([['weight', weight]]),
    buffers: new Map(),
    forward([image], { training, position }) {
      if (training) positions.push(position);
      const noise = position ? randomStream(7, position.step).normal() : 0;
      const pooled = tf.avgPool(image!, 2, 2, 'valid');
      const [batch, height, width] = pooled.shape;
      const level = tf.matMul(tf.reshape(pooled, [batch * height * width, 3]), weight);
      return [tf.add(tf.reshape(level, [batch, height, width, 4]), 0.1 * noise)];
    },
    dispose: () => weight.dispose(),
  };
}

function task(student: Student): StudentTask {
  const optimizer = { kind: 'sgd', learningRate: 0.05, momentum: 0.9, weightDecay: 1e-3 } as const;
  return { name: 'image', student, objective: squaredDistance, optimizer };
}

function options(student: Student): TrainStudentsOptions {
  const full = tinyTeacher();
  // One level, so that image and level are all there is.
  const teacher: FeatureExtractor = {
    ...full,
    levels: full.levels.slice(0, 1),
    outputShapes: (size) => full.outputShapes(size).slice(0, 1),
    async extract(images) {
      const [shallow, deep] = await tinyTeacher().extract(images);
      deep!.dispose();
      return [shallow!];
    },
  };
  return {
    teacher: imageAndFeatures(teacher),
    students: [task(student)],
    images: tinyImages(6),
    epochs: 3,
    batchSize: 2,
    seed: 4,
  };
}

describeBackends('a student of images', () => {
  test('is told where the training is, learns, and resumes to the same bits from the bytes of a checkpoint', async () => {
    const positions: unknown[] = [];
    let saved: TrainingState | undefined;
    const save = (state: TrainingState): Promise<void> => {
      if (state.step === 4) saved = readCheckpoint(writeCheckpoint({ state, run: null })).state;
      return Promise.resolve();
    };
    const student = imageStudent(positions);
    const whole = await trainStudents({ ...options(student), checkpoint: { everySteps: 4, save } });
    expect(positions).toEqual(
      Array.from({ length: 9 }, (_, step) => ({ epoch: Math.floor(step / 3), step })),
    );
    const losses = whole.history.map(({ losses }) => losses.image!);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);

    const resumed = await trainStudents({ ...options(imageStudent()), resumeFrom: saved! });
    expect(resumed).toEqual(whole);
  });

  test('a step that is not finite names a level that the student predicts', async () => {
    const student = imageStudent();
    const broken: Student = {
      ...student,
      forward: (features, mode) => student.forward(features, mode).map((level) => tf.div(level, 0)),
    };
    expect(await errorOf(trainStudents(options(broken)))).toMatchObject({
      code: 'numerical-instability',
      details: { what: 'loss', level: 'shallow', step: 0 },
    });
  });
});
