import * as tf from '@tensorflow/tfjs';
import { expectClose } from '@dskd/test-support';
import { Adam } from './adam.js';
import { assertSchedule, batchesOfEpoch, countSteps, largestBatch, rateFactor } from './schedule.js';

describe('The batches of an epoch', () => {
  test.each([
    [8, 4, [4, 4]],
    [10, 4, [4, 4, 2]],
    // A single remaining image joins the previous batch.
    [9, 4, [4, 5]],
    [5, 4, [5]],
    [3, 4, [3]],
    [1, 4, [1]],
    [3, 1, [1, 1, 1]],
  ])('%i images in batches of %i', (images, batchSize, sizes) => {
    const batches = batchesOfEpoch(images, batchSize, 3, 0);
    expect(batches.map(({ length }) => length)).toEqual(sizes);
    expect(countSteps(images, batchSize)).toBe(sizes.length);
    expect(largestBatch(images, batchSize)).toBe(Math.max(...sizes));
    expect(batches.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: images }, (_, i) => i));
  });

  test('depend only on seed and epoch', () => {
    const batches = batchesOfEpoch(50, 8, 1, 2);
    expect(batchesOfEpoch(50, 8, 1, 2)).toEqual(batches);
    expect(batchesOfEpoch(50, 8, 1, 3)).not.toEqual(batches);
    expect(batchesOfEpoch(50, 8, 2, 2)).not.toEqual(batches);
    expect(batchesOfEpoch(50, 5, 1, 2).flat()).toEqual(batches.flat());
  });
});

describe('A learning-rate schedule', () => {
  test('has a warm-up and a constant rate, decreases by half a cosine, and ends at its final rate', () => {
    const schedule = { kind: 'cosine', steps: 12, warmUpSteps: 2, plateauSteps: 2, final: 0.2 } as const;
    const factors = [0, 1, 2, 3, 4, 8, 12, 20].map((step) => rateFactor(schedule, step));
    expectClose(factors, [0.5, 1, 1, 1, 1, 0.6, 0.2, 0.2], { absolute: 1e-12 });
  });

  test('is a cosine to zero by default', () => {
    const factors = [0, 1, 2, 3, 4].map((step) => rateFactor({ kind: 'cosine', steps: 4 }, step));
    expectClose(factors, [1, (2 + Math.SQRT2) / 4, 0.5, (2 - Math.SQRT2) / 4, 0], { absolute: 1e-12 });
  });

  test('falls with the inverse of time, as the decay of Keras', () => {
    const schedule = { kind: 'inverse-time', decay: 0.5 } as const;
    expect([0, 1, 2, 6].map((step) => rateFactor(schedule, step))).toEqual([1, 2 / 3, 0.5, 0.25]);
    for (const decay of [-1, NaN, Infinity]) {
      expect(() => assertSchedule({ ...schedule, decay })).toThrow(/schedule/);
    }
  });

  test.each([
    { steps: 0 },
    { steps: 2.5 },
    { steps: 4, warmUpSteps: 3, plateauSteps: 2 },
    { steps: 4, warmUpSteps: -1 },
    { steps: 4, final: 1.1 },
    { steps: 4, final: NaN },
  ])('refuses %j', (schedule) => {
    expect(() => assertSchedule({ kind: 'cosine', ...schedule })).toThrow(/schedule/);
    expect(() => new Adam(new Map(), { learningRate: 1, schedule: { kind: 'cosine', ...schedule } })).toThrow(
      /schedule/,
    );
  });

  test('falls once by a factor where it is told so', () => {
    const schedule = { kind: 'step', after: 3, factor: 0.1 } as const;
    expect([0, 2, 3, 99].map((step) => rateFactor(schedule, step))).toEqual([1, 1, 0.1, 0.1]);
    assertSchedule(schedule);
    for (const wrong of [{ after: 1.5 }, { after: -1 }, { factor: 1.1 }, { factor: NaN }]) {
      expect(() => assertSchedule({ ...schedule, ...wrong })).toThrow(/schedule/);
    }
  });

  test('is applied by Adam, also after a restored state', async () => {
    await tf.setBackend('cpu');
    const schedule = { kind: 'cosine', steps: 4, warmUpSteps: 1 } as const;
    // With a constant gradient each update of Adam has the size of the learning rate.
    const variable = tf.variable(tf.tensor1d([0]));
    const gradients = new Map([['x', tf.tensor1d([1])]]);
    const options = { learningRate: 0.1, beta2: 0.5, schedule };
    const adam = new Adam(new Map([['x', variable]]), options);
    const lengths: number[] = [];
    const step = async (optimizer: Adam): Promise<void> => {
      const [before] = await variable.data();
      optimizer.apply(gradients);
      lengths.push(before! - (await variable.data())[0]!);
    };
    for (let i = 0; i < 2; i++) await step(adam);
    const resumed = new Adam(new Map([['x', variable]]), options);
    resumed.restore(await adam.capture());
    for (let i = 0; i < 3; i++) await step(resumed);
    expectClose(lengths, [0.1, 0.1, 0.075, 0.025, 0], { absolute: 1e-6 });
    adam.dispose();
    resumed.dispose();
    tf.dispose([variable, ...gradients.values()]);
  });
});
