import * as tf from '@tensorflow/tfjs';
import { describeBackends, expectClose, expectNoNewTensors, integerFill } from '@dskd/test-support';
import { doublingByThree } from './doubling-by-three.js';
import { fromTorch, NetworkPlan } from './network-plan.js';

describeBackends('a transposed 3x3 convolution with stride 2', () => {
  test.each([
    [4, 6],
    [3, 5],
  ] as const)(
    'to %p x %p: as torch defines it, with padding 1 and output padding 1',
    async (height, width) => {
      await expectNoNewTensors(async () => {
        const [inputs, outputs, rows, columns] = [2, 3, Math.ceil(height / 2), Math.ceil(width / 2)];
        const plan = new NetworkPlan();
        const layer = doublingByThree(plan, 'up', inputs, [height, width], outputs);
        plan.allocate(1);
        const kernel = integerFill('kernel', [inputs, outputs, 3, 3]);
        const { variable } = plan.slots[0]!;
        const kept = fromTorch('convolution', [inputs, outputs, 3, 3], kernel);
        tf.tidy(() => variable.assign(tf.tensor(kept, variable.shape)));
        const values = integerFill('map', [rows, columns, inputs]);
        const x = tf.tensor4d(values, [1, rows, columns, inputs]);
        const y = layer.apply(x, { training: false, batchNormMomentum: 0 });
        expect([y.shape, layer.shape]).toEqual([
          [1, height, width, outputs],
          [height, width, outputs],
        ]);
        // Position i spreads over 2 i - 1 to 2 i + 1.
        const wanted = new Float64Array(height * width * outputs);
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < columns; j++) {
            for (let tap = 0; tap < 9; tap++) {
              const [row, column] = [2 * i - 1 + Math.floor(tap / 3), 2 * j - 1 + (tap % 3)];
              if (row < 0 || column < 0 || row >= height || column >= width) continue;
              for (let from = 0; from < inputs; from++) {
                for (let to = 0; to < outputs; to++) {
                  wanted[(row * width + column) * outputs + to]! +=
                    values[(i * columns + j) * inputs + from]! * kernel[(from * outputs + to) * 9 + tap]!;
                }
              }
            }
          }
        }
        expectClose(await y.data(), wanted, { relative: 1e-6 });
        tf.dispose([x, y]);
        plan.dispose();
      });
    },
  );
});
