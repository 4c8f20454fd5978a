import * as tf from '@tensorflow/tfjs';
import { expectClose } from '@dskd/test-support';
import { registerWasmGradients } from './index.js';
import { filled } from './on-both-backends.test.util.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
  registerWasmGradients();
});

function rowsOf(shape: [number, number], attributes: object): tf.Tensor[] {
  const inputs = { logits: filled(shape, 1), changes: tf.mul(filled(shape, 2), 0.2) };
  const outputs = tf.engine().runKernel<tf.Tensor[]>('ContextualAffinityRows', inputs, {
    largest: 1,
    halvings: 1,
    withWeights: true,
    ...attributes,
  });
  return outputs;
}

test.each([4, 36, 60, 148])('rows of %d positions are those of the definition in float64', (positions) => {
  tf.tidy(() => {
    const [excess, weights] = rowsOf([3, positions], {});
    const logits = filled([3, positions], 1).dataSync();
    const changes = tf.mul(filled([3, positions], 2), 0.2).dataSync();
    const wantedExcess: number[] = [];
    const wantedWeights: number[] = [];
    for (let row = 0; row < 3; row++) {
      const places = Array.from({ length: positions }, (_, i) => row * positions + i);
      const total = places.reduce((sum, at) => sum + Math.exp(logits[at]!), 0);
      const p = places.map((at) => Math.exp(logits[at]!) / total);
      const mean = places.reduce((sum, at, i) => sum + p[i]! * changes[at]!, 0);
      const growth = places.map((at) => Math.expm1(2 * (changes[at]! - mean)));
      const u = growth.reduce((sum, e, i) => sum + p[i]! * e, 0);
      wantedExcess.push(u);
      wantedWeights.push(...growth.map((e, i) => p[i]! * (e - u)));
    }
    expect([excess!.shape, weights!.shape]).toEqual([
      [3, 1],
      [3, positions],
    ]);
    expectClose(excess!.dataSync(), wantedExcess, { relative: 2e-6 });
    expectClose(weights!.dataSync(), wantedWeights, { relative: 2e-6 });
  });
});

test('weights are computed only when asked for, and nothing where positions do not fill vectors', () => {
  tf.tidy(() => {
    expect(rowsOf([2, 8], { withWeights: false })).toHaveLength(1);
    expect(rowsOf([2, 7], {})).toEqual([]);
  });
});
