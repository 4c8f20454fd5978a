import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  readGolden,
  type Golden,
} from '@dskd/test-support';
import { createObjective } from './index.js';

const fixture = (name: string): Promise<Golden> =>
  readGolden(new URL(`../test/fixtures/${name}.safetensors`, import.meta.url));
const usual = await fixture('losses');
const LEVELS = [0, 1];

function features(golden: Golden, name: string): tf.Tensor4D[] {
  return LEVELS.map((level) => {
    const { data, shape } = golden.array(`${name}.${level}`);
    return tf.tensor4d(Float32Array.from(data), shape as [number, number, number, number]);
  });
}

const affinities = (temperatures: readonly string[]) =>
  temperatures.map(
    (temperature) =>
      [
        `affinity.${temperature}`,
        createObjective({ name: 'contextualAffinity', options: { temperature: Number(temperature) } }),
      ] as const,
  );
const objectives = [
  ['perPixel', createObjective({ name: 'perPixelCosine' })],
  ['flattened', createObjective({ name: 'flattenedCosine' })],
  ...affinities(['1.0', '0.5', '0.1']),
  ['covariance', createObjective({ name: 'covarianceAffinity' })],
] as const;
const FIXTURES = [
  { temperatures: 'usual temperatures', golden: usual, objectives },
  // Teachers with close neighbors: with others p and the gradients would be 0.
  {
    temperatures: 'small temperatures',
    golden: await fixture('small-temperatures'),
    objectives: affinities(['0.02', '0.01', '0.001']),
  },
];

/** Bounds of values, and of gradients relative to the largest entry. */
const near = (distance: string): boolean => Number(distance) < 0.1;
const valueError = (distance: string): number => (near(distance) ? 1e-3 : 1e-4);
const gradientError = (distance: string): number => (Number(distance) < 0.01 ? 1e-2 : 1e-4);

describeBackends('losses against PyTorch in float64', () => {
  describe.each(FIXTURES)('$temperatures', ({ golden, objectives }) => {
    describe.each(['1.0', '0.1', '0.01', '0.001'])('student %s away', (distance) => {
      test.each(objectives)('%s', async (name, objective) => {
        await expectNoNewTensors(async () => {
          const teacher = features(golden, 'teacher');
          const student = features(golden, `${distance}.student`);
          const wanted = (part: string) => golden.array(`${distance}.${name}.${part}`).data;
          const closeness = { relative: valueError(distance), absolute: 1e-9 };

          const { value, grads } = tf.valueAndGrads((...inputs: tf.Tensor[]) =>
            objective.loss(teacher, inputs as tf.Tensor4D[]),
          )(student);
          expectClose(await value.data(), wanted('loss'), closeness);
          for (const level of LEVELS) {
            expectClose(await grads[level]!.data(), wanted(`gradient.${level}`), {
              relative: gradientError(distance),
            });
          }

          const maps = objective.map(teacher, student);
          const mapOf = name === 'flattened' ? 'perPixel' : name;
          for (const level of LEVELS) {
            const got = await maps[level]!.data();
            const exact = golden.array(`${distance}.${mapOf}.map.${level}`).data;
            // Each entry relative to itself, not to the largest.
            const relative =
              Number(distance) < 0.01 && name.startsWith('affinity') ? 1e-2 : valueError(distance);
            got.forEach((entry, i) => {
              expect(entry).toBeGreaterThanOrEqual(0);
              expect(Math.abs(entry - exact[i]!)).toBeLessThanOrEqual(relative * exact[i]! + 1e-9);
            });
          }
          tf.dispose([teacher, student, value, grads, maps]);
        });
      });
    });
  });

  test('an objective made from its description is the same', async () => {
    const teacher = features(usual, 'teacher');
    const student = features(usual, '0.1.student');
    for (const [, objective] of objectives) {
      const { name, options } = JSON.parse(JSON.stringify(objective)) as typeof objective;
      const again = createObjective({ name, options });
      const [got, wanted] = [again.loss(teacher, student), objective.loss(teacher, student)];
      expect(await got.data()).toEqual(await wanted.data());
      tf.dispose([got, wanted]);
    }
    tf.dispose([teacher, student]);
  });
});
