import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  integerFill,
  TOLERANCES,
} from '@dskd/test-support';
import { createObjective } from './objectives.js';

type Shape = [number, number, number, number];
const [LOCAL, GLOBAL]: [Shape, Shape] = [
  [2, 3, 2, 4],
  [2, 3, 2, 3],
];

describeBackends('the objective of GCAD', (backend) => {
  const { reduction: relative } = TOLERANCES[backend];

  test('three mean squared errors, no gradient of E_glo, and the two distances as maps', async () => {
    await expectNoNewTensors(async () => {
      const objective = createObjective({ name: 'globalContext' });
      const names = ['teacher', 'local', 'bridged', 'encoded', 'global'];
      const shapes = [LOCAL, LOCAL, LOCAL, GLOBAL, GLOBAL];
      const values = names.map((name, i) => integerFill(name, shapes[i]!));
      const [teacher, ...outputs] = values.map((data, i) => tf.tensor4d(data, shapes[i]));
      const { value, grads } = tf.valueAndGrads((...given: tf.Tensor[]) =>
        objective.loss([teacher!], given as tf.Tensor4D[]),
      )(outputs);
      const [t, local, bridged, encoded, global] = values as [
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      const meanError = (from: Float32Array, to: Float32Array): number =>
        from.reduce((sum, each, i) => sum + (each - to[i]!) ** 2, 0) / from.length;
      const loss = meanError(t, local) + meanError(t, bridged) + meanError(encoded, global);
      expectClose(await value.data(), [loss], { relative });
      const slope = (from: Float32Array, to: Float32Array): number[] =>
        Array.from(to, (each, i) => (2 * (each - from[i]!)) / to.length);
      const wanted = [slope(t, local), slope(t, bridged), encoded.map(() => 0), slope(encoded, global)];
      for (const [i, gradient] of grads.entries()) {
        expectClose(await gradient.data(), wanted[i]!, { relative });
      }
      const maps = objective.map([teacher!], outputs);
      const distances = (from: Float32Array, to: Float32Array): number[] => {
        const channels = from.length / 12;
        return Array.from({ length: 12 }, (_, at) =>
          Math.hypot(
            ...Array.from({ length: channels }, (__, c) => from[at * channels + c]! - to[at * channels + c]!),
          ),
        );
      };
      expect(maps.map(({ shape }) => shape)).toEqual([
        [2, 3, 2],
        [2, 3, 2],
      ]);
      expectClose(await maps[0]!.data(), distances(t, local), { relative });
      expectClose(await maps[1]!.data(), distances(encoded, global), { relative });
      expect(() => objective.loss([teacher!], outputs.slice(0, 3))).toThrow(/3 outputs/);
      tf.dispose([teacher!, ...outputs, value, ...grads, ...maps]);
    });
  });
});
