import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  integerFill,
  TOLERANCES,
} from '@dskd/test-support';
import { createOptimizer } from './create-optimizer.js';
import { network, train } from './optimizers.test.util.js';
import type { RmsPropOptions } from './rms-prop.js';
import { thrownBy } from './tiny-world.test.util.js';
import { captureVariables } from './training-state.js';

const OPTIONS: RmsPropOptions = { kind: 'rmsprop', learningRate: 0.1 };
const SHAPE = [3, 4] as const;

describeBackends('RMSProp', (backend) => {
  test('one step by hand, and ten steps of given gradients in float64', async () => {
    await expectNoNewTensors(async () => {
      const one = new Map([['p', tf.tidy(() => tf.variable(tf.tensor1d([1, 1])))]]);
      const first = createOptimizer(one, OPTIONS);
      tf.tidy(() => first.apply(new Map([['p', tf.tensor1d([2, -0.5])]])));
      // The mean squares begin at 1: 0.9 + 0.1 * 4 and 0.9 + 0.1 * 0.25.
      const wanted = [1 - 0.2 / Math.sqrt(1.3), 1 + 0.05 / Math.sqrt(0.925)];
      expectClose(await one.get('p')!.data(), wanted, { relative: 1e-6 });
      first.dispose();
      tf.dispose([...one.values()]);

      const [decay, epsilon, learningRate] = [0.7, 0.01, 0.05];
      const variable = tf.tidy(() => tf.variable(tf.tensor(integerFill('start', SHAPE), [...SHAPE])));
      const parameters = new Map([['p', variable]]);
      const schedule = { kind: 'step', after: 6, factor: 0.1 } as const;
      const optimizer = createOptimizer(parameters, {
        kind: 'rmsprop',
        learningRate,
        decay,
        epsilon,
        schedule,
      });
      const values = Float64Array.from(integerFill('start', SHAPE));
      const squares = new Float64Array(values.length).fill(1);
      for (let step = 0; step < 10; step++) {
        const gradient = integerFill(`gradient.${step}`, SHAPE);
        tf.tidy(() => optimizer.apply(new Map([['p', tf.tensor(gradient, [...SHAPE])]])));
        for (const [i, g] of gradient.entries()) {
          squares[i] = decay * squares[i]! + (1 - decay) * g * g;
          values[i]! -= (learningRate * (step < 6 ? 1 : 0.1) * g) / Math.sqrt(squares[i] + epsilon);
        }
      }
      const relative = TOLERANCES[backend].reduction;
      expectClose(await variable.data(), values, { relative });
      const state = await optimizer.capture();
      expect([state.step, state.firstMoments.size]).toEqual([10, 0]);
      expectClose(state.secondMoments.get('p')!.data, squares, { relative });
      optimizer.dispose();
      variable.dispose();
    });
  });

  test('continues with the same bits from a captured state, and refuses one of Adam', async () => {
    const whole = network();
    const first = createOptimizer(whole, OPTIONS);
    await train(first, whole, 0, 5);
    const state = structuredClone(await first.capture());
    const copy = new Map([...whole].map(([name, variable]) => [name, tf.variable(variable.clone())]));
    await train(first, whole, 5, 10);

    const second = createOptimizer(copy, OPTIONS);
    second.restore(state);
    await train(second, copy, 5, 10);
    expect(await captureVariables(copy)).toEqual(await captureVariables(whole));
    expect(await second.capture()).toEqual(await first.capture());
    const ofAdam = await createOptimizer(copy, { learningRate: 1 }).capture();
    expect(thrownBy(() => second.restore(ofAdam))).toMatchObject({ code: 'shape-mismatch' });
  });

  test('refuses invalid options', () => {
    for (const options of [{ learningRate: 0 }, { decay: 1 }, { decay: -0.1 }, { epsilon: 0 }]) {
      const make = () => createOptimizer(new Map(), { ...OPTIONS, ...options });
      expect(thrownBy(make)).toMatchObject({ code: 'invalid-config' });
    }
  });
});
