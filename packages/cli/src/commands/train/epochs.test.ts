import type { Sample } from '@dskd/data';
import { epochsFor } from './training-options.js';

const options = { epochs: undefined, batchSize: 16, holdOut: 0.1, seed: 1, calibrateOnTraining: false };

const samples = (count: number, split: Sample['split'] = 'train'): Sample[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `${split}/${index}`,
    split,
    label: 'good',
    defectType: 'good',
    load: () => Promise.reject(new Error('not read')),
  }));

test.each([
  // 180 of 200 train: 11 full batches an epoch.
  [200, 10],
  // 18 of 20 train: a step an epoch at least.
  [20, 100],
  [2, 100],
  // 45 of 50 train: 2 full batches an epoch.
  [50, 50],
])('%i good images: %i epochs', (count, epochs) => {
  expect(epochsFor(options, { samples: samples(count) })).toBe(epochs);
});

test('images that are not held out train, too', () => {
  const train = samples(33);
  expect(epochsFor(options, { samples: train })).toBe(100);
  expect(epochsFor({ ...options, calibrateOnTraining: true }, { samples: train })).toBe(50);
  expect(epochsFor(options, { samples: [...train, ...samples(3, 'validation')] })).toBe(50);
});

test('what was asked for is done', () => {
  expect(epochsFor({ ...options, epochs: 1 }, { samples: samples(20) })).toBe(1);
});
