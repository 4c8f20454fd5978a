import { epochsFor } from './options.js';

const options = { epochs: undefined, minutes: undefined, earlyStopping: undefined, batchSize: 8 };

test.each([
  // 22 full batches an epoch.
  [180, 19],
  // A step an epoch at least.
  [9, 400],
  [1, 400],
  // 2 full batches an epoch.
  [23, 200],
  [17, 200],
  [15, 400],
  // More steps in one epoch than are wanted.
  [5000, 1],
])('%i training images: %i epochs', (images, epochs) => {
  expect(epochsFor(options, images)).toBe(epochs);
});

test('what was asked for is done', () => {
  expect(epochsFor({ ...options, epochs: 1 }, 20)).toBe(1);
  expect(epochsFor({ ...options, epochs: 1, minutes: 5 }, 20)).toBe(1);
  // Without a number of epochs there is time for held-out images to end it.
  const earlyStopping = { patience: 5, fraction: 0.1 };
  expect(epochsFor({ ...options, earlyStopping }, 16)).toBe(500);
  expect(epochsFor({ ...options, earlyStopping, epochs: 7 }, 32)).toBe(7);
  // Time ends it.
  expect(epochsFor({ ...options, minutes: 5 }, 20)).toBeGreaterThan(10_000);
});
