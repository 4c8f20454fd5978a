import { randomStream } from '@dskd/base';
import * as fc from 'fast-check';
import { kMeans, nearestCenter } from './k-means.js';
import type { Rows } from './rows.js';

const rowsOf = (values: readonly (readonly number[])[]): Rows => ({
  data: Float32Array.from(values.flat()),
  count: values.length,
  width: values[0]!.length,
});
const asLists = ({ data, count, width }: Rows): number[][] =>
  Array.from({ length: count }, (_, row) => [...data.subarray(row * width, (row + 1) * width)]);

test('finds clusters that lie far apart, whichever seed draws the start', () => {
  const around = (x: number, y: number): number[][] =>
    [
      [0, 1],
      [1, 0],
      [0, -1],
      [-1, 0],
    ].map(([dx, dy]) => [x + dx!, y + dy!]);
  const rows = rowsOf([...around(0, 0), ...around(50, 0), ...around(0, 80)]);
  for (const seed of [1, 2, 3, 4, 5]) {
    const centers = asLists(kMeans(rows, 3, randomStream(seed, 'test')));
    expect(centers.sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!)).toEqual([
      [0, 0],
      [0, 80],
      [50, 0],
    ]);
  }
});

test('the same stream gives the same centers; fewer rows than clusters are centers themselves', () => {
  const rows = rowsOf(Array.from({ length: 40 }, (_, i) => [Math.sin(i), Math.cos(3 * i), i % 5]));
  const centers = (seed: number): number[] => [...kMeans(rows, 6, randomStream(seed, 'test')).data];
  expect(centers(1)).toEqual(centers(1));
  expect(centers(1)).not.toEqual(centers(2));
  expect(
    asLists(kMeans(rowsOf([[3], [1]]), 5, randomStream(1, 'few')))
      .flat()
      .sort(),
  ).toEqual([1, 3]);
  expect(asLists(kMeans(rowsOf([[2], [2], [2]]), 2, randomStream(1, 'equal')))).toEqual([[2], [2]]);
});

test('at the end each center is the mean of the rows that are nearest to it', () => {
  const value = fc.integer({ min: -20, max: 20 });
  const points = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(points, fc.integer({ min: 1, max: 5 }), fc.integer(), (given, clusters, seed) => {
      const rows = rowsOf(given);
      const centers = kMeans(rows, clusters, randomStream(seed, 'test'));
      const own: number[][][] = Array.from({ length: centers.count }, () => []);
      for (const [row, point] of given.entries()) {
        const { index, squaredDistance } = nearestCenter(rows.data, 2 * row, centers);
        const distances = asLists(centers).map(([x, y]) => (x! - point[0]) ** 2 + (y! - point[1]) ** 2);
        expect(squaredDistance).toBe(Math.min(...distances));
        expect(index).toBe(distances.indexOf(squaredDistance));
        own[index]!.push([...point]);
      }
      asLists(centers).forEach((center, index) => {
        const members = own[index]!;
        if (members.length === 0) return;
        center.forEach((coordinate, axis) => {
          const mean = members.reduce((sum, member) => sum + member[axis]!, 0) / members.length;
          expect(coordinate).toBe(Math.fround(mean));
        });
      });
    }),
  );
});

test('refuses values that are not finite, and no clusters', () => {
  expect(() => kMeans(rowsOf([[1], [NaN]]), 1, randomStream(1, 'x'))).toThrow(/NaN in row 1/);
  expect(() => kMeans(rowsOf([[1]]), 0, randomStream(1, 'x'))).toThrow(/clusters 0/);
});
