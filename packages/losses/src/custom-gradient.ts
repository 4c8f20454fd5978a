import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import { pairLevels, type Features, type LevelPair } from './levels.js';

/** A level's share of a loss, and that share's gradient with respect to the student's features. */
export interface LevelLoss {
  readonly value: Scalar;
  readonly gradient: Tensor4D;
}

/**
 * The sum over levels of `levelLoss`, as one custom gradient: nothing inside is recorded, so memory does not
 * grow with the number of operations, and no registered gradient is needed. Value and gradient are computed
 * together, because they share nearly all their work and a loss is nearly always wanted for its gradient.
 * The teacher's gradient is zero. The gradient is not differentiable again.
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
