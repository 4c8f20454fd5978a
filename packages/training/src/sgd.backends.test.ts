import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  readGolden,
  TOLERANCES,
} from '@dskd/test-support';
import { createOptimizer } from './create-optimizer.js';
import { network, SHAPES, train } from './optimizers.test.util.js';
import type { SgdOptions } from './sgd.js';
import { thrownBy } from './tiny-world.test.util.js';
import { captureVariables } from './training-state.js';

const FIXTURE = new URL('../test/fixtures/sgd.safetensors', import.meta.url);
const CASES: Record<string, SgdOptions> = {
  plain: { kind: 'sgd', learningRate: 0.1 },
  momentum: { kind: 'sgd', learningRate: 0.1, momentum: 0.9 },
  decay: { kind: 'sgd', learningRate: 0.1, momentum: 0.9, weightDecay: 0.05 },
};

describeBackends('SGD', (backend) => {
  test.each(Object.keys(CASES))('ten steps equal torch.optim.SGD (%s)', async (name) => {
    const golden = await readGolden(FIXTURE);
    const { losses, state, values } = await expectNoNewTensors(async () => {
      const parameters = network();
      const sgd = createOptimizer(parameters, CASES[name]!);
      const losses = await train(sgd, parameters, 0, 10);
      const state = await sgd.capture();
      const values = await captureVariables(parameters);
      sgd.dispose();
      tf.dispose([...parameters.values()]);
      return { losses, state, values };
    });
    const relative = TOLERANCES[backend].reduction;
    expect([state.step, state.secondMoments.size]).toEqual([10, 0]);
    expectClose(losses, golden.array(`${name}.losses`).data, { relative });
    for (const key of Object.keys(SHAPES)) {
      expectClose(values.get(key)!.data, golden.array(`${name}.${key}`).data, { relative });
      if (name === 'plain') continue;
      const buffer = golden.array(`${name}.${key}.momentum_buffer`).data;
      expectClose(state.firstMoments.get(key)!.data, buffer, { relative });
    }
  });

  test('continues with the same bits from a captured state, and refuses one of Adam', async () => {
    const whole = network();
    const first = createOptimizer(whole, CASES.decay!);
    await train(first, whole, 0, 5);
    const state = structuredClone(await first.capture());
    const copy = new Map([...whole].map(([name, variable]) => [name, tf.variable(variable.clone())]));
    await train(first, whole, 5, 10);

    const second = createOptimizer(copy, CASES.decay!);
    second.restore(state);
    await train(second, copy, 5, 10);
    expect(await captureVariables(copy)).toEqual(await captureVariables(whole));
    expect(await second.capture()).toEqual(await first.capture());

    const before = await second.capture();
    const ofAdam = await createOptimizer(copy, { learningRate: 1 }).capture();
    expect(thrownBy(() => second.restore(ofAdam))).toMatchObject({ code: 'shape-mismatch' });
    expect(await second.capture()).toEqual(before);
  });

  test('a parameter without a gradient is named, and nothing is updated', async () => {
    const parameters = network();
    const before = await captureVariables(parameters);
    const sgd = createOptimizer(parameters, CASES.momentum!);
    const some = new Map([['0.weight', tf.ones([10, 6])]]);
    expect(thrownBy(() => sgd.apply(some))).toMatchObject({ details: { parameter: '0.bias' } });
    expect(await captureVariables(parameters)).toEqual(before);
  });

  test('refuses invalid options', () => {
    for (const options of [{ learningRate: 0 }, { momentum: 1 }, { momentum: -0.1 }, { weightDecay: -1 }]) {
      const make = () => createOptimizer(new Map(), { kind: 'sgd', learningRate: 1, ...options });
      expect(thrownBy(make)).toMatchObject({ code: 'invalid-config' });
    }
  });
});
