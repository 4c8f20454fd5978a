import * as tf from '@tensorflow/tfjs';
import { expectClose, useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { affinityRow, rowsOf, teacherAndStudent, unitsOf } from './float64-oracle.test.util.js';
import { contextualAffinityLoss, contextualAffinityMap } from './index.js';

function ranks(values: ArrayLike<number>): number[] {
  const order = Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const result = new Array<number>(values.length);
  order.forEach((index, rank) => (result[index] = rank));
  return result;
}

function rankCorrelation(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const [a, b] = [ranks(x), ranks(y)];
  const n = a.length;
  return 1 - (6 * a.reduce((sum, rank, i) => sum + (rank - b[i]!) ** 2, 0)) / (n * (n * n - 1));
}

// 29 x 31 positions need two blocks and have no divisor near a block's size, so the last is padded.
const CASES = [
  { shape: [1, 16, 16, 32] as const, temperature: 1, distance: 0.001 },
  { shape: [1, 16, 16, 32] as const, temperature: 0.5, distance: 0.001 },
  { shape: [1, 16, 16, 32] as const, temperature: 0.1, distance: 0.001 },
  { shape: [1, 29, 31, 16] as const, temperature: 1, distance: 0.1 },
  { shape: [1, 29, 31, 16] as const, temperature: 0.1, distance: 1 },
  { shape: [1, 28, 32, 16] as const, temperature: 1, distance: 0.01 },
  { shape: [1, 28, 32, 16] as const, temperature: 0.05, distance: 1 },
  { shape: [1, 2, 6, 8] as const, temperature: 4, distance: 0.1 },
  ...[0.02, 0.01, 0.001].flatMap((temperature) =>
    [1, 0.1, 0.001].map((distance) => ({ shape: [1, 16, 16, 32] as const, temperature, distance })),
  ),
  { shape: [1, 16, 16, 32] as const, temperature: 0.049, distance: 0.1 },
  { shape: [1, 27, 23, 4] as const, temperature: 0.01, distance: 0.1 },
  { shape: [1, 8, 8, 250] as const, temperature: 0.001, distance: 0.1 },
];

describe.each([
  { by: 'operations of TensorFlow.js', register: () => () => undefined, cases: CASES },
  {
    by: 'a kernel of our own',
    register: registerWasmGradients,
    cases: CASES.filter(({ shape, temperature }) => (shape[1] * shape[2]) % 4 === 0 && temperature >= 0.05),
  },
])('contextual affinity on wasm, by $by, against the definition in float64', ({ register, cases }) => {
  let undo: () => void;
  beforeAll(async () => {
    await useBackend('wasm');
    undo = register();
  });
  afterAll(() => {
    undo();
  });

  test.each(cases)('$shape, T = $temperature, $distance away', async ({ shape, temperature, distance }) => {
    const [, height, width, channels] = shape;
    const { teacher, student } = teacherAndStudent(
      height * width,
      channels,
      distance,
      temperature < 0.05 ? 0.1 : undefined,
    );
    const units = unitsOf(rowsOf(teacher, channels));
    const wanted = rowsOf(student, channels).map((row, i) => affinityRow(units, i, row, temperature));
    const [t, s] = [tf.tensor4d(teacher, [...shape]), tf.tensor4d(student, [...shape])];

    const map = contextualAffinityMap(t, s, { temperature });
    const got = await map.data();
    const exact = wanted.map(({ value }) => value);
    const relative = distance >= 0.1 ? 1e-4 : 1e-2;
    got.forEach((entry, i) => {
      expect(entry).toBeGreaterThanOrEqual(0);
      expect(Math.abs(entry - exact[i]!)).toBeLessThanOrEqual(relative * exact[i]! + 1e-9);
    });
    expect(rankCorrelation(got, exact)).toBeGreaterThan(0.99);

    const { value, grad } = tf.valueAndGrad((x: tf.Tensor) =>
      contextualAffinityLoss(t, x as tf.Tensor4D, { temperature }),
    )(s);
    const mean = exact.reduce((sum, x) => sum + x, 0) / exact.length;
    expectClose(await value.data(), [mean], { relative: distance >= 0.1 ? 1e-4 : 1e-3, absolute: 1e-9 });
    expectClose(
      await grad.data(),
      wanted.flatMap(({ gradient }) => [...gradient.map((entry) => entry / exact.length)]),
      { relative: distance >= 0.1 ? 1e-4 : 1e-2 },
    );
    tf.dispose([t, s, map, value, grad]);
  });

  // What @dskd/onnx records: one backend of TensorFlow.js is told that its tanh is fast.
  test.each([
    { temperature: 4, distance: 0.1 },
    { temperature: 1, distance: 1 },
    { temperature: 1, distance: 0.001 },
    { temperature: 0.1, distance: 0.1 },
  ])('by tanh, on cpu, T = $temperature, $distance away', async ({ temperature, distance }) => {
    await useBackend('cpu');
    const backend = tf.backend() as { hasFastTanh?: boolean };
    backend.hasFastTanh = true;
    try {
      const { teacher, student } = teacherAndStudent(256, 32, distance);
      const units = unitsOf(rowsOf(teacher, 32));
      const wanted = rowsOf(student, 32).map((row, i) => affinityRow(units, i, row, temperature).value);
      const [t, s] = [teacher, student].map((data) => tf.tensor4d(data, [1, 16, 16, 32])) as [
        tf.Tensor4D,
        tf.Tensor4D,
      ];
      const map = contextualAffinityMap(t, s, { temperature });
      const relative = distance >= 0.1 ? 1e-4 : 1e-2;
      (await map.data()).forEach((entry, i) => {
        expect(Math.abs(entry - wanted[i]!)).toBeLessThanOrEqual(relative * wanted[i]! + 1e-9);
      });
      tf.dispose([t, s, map]);
    } finally {
      delete backend.hasFastTanh;
      await useBackend('wasm');
    }
  });

  // T^2 KL / T tends to how much more the student likes its nearest teacher vector than the right one.
  test.each([1e-8, 1e-20])('at T = %d the limit of T -> 0, finite', async (temperature) => {
    const [positions, channels] = [64, 8];
    const { teacher, student } = teacherAndStudent(positions, channels, 1);
    const units = unitsOf(rowsOf(teacher, channels));
    const wanted = unitsOf(rowsOf(student, channels)).map((s, i) => {
      const similarities = units.map((t) => t.reduce((sum, x, c) => sum + x * s[c]!, 0));
      return Math.max(...similarities) - similarities[i]!;
    });
    const [t, s] = [teacher, student].map((data) => tf.tensor4d(data, [1, 8, 8, channels])) as [
      tf.Tensor4D,
      tf.Tensor4D,
    ];
    const map = contextualAffinityMap(t, s, { temperature });
    const got = Float64Array.from(await map.data(), (value) => value / temperature);
    expectClose(got, wanted, { absolute: 1e-6 });
    expect(Math.max(...wanted)).toBeGreaterThan(0.1);
    const grad = tf.grad((x: tf.Tensor) => contextualAffinityLoss(t, x as tf.Tensor4D, { temperature }))(s);
    const largest = Math.max(...(await grad.data()).map(Math.abs));
    expect(largest / temperature).toBeGreaterThan(1e-4);
    expect(largest / temperature).toBeLessThan(1);
    tf.dispose([t, s, map, grad]);
  });
});
