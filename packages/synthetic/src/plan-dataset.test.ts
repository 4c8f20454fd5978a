import { CATEGORIES } from './categories.js';
import { planDataset } from './plan-dataset.js';

const OPTIONS = { category: 'tray', train: 10, validation: 4, test: 30, seed: 7 };

test('has the requested numbers: good images for training and validation, a third of each kind for testing', () => {
  const plan = planDataset(OPTIONS);
  const count = (split: string, label: string): number =>
    plan.filter((image) => image.split === split && image.label === label).length;
  expect(plan.length).toBe(44);
  expect([count('train', 'good'), count('validation', 'good'), count('test', 'good')]).toEqual([10, 4, 10]);
  expect([count('test', 'logical_anomalies'), count('test', 'structural_anomalies')]).toEqual([10, 10]);
});

test.each([
  [0, [0, 0, 0]],
  [1, [1, 0, 0]],
  [2, [1, 1, 0]],
  [3, [1, 1, 1]],
  [5, [2, 2, 1]],
])('%d test images are split into %j', (test, [good, logical, structural]) => {
  const plan = planDataset({ ...OPTIONS, train: 0, validation: 0, test });
  const labels = plan.map(({ label }) => label);
  expect(labels).toEqual([
    ...Array<string>(good!).fill('good'),
    ...Array<string>(logical!).fill('logical_anomalies'),
    ...Array<string>(structural!).fill('structural_anomalies'),
  ]);
});

test('no two images have the same scene or path', () => {
  const plan = planDataset(OPTIONS);
  expect(new Set(plan.map(({ split, index }) => `${split} ${index}`)).size).toBe(plan.length);
  expect(new Set(plan.map(({ path }) => path)).size).toBe(plan.length);
  expect(plan[0]!.path).toBe('train/good/000');
  expect(plan.at(-1)!.path).toBe('test/structural_anomalies/009');
});

test.each(CATEGORIES)('$name: the types of each kind alternate', ({ name, anomalies }) => {
  const plan = planDataset({ ...OPTIONS, category: name, test: 120 });
  for (const kind of ['logical_anomalies', 'structural_anomalies'] as const) {
    const uses = anomalies
      .filter((anomaly) => anomaly.kind === kind)
      .map(
        (anomaly) => plan.filter((image) => image.anomaly === anomaly.name && image.label === kind).length,
      );
    expect(Math.min(...uses)).toBeGreaterThan(0);
    expect(Math.max(...uses) - Math.min(...uses)).toBeLessThanOrEqual(1);
  }
});

test('the seed determines the order', () => {
  const order = (seed: number): string =>
    planDataset({ ...OPTIONS, seed })
      .map(({ anomaly }) => anomaly)
      .join();
  expect(order(7)).toBe(order(7));
  expect(new Set([1, 2, 3, 4].map(order)).size).toBeGreaterThan(1);
});

test.each([
  [{ train: -1 }],
  [{ test: 1.5 }],
  [{ validation: Number.NaN }],
  [{ seed: -1 }],
  [{ category: 'none' }],
])('refuses %o', (wrong) => {
  expect(() => planDataset({ ...OPTIONS, ...wrong })).toThrow(/^Got /);
});
