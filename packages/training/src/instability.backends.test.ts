import * as tf from '@tensorflow/tfjs';
import { describeBackends, expectClose, expectNoNewTensors } from '@dskd/test-support';
import type { Objective, Student } from '@dskd/core';
import type { FeatureBatch } from './feature-batch.js';
import { inProcessRunner } from './in-process-runner.js';
import type { StudentTask } from './student-runner.js';
import {
  errorOf,
  squaredDistance,
  tinyImages,
  tinyStudent,
  tinyTask,
  tinyTeacher,
} from './tiny-world.test.util.js';
import { trainStudents } from './train-students.js';

/** Trains `task` and a second student without faults for two epochs of two steps. Returns the error. */
function failureOf(task: StudentTask): Promise<unknown> {
  return expectNoNewTensors(async () => {
    const teacher = tinyTeacher();
    const healthy = tinyTask('healthy', 1);
    const error = await errorOf(
      trainStudents({
        teacher,
        students: [healthy, task],
        images: tinyImages(8),
        epochs: 2,
        batchSize: 4,
        seed: 1,
      }),
    );
    teacher.dispose();
    healthy.student.dispose();
    return error;
  });
}

describeBackends('A value that is not finite', () => {
  let inner: Student;
  beforeEach(() => {
    inner = tinyStudent(2);
  });
  afterEach(() => inner.dispose());

  const task = (student: Student, objective: Objective = squaredDistance): StudentTask => ({
    name: 'sick',
    student,
    objective,
    optimizer: { learningRate: 0.01 },
  });

  test('in the loss of one level stops the run, naming step, student and level', async () => {
    let forwards = 0;
    const student: Student = {
      ...inner,
      forward: (features, options) => {
        forwards += 1;
        const [shallow, deep] = inner.forward(features, options);
        return [shallow!, forwards > 2 ? tf.div<tf.Tensor4D>(deep!, 0) : deep!];
      },
    };
    expect(await failureOf(task(student))).toMatchObject({
      code: 'numerical-instability',
      message: expect.stringMatching(
        /Step 2 \(epoch 1\) of the student 'sick': the loss of level 'deep'/,
      ) as string,
      details: { student: 'sick', step: 2, epoch: 1, level: 'deep', levels: ['deep'] },
    });
  });

  test('is not seen where there is none: many parameters, of which the loss is that of the objective', async () => {
    // WebGPU adds seven tensors at most in one pass.
    const factors = Array.from({ length: 20 }, (_, at) => tf.variable(tf.scalar(1 + at / 100)));
    const student: Student = {
      ...inner,
      parameters: new Map(factors.map((factor, at) => [`factor${at}`, factor])),
      forward: (features, options) =>
        inner
          .forward(features, options)
          .map((output) => factors.reduce((product, factor) => tf.mul(product, factor), output)),
    };
    const teacher = tinyTeacher();
    const images = await tinyImages(4).batch([0, 1, 2, 3], 0);
    const features = await teacher.extract(images);
    const wanted = tf.tidy(() =>
      squaredDistance.loss(features, student.forward(features, { training: true })),
    );
    const runner = inProcessRunner(task(student));
    const loss = await runner.step({ tensors: () => features } as unknown as FeatureBatch, {
      epoch: 0,
      step: 0,
    });
    expectClose([loss], await wanted.data(), { relative: 1e-4 });
    const [first] = await factors[0]!.data();
    // Adam's first step is the learning rate, in the direction of the gradient.
    expect(Math.abs(first! - 1)).toBeCloseTo(0.01, 4);
    await runner.dispose();
    teacher.dispose();
    tf.dispose([images, wanted, ...features, ...factors]);
  });

  test('in the gradient of one level stops the run before any parameter is updated', async () => {
    const objective: Objective = {
      ...squaredDistance,
      // In the shallow level: value 0, gradient 0 times infinity.
      loss: (teacher, student) =>
        tf.addN(
          student.map((s, level) =>
            s.shape[3] === 4
              ? tf.sum(tf.sqrt(tf.mul(s, 0))).asScalar()
              : squaredDistance.loss([teacher[level]!], [s]),
          ),
        ),
    };
    const before = await inner.parameters.get('level1.conv1.weight')!.array();
    expect(await failureOf(task(inner, objective))).toMatchObject({
      code: 'numerical-instability',
      details: { student: 'sick', step: 0, epoch: 0, level: 'shallow', what: 'gradient' },
    });
    expect(await inner.parameters.get('level1.conv1.weight')!.array()).toEqual(before);
  });

  test('in a parameter is not captured', async () => {
    const runner = inProcessRunner(task(inner));
    const weight = inner.parameters.get('level0.conv2.weight')!;
    tf.tidy(() => weight.assign(tf.fill(weight.shape, Infinity)));
    expect(await errorOf(runner.capture())).toMatchObject({
      code: 'numerical-instability',
      details: { student: 'sick', parameter: 'level0.conv2.weight' },
    });
    await runner.dispose();
  });

  test('is distinguished from a missing gradient, whose parameter is named', async () => {
    const objective: Objective = {
      ...squaredDistance,
      loss: (teacher, student) => squaredDistance.loss([teacher[0]!], [student[0]!]),
    };
    expect(await failureOf(task(inner, objective))).toMatchObject({
      code: 'invalid-argument',
      details: { parameter: 'level1.conv1.weight' },
    });
  });
});
