import { linearAxis } from './axes.js';

test.each([
  [0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  [0, 0.3, [0, 0.1, 0.2, 0.3]],
  [-3, 12, [0, 5, 10]],
  [1, 20, [5, 10, 15, 20]],
  [0, 0.00037, [0, 0.0001, 0.0002, 0.0003]],
])('%d to %d has round ticks', (low, high, ticks) => {
  expect(linearAxis(low, high).ticks).toEqual(ticks);
});

test.each([0, 5, -2])('a single value, %d, gets an axis around it', (value) => {
  const { low, high, ticks } = linearAxis(value, value);
  expect(low).toBeLessThan(value);
  expect(high).toBeGreaterThan(value);
  expect(ticks.length).toBeGreaterThan(1);
});
