import * as fc from 'fast-check';
import { randomStream } from './random.js';

const take = (count: number, ...keys: [number, ...(string | number)[]]): number[] => {
  const stream = randomStream(...keys);
  return Array.from({ length: count }, () => stream.uniform());
};

test('the same seed and keys give the same numbers, on every platform', () => {
  expect(take(8, 1, 'shuffle', 2)).toEqual(take(8, 1, 'shuffle', 2));
  const stream = randomStream(7, 'frozen');
  expect(Array.from({ length: 6 }, () => stream.integer(1_000_000))).toEqual([
    117261, 744902, 253776, 173967, 980648, 750910,
  ]);
});

test('seed, key, type and order of keys all change the numbers', () => {
  const streams = [
    take(4, 1, 'a', 'b'),
    take(4, 2, 'a', 'b'),
    take(4, 1, 'b', 'a'),
    take(4, 1, 'ab'),
    take(4, 1, 1),
    take(4, 1, '1'),
  ];
  expect(new Set(streams.map(String)).size).toBe(streams.length);
});

test('uniform: range, mean, deviation, lag-one correlation', () => {
  const values = take(100_000, 3, 'statistics');
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const lag = values.slice(1).reduce((sum, value, i) => sum + (value - mean) * (values[i]! - mean), 0);
  expect(Math.min(...values.slice(0, 50_000))).toBeGreaterThanOrEqual(0);
  expect(Math.max(...values.slice(0, 50_000))).toBeLessThan(1);
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.005);
  expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.002);
  expect(Math.abs(lag / values.length / variance)).toBeLessThan(0.015);
});

test('streams of neighboring seeds are not correlated', () => {
  const first = Array.from({ length: 2000 }, (_, seed) => randomStream(seed, 'x').uniform());
  const mean = first.reduce((sum, value) => sum + value, 0) / first.length;
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.03);
});

test('normal: mean and deviation', () => {
  const stream = randomStream(5, 'normal');
  const values = Array.from({ length: 50_000 }, () => stream.normal());
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  expect(Math.abs(mean)).toBeLessThan(0.02);
  expect(Math.abs(variance - 1)).toBeLessThan(0.03);
});

test('integer is below its bound and reaches every value below a small bound', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 2 ** 32 - 1 }), (seed, bound) => {
      const value = randomStream(seed, 'integer').integer(bound);
      return Number.isInteger(value) && value >= 0 && value < bound;
    }),
  );
  const stream = randomStream(1, 'die');
  expect(new Set(Array.from({ length: 200 }, () => stream.integer(6))).size).toBe(6);
});

test('shuffle is a permutation, in place', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer(), (items, seed) => {
      const copy = [...items];
      const shuffled = randomStream(seed, 'shuffle').shuffle(copy);
      expect(shuffled).toBe(copy);
      expect([...shuffled].sort()).toEqual([...items].sort());
    }),
  );
});
