import '@tensorflow/tfjs';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type * as tf from '@tensorflow/tfjs-core';
import type { AnomalyModel } from '../contract.js';
import type { PartPlans } from './feature-model.js';
import { batchOf, blockImage } from './pooling-teacher.test.util.js';
import { fitted, imageScoresOf, plans, scoresOf, teach } from './tiny-models.test.util.js';

const TRAINING = Array.from({ length: 10 }, (_, index) => blockImage(index + 1));
/** Darker than all others at the upper left: the branches take it for an anomaly. */
const UNUSUAL = blockImage(31).map((value, at) => (at % 96 < 48 && at < 1536 ? 0.1 * value : value));
const FAR = [41, 42, 43].map(blockImage);

const PLANS: PartPlans = {
  local: plans.bank({ coreset: { count: 60 } }),
  global: plans.subspace({ gridLevel: 2 }),
  pooled: plans.pooled(),
};

let model: AnomalyModel;
beforeAll(() => useBackend('cpu'));
beforeEach(async () => {
  model = await fitted(TRAINING, PLANS);
});
afterEach(() => model.dispose());

test('a taught image scores far lower in every branch; others hardly change', async () => {
  const scores = async (branch: string): Promise<number[]> => imageScoresOf(model, branch, [UNUSUAL, ...FAR]);
  const before: Record<string, number[]> = {};
  for (const { name } of model.branches) before[name] = await scores(name);
  await teach(model, [UNUSUAL]);
  for (const { name } of model.branches) {
    const [taught, ...others] = await scores(name);
    const [taughtBefore, ...othersBefore] = before[name]!;
    expect(taught).toBeLessThan(0.6 * taughtBefore!);
    // One more direction takes a part of every residual and distance, the larger the fewer dimensions there are.
    const change = { global: 0.4, pooled: 0.3 }[name] ?? 0.001;
    others.forEach((score, index) => {
      expect(Math.abs(score / othersBefore[index]! - 1)).toBeLessThan(change);
    });
  }
});

test('the same image once more adds nothing to bank and subspace; each lesson is forgotten by itself', async () => {
  const rows = (): (number | undefined)[] =>
    ['local.rows', 'global.components', 'pooled.taught'].map(
      (name) => model.state().tensors.get(name)?.shape[0],
    );
  const before = rows();
  await teach(model, [UNUSUAL]);
  const once = rows();
  expect(once[1]).toBe(before[1]! + 1);
  await teach(model, [UNUSUAL]);
  const twice = rows();
  expect(twice.slice(0, 2)).toEqual(once.slice(0, 2));
  expect(twice[2]).toBe(2 * once[2]!);
  model.forget!();
  expect(rows()).toEqual(once);
  model.forget!();
  expect(rows()).toEqual(before);
});

test('a lesson adds no more than 256 rows and 16 components, however many images it has', async () => {
  const before = model.state().tensors;
  await teach(
    model,
    Array.from({ length: 20 }, (_, index) => blockImage(100 + index).map((value) => 3 * value)),
  );
  const after = model.state().tensors;
  const added = (name: string): number => after.get(name)!.shape[0]! - before.get(name)!.shape[0]!;
  expect(added('local.rows')).toBe(256);
  expect(added('global.components')).toBe(16);
});

test('patches of lessons are found under indexes after those of the fit, lesson by lesson', async () => {
  const lessons = [[FAR[0]!, FAR[1]!, UNUSUAL], [blockImage(51).map((value) => 2 * value)]];
  for (const lesson of lessons) await teach(model, lesson);
  const nearest = async (image: Float32Array): Promise<unknown> => {
    const batch = batchOf([image]);
    const [found] = await model.nearest!(batch, [[1, 1]]);
    batch.dispose();
    return [found!.image, found!.area, found!.distance < 1e-3];
  };
  const area = { x: 0, y: 0, width: 8, height: 8 };
  expect(await nearest(UNUSUAL)).toEqual([12, area, true]);
  expect(await nearest(lessons[1]![0]!)).toEqual([13, area, true]);
  expect(await nearest(TRAINING[4]!)).toEqual([4, area, true]);
});

test('an error within a lesson leaves the model as it was, and the next lesson to itself', async () => {
  // The bank makes the tensors of its search at the first one.
  await scoresOf(model, [UNUSUAL]);
  const before = structuredClone(model.state());
  await expectNoNewTensors(async () => {
    async function* broken(): AsyncGenerator<tf.Tensor4D> {
      const batch = batchOf([UNUSUAL]);
      yield await Promise.resolve(batch);
      batch.dispose();
      throw new Error('gone');
    }
    await expect(model.extend!(broken())).rejects.toThrow('gone');
  });
  expect(model.state()).toEqual(before);
  await teach(model, [FAR[0]!]);
  const other = await fitted(TRAINING, PLANS);
  await teach(other, [FAR[0]!]);
  expect(model.state()).toEqual(other.state());
  other.dispose();
});

test('a lesson with NaN is refused and changes nothing', async () => {
  await scoresOf(model, [UNUSUAL]);
  const before = structuredClone(model.state());
  await expectNoNewTensors(() =>
    expect(teach(model, [UNUSUAL, new Float32Array(UNUSUAL.length).fill(NaN)])).rejects.toMatchObject({
      code: 'invalid-argument',
    }),
  );
  expect(model.state()).toEqual(before);
});

test('a lesson without images is refused', async () => {
  const before = structuredClone(model.state());
  await expect(teach(model, [])).rejects.toMatchObject({
    code: 'invalid-argument',
    message: 'Got no images to learn; wanted at least one.',
  });
  expect(model.state()).toEqual(before);
});

test('scores after forgetting are those before the lesson, bit for bit', async () => {
  const before = await scoresOf(model, [UNUSUAL, ...FAR]);
  await teach(model, [UNUSUAL, FAR[1]!]);
  expect(await scoresOf(model, [UNUSUAL, ...FAR])).not.toEqual(before);
  model.forget!();
  expect(await scoresOf(model, [UNUSUAL, ...FAR])).toEqual(before);
});

test('a model with a part that is fixed by its fit learns nothing, and says which', async () => {
  const fixed = await fitted(TRAINING, { local: plans.positions(), global: plans.pooled() });
  const refusal = {
    code: 'invalid-argument',
    message: 'The method tiny cannot learn further images: its branch local is fixed by the fit.',
  };
  await expect(teach(fixed, [UNUSUAL])).rejects.toMatchObject(refusal);
  expect(() => fixed.forget!()).toThrow(expect.objectContaining(refusal) as Error);
  fixed.dispose();
});
