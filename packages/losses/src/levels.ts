import { DskdError } from '@dskd/base';
import { accurateSum } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { imageAt, normalized, type NormalizedRows } from './rows.js';

/** Features of one level, `[batch, height, width, channels]`, or of several levels, shallow to deep. */
export type Features = Tensor4D | readonly Tensor4D[];

/** Teacher and student of one level, of equal shape. */
export interface LevelPair {
  readonly teacher: Tensor4D;
  readonly student: Tensor4D;
}

function describe(tensors: readonly Tensor4D[]): string {
  return tensors.map(({ shape }) => `[${shape.join(', ')}]`).join(', ');
}

/**
 * Pairs the levels of teacher and student.
 * @throws {DskdError} `shape-mismatch` when counts or shapes differ, a tensor is not of rank 4, or there is no level.
 */
export function pairLevels(teacher: Features, student: Features): LevelPair[] {
  const teachers = isArray(teacher) ? teacher : [teacher];
  const students = isArray(student) ? student : [student];
  const agree =
    teachers.length > 0 &&
    teachers.length === students.length &&
    teachers.every(({ shape }, level) => {
      const other = students[level]!.shape;
      return (
        // The types exclude this; JavaScript callers and casts do not.
        tf.util.arraysEqual(shape, other) &&
        (shape as number[]).length === 4 &&
        tf.util.sizeFromShape(shape) > 0
      );
    });
  if (!agree) {
    throw new DskdError(
      'shape-mismatch',
      `Got teacher features ${describe(teachers) || 'of no level'} and student features ` +
        `${describe(students) || 'of no level'}; wanted the same levels in both, ` +
        'each [batch, height, width, channels] with no empty side.',
      {
        hint: 'Pass the levels of both networks in the same order. The student must return the shape of each level.',
        details: {
          teacher: teachers.map(({ shape }) => shape),
          student: students.map(({ shape }) => shape),
        },
      },
    );
  }
  return teachers.map((tensor, level) => ({ teacher: tensor, student: students[level]! }));
}

function isArray(features: Features): features is readonly Tensor4D[] {
  return Array.isArray(features);
}

/** The loss of one level and its gradient with respect to the student's features. */
export interface LevelLoss {
  readonly value: Scalar;
  readonly gradient: Tensor4D;
}

/**
 * The sum of `levelLoss` over levels, as one custom gradient. Operations inside are not recorded, so memory does not grow
 * with their number, and no registered gradient is needed. Value and gradient are computed together, since they share
 * most of the work. The teacher's gradient is zero. There is no second derivative.
 */
export function differentiableSum(
  teacher: Features,
  student: Features,
  levelLoss: (level: LevelPair) => LevelLoss,
): Scalar {
  const levels = pairLevels(teacher, student);
  const count = levels.length;
  const operation = tf.customGrad<Scalar>((...args) => {
    const save = args.pop() as (tensors: Tensor[]) => void;
    const inputs = args as Tensor4D[];
    const losses = levels.map((_, level) =>
      tf.tidy(
        () =>
          levelLoss({
            teacher: inputs[level]!,
            student: inputs[count + level]!,
          }) as unknown as tf.TensorContainerObject,
      ),
    ) as unknown as LevelLoss[];
    save([...inputs.slice(0, count), ...losses.map(({ gradient }) => gradient)]);
    return {
      value: losses.slice(1).reduce((sum, { value }) => tf.add(sum, value), losses[0]!.value),
      gradFunc: (upstream, saved) => [
        ...saved.slice(0, count).map((tensor) => tf.zerosLike(tensor)),
        ...saved.slice(count).map((gradient) => tf.mul(gradient, upstream)),
      ],
    };
  });
  return operation(...levels.map((level) => level.teacher), ...levels.map((level) => level.student));
}

/** The divergence between teacher and student at each position of one image. */
export interface ImageAffinity {
  /** `[positions, 1]`, at least 0. */
  readonly divergence: Tensor2D;
  /** The gradient of `rowWeight` times each divergence with respect to the student's features, `[positions, channels]`. */
  readonly gradient?: Tensor2D;
}

/**
 * A divergence that compares each position with all positions of its image, from unit vectors `[positions, channels]`, the
 * student's with their original lengths.
 * @param rowWeight weight of each row's divergence in the loss; without it no gradient is computed.
 */
export type AffinityOfImage = (
  teacher: Tensor2D,
  student: NormalizedRows,
  rowWeight?: number,
) => ImageAffinity;

function normalizedImage(features: Tensor4D, image: number): NormalizedRows {
  return tf.tidy(() => normalized(imageAt(features, image)));
}

/** The mean of `affinity` over positions and batch, summed over levels. Only the student receives a gradient. */
export function lossByImage(teacher: Features, student: Features, affinity: AffinityOfImage): Scalar {
  return differentiableSum(teacher, student, (level) => {
    const [batch, height, width] = level.student.shape;
    const positions = batch * height * width;
    const divergences: Tensor2D[] = [];
    const gradients: Tensor2D[] = [];
    for (let image = 0; image < batch; image++) {
      const [divergence, gradient] = tf.tidy(() => {
        const t = normalizedImage(level.teacher, image).unit;
        const s = normalizedImage(level.student, image);
        const { divergence, gradient } = affinity(t, s, 1 / positions);
        return [divergence, gradient!] as [Tensor2D, Tensor2D];
      });
      divergences.push(divergence);
      gradients.push(gradient);
    }
    return {
      value: tf.mul<Scalar>(accurateSum(tf.concat(divergences)), 1 / positions),
      gradient: tf.reshape(tf.concat(gradients), level.student.shape),
    };
  });
}

/** `affinity` at each position of one level, `[batch, height, width]`. The caller disposes it. */
export function mapByImage(teacher: Tensor4D, student: Tensor4D, affinity: AffinityOfImage): Tensor3D {
  pairLevels(teacher, student);
  const [batch, height, width] = student.shape;
  return tf.tidy(() => {
    const images = Array.from({ length: batch }, (_, image) =>
      tf.tidy(() => {
        const t = normalizedImage(teacher, image).unit;
        return affinity(t, normalizedImage(student, image)).divergence;
      }),
    );
    return tf.reshape(tf.concat(images), [batch, height, width]);
  });
}
