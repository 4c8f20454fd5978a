import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  readGolden,
  TOLERANCES,
} from '@dskd/test-support';
import { Adam } from './adam.js';
import { captureVariables } from './training-state.js';
import type { AdamOptions } from './adam.js';
import { network, SHAPES, train } from './optimizers.test.util.js';
import { thrownBy } from './tiny-world.test.util.js';

const FIXTURE = new URL('../test/fixtures/adam.safetensors', import.meta.url);
const CASES: Record<string, AdamOptions> = {
  default: { learningRate: 0.005 },
  decay: { learningRate: 0.01, beta1: 0.9, weightDecay: 0.1 },
  epsilon: { learningRate: 0.05, beta1: 0.9, beta2: 0.99, epsilon: 1e-2 },
};

describeBackends('Adam', (backend) => {
  test.each(Object.keys(CASES))('ten steps equal torch.optim.Adam (%s)', async (name) => {
    const golden = await readGolden(FIXTURE);
    const { losses, state, values } = await expectNoNewTensors(async () => {
      const parameters = network();
      const adam = new Adam(parameters, CASES[name]!);
      const losses = await train(adam, parameters, 0, 10);
      const state = await adam.capture();
      const values = await captureVariables(parameters);
      adam.dispose();
      tf.dispose([...parameters.values()]);
      return { losses, state, values };
    });
    // The requirement is 1e-4; a small network stays within the backend's tolerance for sums.
    const relative = TOLERANCES[backend].reduction;
    expect(state.step).toBe(10);
    expectClose(losses, golden.array(`${name}.losses`).data, { relative });
    for (const key of Object.keys(SHAPES)) {
      expectClose(values.get(key)!.data, golden.array(`${name}.${key}`).data, { relative });
      expectClose(state.firstMoments.get(key)!.data, golden.array(`${name}.${key}.exp_avg`).data, {
        relative,
      });
      expectClose(state.secondMoments.get(key)!.data, golden.array(`${name}.${key}.exp_avg_sq`).data, {
        relative,
      });
    }
  });

  test('continues with the same bits from a captured state', async () => {
    const whole = network();
    const first = new Adam(whole, CASES.default!);
    await train(first, whole, 0, 5);
    const state = structuredClone(await first.capture());
    const copy = new Map([...whole].map(([name, variable]) => [name, tf.variable(variable.clone())]));
    await train(first, whole, 5, 10);

    const second = new Adam(copy, CASES.default!);
    second.restore(state);
    await train(second, copy, 5, 10);
    expect(await captureVariables(copy)).toEqual(await captureVariables(whole));
    expect(await second.capture()).toEqual(await first.capture());
  });

  test('refuses a state of other parameters, names all of them, and changes nothing', async () => {
    const parameters = network();
    const adam = new Adam(parameters, CASES.default!);
    const moments = new Map((await adam.capture()).firstMoments);
    moments.delete('0.bias');
    moments.set('extra', { shape: [1], data: new Float32Array(1) });
    expect(() => adam.restore({ step: 3, firstMoments: moments, secondMoments: moments })).toThrow(
      /first moments.*extra: not wanted.*0\.bias: missing/,
    );
    expect((await adam.capture()).step).toBe(0);
  });

  test('refuses invalid options', () => {
    for (const options of [
      { learningRate: 0 },
      { learningRate: NaN },
      { learningRate: 1, beta1: 1 },
      { learningRate: 1, epsilon: 0 },
      { learningRate: 1, weightDecay: -1 },
    ]) {
      expect(thrownBy(() => new Adam(new Map(), options))).toMatchObject({ code: 'invalid-config' });
    }
  });
});
