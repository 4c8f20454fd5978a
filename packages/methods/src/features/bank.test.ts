import '@tensorflow/tfjs';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type { AnomalyModel } from '../contract.js';
import type { BankOptions } from './part-options.js';
import { batchOf, blockImage } from './pooling-teacher.test.util.js';
import { fitted, plans, scoresOf } from './tiny-models.test.util.js';

const TRAINING = [1, 2, 3, 4, 5].map(blockImage);

beforeAll(() => useBackend('cpu'));

const bankOf = (options: Partial<BankOptions>, seed = 3): Promise<AnomalyModel> =>
  fitted(TRAINING, { local: plans.bank(options) }, { seed });

/** Where the rows of a bank come from, `[image, row, column]`. */
function originsOf(model: AnomalyModel): number[][] {
  const { data, shape } = model.state().tensors.get('local.origins')!;
  return Array.from({ length: shape[0]! }, (_, row) => [...(data as Int32Array).slice(3 * row, 3 * row + 3)]);
}

test.each([
  { coreset: { count: 9 }, rows: 9 },
  { coreset: { count: 1000 }, rows: 80 },
  { coreset: { fraction: 0.25 }, rows: 20 },
  { coreset: { fraction: 0.001 }, rows: 1 },
])('a coreset of $coreset of 80 patches has $rows rows, none twice', async ({ coreset, rows }) => {
  const model = await bankOf({ coreset });
  const origins = originsOf(model);
  expect(origins).toHaveLength(rows);
  expect(new Set(origins.map(String)).size).toBe(rows);
  model.dispose();
});

test('with a bound on patches each image gives as many, drawn by the seed; at least one', async () => {
  const draw = async (maxPatches: number, seed?: number): Promise<string[]> => {
    const model = await bankOf({ maxPatches, coreset: { fraction: 1 } }, seed);
    const origins = originsOf(model).map(String).sort();
    model.dispose();
    return origins;
  };
  const images = (origins: string[]): string => origins.map((origin) => origin[0]).join('');
  const drawn = await draw(15);
  expect(images(drawn)).toBe('000111222333444');
  expect(await draw(15)).toEqual(drawn);
  expect(await draw(15, 4)).not.toEqual(drawn);
  expect(images(await draw(2))).toBe('01234');
  expect(await draw(1000)).toHaveLength(80);
});

test('a projection chooses the rows; the bank keeps them as they are', async () => {
  const model = await bankOf({ coreset: { count: 6 }, projection: 4 });
  expect(model.state().tensors.get('local.rows')!.shape).toEqual([6, 15]);
  model.dispose();
});

test('positions can count where all features are 0', async () => {
  const black = [new Float32Array(32 * 32 * 3)];
  const model = await fitted(black, { local: plans.bank({ positionWeight: 1 }) });
  const { local } = await scoresOf(model, black);
  expect([...local!]).toEqual(new Array(16).fill(0));
  model.dispose();
});

test.each([
  [-1, 0],
  [0, 32],
  [32, 0],
  [NaN, 0],
  [0, Infinity],
])('the place %p, %p is outside of the image', async (row, column) => {
  const model = await bankOf({ coreset: { count: 2 } });
  const image = batchOf([TRAINING[0]!]);
  await expectNoNewTensors(() =>
    expect(model.nearest!(image, [[row, column]])).rejects.toMatchObject({ code: 'invalid-argument' }),
  );
  image.dispose();
  model.dispose();
});

test('a model without a bank knows no nearest patches', async () => {
  const model = await fitted(TRAINING, { global: plans.pooled() });
  const image = batchOf([TRAINING[0]!]);
  expect(await model.nearest!(image, [[0, 0]])).toEqual([]);
  image.dispose();
  model.dispose();
});
