import * as tf from '@tensorflow/tfjs';
import { expectClose, useBackend } from '@dskd/test-support';
import { dot, rowsOf, teacherAndStudent, throughNormalization, unitsOf } from './float64-oracle.test.util.js';
import {
  contextualAffinityLoss,
  contextualAffinityMap,
  covarianceAffinityLoss,
  covarianceAffinityMap,
} from './index.js';

type Shape = readonly [1, number, number, number];

function features([, height, width, channels]: Shape, distance: number) {
  const arrays = teacherAndStudent(height * width, channels, distance);
  const tensorOf = (data: Float32Array) => tf.tensor4d(data, [1, height, width, channels]);
  return { arrays, teacher: tensorOf(arrays.teacher), student: tensorOf(arrays.student) };
}

/** From the definition: half the variance of (s_i - t_i).t_j over j; its gradient with respect to student row i. */
function covarianceRow(units: readonly Float64Array[], index: number, student: Float64Array) {
  const own = units[index]!;
  const moved = unitsOf([student])[0]!.map((entry, c) => entry - own[c]!);
  const changes = units.map((t) => dot(t, moved));
  const mean = changes.reduce((sum, change) => sum + change, 0) / units.length;
  const gradient = new Float64Array(student.length);
  let value = 0;
  for (let j = 0; j < units.length; j++) {
    const [t, change] = [units[j]!, changes[j]! - mean];
    value += change ** 2 / (2 * units.length);
    for (let c = 0; c < t.length; c++) gradient[c]! += (change * t[c]!) / units.length;
  }
  return { value, gradient: throughNormalization(gradient, student) };
}

describe('covariance affinity on wasm', () => {
  beforeAll(() => useBackend('wasm'));

  test.each([
    { shape: [1, 16, 16, 32] as const, distance: 1 },
    { shape: [1, 16, 16, 32] as const, distance: 0.001 },
    { shape: [1, 29, 31, 16] as const, distance: 0.1 },
    // Fewer positions than channels: the products in the other order.
    { shape: [1, 5, 6, 64] as const, distance: 0.1 },
    { shape: [1, 5, 6, 64] as const, distance: 0.001 },
    // Sums over more positions than float32 adds up well one by one.
    { shape: [1, 65, 67, 4] as const, distance: 0.1 },
  ])('$shape, $distance away: the definition in float64', async ({ shape, distance }) => {
    const { arrays, teacher, student } = features(shape, distance);
    const units = unitsOf(rowsOf(arrays.teacher, shape[3]));
    const wanted = rowsOf(arrays.student, shape[3]).map((row, i) => covarianceRow(units, i, row));
    const relative = distance >= 0.1 ? 1e-4 : 1e-2;

    const map = covarianceAffinityMap(teacher, student);
    const got = await map.data();
    got.forEach((entry, i) => {
      expect(entry).toBeGreaterThanOrEqual(0);
      expect(Math.abs(entry - wanted[i]!.value)).toBeLessThanOrEqual(relative * wanted[i]!.value + 1e-9);
    });

    const { value, grad } = tf.valueAndGrad((x: tf.Tensor) =>
      covarianceAffinityLoss(teacher, x as tf.Tensor4D),
    )(student);
    const mean = wanted.reduce((sum, row) => sum + row.value, 0) / wanted.length;
    expectClose(await value.data(), [mean], { relative, absolute: 1e-9 });
    expectClose(
      await grad.data(),
      wanted.flatMap(({ gradient }) => [...gradient.map((entry) => entry / wanted.length)]),
      { relative },
    );
    tf.dispose([teacher, student, map, value, grad]);
  });

  test.each([1, 0.1])(
    'is the limit of contextual affinity at high temperatures, %d away',
    async (distance) => {
      const { teacher, student } = features([1, 16, 16, 32], distance);
      const [limit, limitLoss] = [
        covarianceAffinityMap(teacher, student),
        covarianceAffinityLoss(teacher, student),
      ];
      const wanted = await limit.data();
      const errors: number[] = [];
      for (const temperature of [1, 10, 100]) {
        const map = contextualAffinityMap(teacher, student, { temperature });
        const got = await map.data();
        errors.push(Math.max(...got.map((entry, i) => Math.abs(entry - wanted[i]!) / wanted[i]!)));
        map.dispose();
      }
      expect(errors[0]).toBeGreaterThan(errors[1]! * 5);
      expect(errors[1]).toBeGreaterThan(errors[2]! * 5);
      expect(errors[2]).toBeLessThan(0.02);
      const loss = contextualAffinityLoss(teacher, student, { temperature: 100 });
      expectClose(await loss.data(), [...(await limitLoss.data())], { relative: 0.01 });
      tf.dispose([teacher, student, limit, limitLoss, loss]);
    },
  );
});
