import * as tf from '@tensorflow/tfjs';
import { describeBackends, expectClose, expectNoNewTensors } from '@dskd/test-support';
import { NetworkPlan } from '../layers/network-plan.js';
import { planMemory, type Memory } from './memory.js';

function memoryOf(plan: NetworkPlan, items: readonly (readonly number[])[]): Memory {
  const memory = planMemory(plan, items.length, items[0]!.length);
  plan.allocate(null);
  const { variable } = plan.slots[0]!;
  tf.tidy(() => {
    const columns = tf.transpose(tf.tensor2d(items.map((item) => [...item])));
    variable.assign(tf.reshape(columns, variable.shape));
  });
  return memory;
}

describeBackends('the memory of MNAD', () => {
  test('two items and three queries, computed by hand: what is read, without a gradient, and the update', async () => {
    await expectNoNewTensors(async () => {
      const plan = new NetworkPlan();
      const memory = memoryOf(plan, [
        [1, 0],
        [0, 1],
      ]);
      // Products with the items: 1 and 0, 0.6 and 0.8, 0.8 and 0.6.
      const queries = tf.tensor2d([1, 0, 0.6, 0.8, 0.8, 0.6], [3, 2]);
      const { value, grad } = tf.valueAndGrad((x: tf.Tensor2D) => memory.read(x))(queries);
      const near = 1 / (1 + Math.exp(-1));
      const less = 1 / (1 + Math.exp(-0.2));
      expectClose(await value.data(), [near, 1 - near, 1 - less, less, less, 1 - less], { absolute: 1e-6 });
      expect(Array.from(await grad.data())).toEqual([0, 0, 0, 0, 0, 0]);

      memory.update(queries);
      // The first and the third query are nearest to the first item, the second one to the second.
      const first = [1 + 1 + Math.exp(-0.2) * 0.8, Math.exp(-0.2) * 0.6] as const;
      const second = [0.6, 1 + 0.8] as const;
      const unit = ([x, y]: readonly [number, number]): number[] => [
        x / Math.hypot(x, y),
        y / Math.hypot(x, y),
      ];
      const items = memory.items();
      expect(items.shape).toEqual([1, 1, 2, 2]);
      expectClose(await items.data(), [...unit(first), ...unit(second)], { absolute: 1e-6 });
      tf.dispose([queries, value, grad, items]);
      plan.dispose();
    });
  });

  test('an item that is nearest to nothing stays', async () => {
    const plan = new NetworkPlan();
    const memory = memoryOf(plan, [
      [1, 0],
      [0, 1],
    ]);
    const queries = tf.tensor2d([1, 0], [1, 2]);
    memory.update(queries);
    const items = memory.items();
    expectClose(await items.data(), [1, 0, 0, 1], { absolute: 1e-7 });
    tf.dispose([queries, items]);
    plan.dispose();
  });
});

test('a new memory holds unit vectors without negative entries, by the seed', async () => {
  const itemsOf = async (seed: number): Promise<Float32Array> => {
    const plan = new NetworkPlan();
    const memory = planMemory(plan, 5, 7);
    plan.allocate(seed);
    const items = memory.items();
    const values = await items.data<'float32'>();
    items.dispose();
    plan.dispose();
    return values;
  };
  const values = await itemsOf(1);
  expect(values.every((value) => value >= 0)).toBe(true);
  for (let item = 0; item < 5; item++) {
    expect(Math.hypot(...values.subarray(7 * item, 7 * item + 7))).toBeCloseTo(1, 6);
  }
  expect(await itemsOf(1)).toEqual(values);
  expect(await itemsOf(2)).not.toEqual(values);
});
