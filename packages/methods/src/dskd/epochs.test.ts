import { epochsFor } from './options.js';

const options = { epochs: undefined, minutes: undefined, batchSize: 16 };

test.each([
  // 11 full batches an epoch.
  [180, 10],
  // A step an epoch at least.
  [18, 100],
  [1, 100],
  // 2 full batches an epoch.
  [45, 50],
  [33, 50],
  [30, 100],
])('%i training images: %i epochs', (images, epochs) => {
  expect(epochsFor(options, images)).toBe(epochs);
});

test('what was asked for is done', () => {
  expect(epochsFor({ ...options, epochs: 1 }, 20)).toBe(1);
  expect(epochsFor({ ...options, epochs: 1, minutes: 5 }, 20)).toBe(1);
  // Time ends it.
  expect(epochsFor({ ...options, minutes: 5 }, 20)).toBeGreaterThan(10_000);
});
