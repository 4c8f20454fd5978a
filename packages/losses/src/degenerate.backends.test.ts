import * as tf from '@tensorflow/tfjs';
import { describeBackends, expectNoNewTensors } from '@dskd/test-support';
import { contextualAffinityLoss, covarianceAffinityLoss, createObjective } from './index.js';

const objectives = ['perPixelCosine', 'flattenedCosine', 'contextualAffinity', 'covarianceAffinity'].map(
  (name) => [name, createObjective({ name })] as const,
);

describeBackends('losses of degenerate input', () => {
  test.each(objectives)('%s: an equal student is exactly 0, its gradient is 0', async (_, objective) => {
    await expectNoNewTensors(async () => {
      const features = tf.randomNormal<tf.Rank.R4>([2, 3, 4, 8], 0, 1, 'float32', 3);
      const { value, grad } = tf.valueAndGrad((student: tf.Tensor) =>
        objective.loss([features], [student as tf.Tensor4D]),
      )(features);
      const [map] = objective.map([features], [features]);
      expect([...(await value.data())]).toEqual([0]);
      for (const entry of await grad.data()) expect(Math.abs(entry)).toBe(0);
      for (const entry of await map!.data()) expect(entry).toBe(0);
      tf.dispose([features, value, grad, map!]);
    });
  });

  test.each(objectives)('%s: the teacher receives zeros', async (_, objective) => {
    await expectNoNewTensors(async () => {
      const teacher = tf.randomNormal([1, 2, 3, 8], 0, 1, 'float32', 3);
      const student = tf.randomNormal([1, 2, 3, 8], 0, 1, 'float32', 4);
      const grads = tf.grads((t: tf.Tensor, s: tf.Tensor) =>
        tf.mul(objective.loss([t as tf.Tensor4D], [s as tf.Tensor4D]), 3),
      )([teacher, student]);
      for (const entry of await grads[0]!.data()) expect(entry).toBe(0);
      const single = tf.grad((s: tf.Tensor) => objective.loss([teacher as tf.Tensor4D], [s as tf.Tensor4D]))(
        student,
      );
      const [thrice, once] = [await grads[1]!.data(), await single.data()];
      thrice.forEach((entry, i) => expect(entry).toBeCloseTo(3 * once[i]!, 5));
      expect(Math.max(...once)).toBeGreaterThan(0);
      tf.dispose([teacher, student, grads, single]);
    });
  });

  test.each(objectives)('%s: vectors of zeros and single positions stay finite', async (_, objective) => {
    const one = tf.randomNormal<tf.Rank.R4>([1, 1, 1, 8], 0, 1, 'float32', 3);
    const other = tf.randomNormal<tf.Rank.R4>([1, 1, 1, 8], 0, 1, 'float32', 4);
    const zero = tf.zeros<tf.Rank.R4>([1, 1, 1, 8]);
    const partly = tf.concat([zero, one], 1);
    const full = tf.concat([other, one], 1);
    for (const [teacher, student] of [
      [one, other],
      [one, zero],
      [zero, one],
      [zero, zero],
      [partly, full],
      [full, partly],
    ] as const) {
      const { value, grad } = tf.valueAndGrad((s: tf.Tensor) =>
        objective.loss([teacher], [s as tf.Tensor4D]),
      )(student);
      expect((await value.data())[0]).toBeGreaterThanOrEqual(0);
      for (const entry of await grad.data()) expect(Number.isFinite(entry)).toBe(true);
      tf.dispose([value, grad]);
    }
    // With one position both distributions are 1.
    for (const loss of [contextualAffinityLoss, covarianceAffinityLoss]) {
      const alone = loss(one, other);
      expect((await alone.data())[0]).toBe(0);
      alone.dispose();
    }
    tf.dispose([one, other, zero, partly, full]);
  });
});
