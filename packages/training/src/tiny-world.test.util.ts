// A small training setup for tests: 8 x 8 images, a teacher of two random 1 x 1 levels, students with batch norm,
// and a squared-distance objective. Used by tests in this thread and by worker-set-up.test.util.ts.
import * as tf from '@tensorflow/tfjs';
import { randomStream } from '@dskd/base';
import type { FeatureExtractor, Objective, Student } from '@dskd/core';
import type { ImageSet } from './teacher-features.js';
import type { StudentTask } from './student-runner.js';

const CHANNELS = [4, 6];

function randomTensor(seed: number, name: string, shape: [number, number]): tf.Tensor2D {
  const stream = randomStream(seed, name);
  return tf.tensor2d(
    Float32Array.from({ length: shape[0] * shape[1] }, () => stream.normal() / Math.sqrt(shape[0])),
    shape,
  );
}

function pointwise(x: tf.Tensor4D, weights: tf.Tensor2D): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  return tf
    .matMul(tf.reshape(x, [batch * height * width, channels]), weights)
    .reshape([batch, height, width, weights.shape[1]]);
}

export function tinyTeacher(): FeatureExtractor & { passes: number } {
  const weights = [
    randomTensor(1, 'shallow', [3, CHANNELS[0]!]),
    randomTensor(1, 'deep', [CHANNELS[0]!, CHANNELS[1]!]),
  ];
  return {
    name: 'tiny',
    passes: 0,
    levels: [
      { name: 'shallow', channels: CHANNELS[0]!, stride: 2 },
      { name: 'deep', channels: CHANNELS[1]!, stride: 4 },
    ],
    inputTransform: { channelOrder: 'rgb', scale: 1, mean: [0, 0, 0], standardDeviation: [1, 1, 1] },
    outputShapes: ([height, width]) => [
      [height / 2, width / 2, CHANNELS[0]!],
      [height / 4, width / 4, CHANNELS[1]!],
    ],
    extract(images) {
      this.passes += images.shape[0];
      return Promise.resolve(
        tf.tidy(() => {
          const shallow = tf.relu(pointwise(tf.avgPool(images, 2, 2, 'valid'), weights[0]!));
          return [shallow, tf.relu(pointwise(tf.avgPool(shallow, 2, 2, 'valid'), weights[1]!))];
        }),
      );
    },
    dispose: () => tf.dispose(weights),
  };
}

/** Two levels, each a 1 x 1 convolution, batch norm as in torch and another 1 x 1 convolution. */
export function tinyStudent(seed: number): Student {
  const parameters = new Map<string, tf.Variable>();
  const buffers = new Map<string, tf.Variable>();
  CHANNELS.forEach((channels, level) => {
    for (const part of ['conv1', 'conv2']) {
      const name = `level${level}.${part}.weight`;
      parameters.set(
        name,
        tf.tidy(() => tf.variable(randomTensor(seed, name, [channels, channels]))),
      );
    }
    buffers.set(
      `level${level}.bn.running_mean`,
      tf.tidy(() => tf.variable(tf.zeros([channels]), false)),
    );
    buffers.set(
      `level${level}.bn.running_var`,
      tf.tidy(() => tf.variable(tf.ones([channels]), false)),
    );
  });

  const batchNorm = (x: tf.Tensor4D, level: number, training: boolean, momentum: number): tf.Tensor4D => {
    const runningMean = buffers.get(`level${level}.bn.running_mean`)!;
    const runningVar = buffers.get(`level${level}.bn.running_var`)!;
    if (!training) return tf.div(tf.sub(x, runningMean), tf.sqrt(tf.add(runningVar, 1e-5)));
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    const count = x.size / x.shape[3];
    const move = (running: tf.Variable, now: tf.Tensor): void =>
      running.assign(tf.add(tf.mul(running, 1 - momentum), tf.mul(now, momentum)));
    move(runningMean, mean);
    move(runningVar, tf.mul(variance, count / (count - 1)));
    return tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5)));
  };

  return {
    parameters,
    buffers,
    forward: (features, { training, batchNormMomentum = 0.1 }) =>
      features.map((x, level) => {
        const weight = (part: string): tf.Tensor2D =>
          parameters.get(`level${level}.${part}.weight`)! as unknown as tf.Tensor2D;
        const hidden = batchNorm(pointwise(x, weight('conv1')), level, training, batchNormMomentum);
        return pointwise(tf.relu(hidden), weight('conv2'));
      }),
    dispose: () => tf.dispose([...parameters.values(), ...buffers.values()]),
  };
}

export const squaredDistance: Objective = {
  name: 'squaredDistance',
  options: {},
  loss: (teacher, student) =>
    tf.addN(teacher.map((t, level) => tf.mean(tf.square(tf.sub(student[level]!, t))))),
  map: (teacher, student) => teacher.map((t, level) => tf.mean(tf.square(tf.sub(student[level]!, t)), 3)),
};

export function tinyTask(name: string, seed: number, learningRate = 0.01): StudentTask {
  return { name, student: tinyStudent(seed), objective: squaredDistance, optimizer: { learningRate } };
}

export function tinyImages(length: number, changesEachEpoch = false): ImageSet {
  return {
    length,
    changesEachEpoch,
    batch: (indices, epoch) =>
      Promise.resolve(
        tf.tidy(() =>
          tf.stack(
            indices.map((index) => {
              const stream = randomStream(5, index, changesEachEpoch ? epoch : 0);
              return tf.tensor3d(
                Float32Array.from({ length: 192 }, () => stream.uniform()),
                [8, 8, 3],
              );
            }),
          ),
        ) as tf.Tensor4D,
      ),
  };
}

/** Returns what `work` was rejected with, or undefined. */
export function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Returns what `work` threw, or undefined. */
export function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}
