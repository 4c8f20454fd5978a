import '@tensorflow/tfjs';
import { randomStream } from '@dskd/base';
import { describeBackends, expectClose, expectNoNewTensors, TOLERANCES } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs-core';
import { FUSION_RULES, fuseMaps, fuseScores } from './fusion-rule.js';
import { scoreBranches } from './score-branches.js';

const SIZE = 2 * 3 * 4;

/** Maps `[2, 3, 4]` of normal numbers; the caller disposes them. */
function mapsOf(count: number, scale: number): { tensors: tf.Tensor3D[]; values: Float32Array[] } {
  const values = Array.from({ length: count }, (_, index) => {
    const random = randomStream(index, 'map', scale);
    return Float32Array.from({ length: SIZE }, () => scale * random.normal());
  });
  return { tensors: values.map((map) => tf.tensor3d(map, [2, 3, 4])), values };
}

describeBackends('fusion of maps', (backend) => {
  for (const rule of FUSION_RULES) {
    test.each([
      [1, 1],
      [2, 1],
      [3, 5],
      [3, 1e4],
    ])(`${rule} of %p maps of size %p: pixel by pixel what it is of scores`, async (count, scale) => {
      const { tensors, values } = mapsOf(count, scale);
      const fused = await expectNoNewTensors(async () => {
        const map = fuseMaps(rule, tensors);
        expect(map.shape).toEqual([2, 3, 4]);
        const result = [...(await map.data())];
        map.dispose();
        return result;
      });
      const wanted = Array.from({ length: SIZE }, (_, pixel) =>
        fuseScores(
          rule,
          values.map((map) => map[pixel]!),
        ),
      );
      expectClose(fused, wanted, { relative: TOLERANCES[backend].elementwise });
      // The terms are still there.
      expect([...(await tensors[0]!.data())]).toEqual([...values[0]!]);
      tf.dispose(tensors);
    });
  }

  test('sums of the host and of the backend are the same float32 numbers', async () => {
    const { tensors, values } = mapsOf(3, 1);
    const fused = fuseMaps('sum', tensors);
    const wanted = Array.from({ length: SIZE }, (_, pixel) =>
      fuseScores(
        'sum',
        values.map((map) => map[pixel]!),
      ),
    );
    expect([...(await fused.data())]).toEqual(wanted);
    tf.dispose([fused, ...tensors]);
  });

  test.each(FUSION_RULES)('scored branches are fused by %s of weight times normalized map', async (rule) => {
    const { tensors, values } = mapsOf(2, 3);
    const [local, global] = tensors as [tf.Tensor3D, tf.Tensor3D];
    const normalizations = { local: { offset: 1, scale: 2 }, global: { offset: -1, scale: 0.5 } };
    const weights = { local: 1, global: 0.7 };
    const { fused, branches } = scoreBranches({ local, global }, normalizations, { sigma: 0, rule, weights });
    const wanted = Array.from({ length: SIZE }, (_, pixel) =>
      fuseScores(rule, [(values[0]![pixel]! - 1) / 2, (0.7 * (values[1]![pixel]! + 1)) / 0.5]),
    );
    expectClose(await fused.data(), wanted, { relative: 2 * TOLERANCES[backend].elementwise });
    tf.dispose([fused, ...branches.values(), ...tensors]);
  });
});
