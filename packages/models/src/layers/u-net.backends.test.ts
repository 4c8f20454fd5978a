import * as tf from '@tensorflow/tfjs';
import { describeBackends, expectNoNewTensors } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { noiseImages } from '../backbones/golden.test.util.js';
import { NetworkPlan } from './network-plan.js';
import { planSizes } from './plan-sizes.js';
import { uNet } from './u-net.js';

const MODE = { training: true, batchNormMomentum: 0.1 };

test('the published U-Net at 256 pixels has its parameters and its cost', () => {
  const plan = new NetworkPlan();
  const widths = [64, 128, 256, 512, 1024];
  const { shape } = uNet(plan, 'unet', [256, 256, 3], { widths, halvings: 0, outputs: 128 });
  expect(shape).toEqual([256, 256, 128]);
  // Pairs down and up, transposed convolutions, and the last one.
  const pairs = [
    ...widths.map((width, level) => [level === 0 ? 3 : widths[level - 1]!, width, 256 / 2 ** level]),
    ...[512, 256, 128, 64].map((width, i) => [2 * width, width, 32 * 2 ** i]),
  ] as [number, number, number][];
  let [parameters, macs] = [64 * 128 + 128, 64 * 128 * 256 ** 2];
  for (const [from, to, side] of pairs) {
    parameters += 9 * (from + to) * to + 2 * to;
    macs += 9 * (from + to) * to * side ** 2;
  }
  for (const [i, width] of [512, 256, 128, 64].entries()) {
    parameters += 4 * 2 * width * width;
    macs += 2 * width * width * (32 * 2 ** i) ** 2;
  }
  const sizes = planSizes(plan);
  expect(sizes.parameters).toBe(parameters);
  expect(sizes.gmac).toBeCloseTo(macs / 1e9, 9);
  // By the arithmetic of others: 48.2 to 48.7, from 10 to 128 channels of the output.
  expect(sizes.gmac).toBeCloseTo(48.7, 1);
});

describeBackends('a U-Net', () => {
  let undo: () => void;
  beforeAll(() => (undo = registerWasmGradients()));
  afterAll(() => undo());

  test.each([
    [0, [9, 6, 2]],
    [1, [5, 3, 2]],
  ] as const)(
    '%p halvings of an odd map: its shape, and a gradient of every parameter',
    async (halvings, shape) => {
      await expectNoNewTensors(async () => {
        const plan = new NetworkPlan();
        const layer = uNet(plan, 'unet', [9, 6, 3], { widths: [3, 4, 5], halvings, outputs: 2 });
        plan.allocate(3);
        const images = noiseImages(2, 9, 6);
        const { value, grads } = tf.variableGrads(
          () => {
            const y = layer.apply(images, MODE);
            expect([y.shape, layer.shape]).toEqual([[2, ...shape], shape]);
            return tf.mean<tf.Scalar>(tf.square(tf.sub(y, 0.3)));
          },
          plan.slots.map(({ variable }) => variable),
        );
        for (const { spec, variable } of plan.slots) {
          const values = await grads[variable.name]!.data<'float32'>();
          expect([spec.name, values.some((each) => each !== 0)]).toEqual([spec.name, true]);
        }
        tf.dispose([images, value, ...Object.values(grads)]);
        plan.dispose();
      });
    },
  );
});
