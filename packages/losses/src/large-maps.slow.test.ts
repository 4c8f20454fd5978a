import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { expectClose, useBackend } from '@dskd/test-support';
import { affinityRow, rowsOf, teacherAndStudent, unitsOf } from './float64-oracle.test.util.js';
import { contextualAffinityLoss, contextualAffinityMap } from './index.js';

const MEGABYTE = 1e6;

describe('contextual affinity at 64 x 64 x 256 on wasm', () => {
  test('batch 4, value and gradient in a fresh process: under 96 MB over inputs and outputs', async () => {
    const program = fileURLToPath(new URL('./large-maps.test.util.js', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [program]);
    const grown = JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, number>;
    expect(grown.value).toBeGreaterThan(0);
    expect(grown.tensorGrowth).toBeLessThan(96 * MEGABYTE);
    expect(grown.heapGrowth).toBeLessThan(96 * MEGABYTE);
    expect(grown.left).toBeLessThan(100);
  });

  test.each([
    { distance: 1, temperature: 0.1 },
    { distance: 0.1, temperature: 1 },
    { distance: 0.001, temperature: 0.5 },
  ])('map and gradient, $distance away, T = $temperature', async ({ distance, temperature }) => {
    await useBackend('wasm');
    const [positions, channels] = [4096, 256];
    const { teacher, student } = teacherAndStudent(positions, channels, distance);
    const [t, s] = [teacher, student].map((data) => tf.tensor4d(data, [1, 64, 64, channels])) as [
      tf.Tensor4D,
      tf.Tensor4D,
    ];
    const map = contextualAffinityMap(t, s, { temperature });
    const grad = tf.grad((x: tf.Tensor) => contextualAffinityLoss(t, x as tf.Tensor4D, { temperature }))(s);
    const [gotMap, gotGradient] = [await map.data(), await grad.data()];
    const units = unitsOf(rowsOf(teacher, channels));
    for (let row = 5; row < positions; row += 251) {
      const exact = affinityRow(units, row, rowsOf(student, channels, row, 1)[0]!, temperature);
      const relative = distance >= 0.1 ? 1e-4 : 1e-2;
      expect(Math.abs(gotMap[row]! - exact.value)).toBeLessThanOrEqual(relative * exact.value + 1e-9);
      expectClose(
        gotGradient.subarray(row * channels, (row + 1) * channels),
        exact.gradient.map((entry) => entry / positions),
        { relative },
      );
    }
    expect(gotMap.every((entry) => entry >= 0)).toBe(true);
    tf.dispose([t, s, map, grad]);
  });
});
