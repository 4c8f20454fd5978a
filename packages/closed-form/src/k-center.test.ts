import fc from 'fast-check';
import { kCenterCoreset } from './index.js';
import { selectCenters } from './k-center.js';
import type { Rows } from './rows.js';
import { distance, normalRows, rowsOf } from './rows.test.util.js';

/** The algorithm as it is defined. */
function naive(points: Rows, count: number, first: number): number[] {
  const selected = [first];
  while (selected.length < count) {
    let farthest = -1;
    let largest = 0;
    for (let point = 0; point < points.count; point++) {
      const nearest = Math.min(...selected.map((center) => distance(points, point, points, center)));
      if (nearest > largest) {
        largest = nearest;
        farthest = point;
      }
    }
    if (farthest < 0) break;
    selected.push(farthest);
  }
  return selected;
}

const line = rowsOf([[0], [1], [2], [10], [11], [5]]);

describe('kCenterCoreset', () => {
  test('selects the farthest point again and again', async () => {
    // From 0: 11 is farthest; then 5 (5 from 0, 6 from 11); then 2 (2 from 0, 3 from 5); then 1 and 10 at distance 1.
    expect([...(await kCenterCoreset(line, 4, { first: 0 }))]).toEqual([0, 4, 5, 2]);
    expect([...(await kCenterCoreset(line, 6, { first: 0 }))]).toEqual([0, 4, 5, 2, 1, 3]);
  });

  test('one center is the first; more centers than points are all points', async () => {
    expect([...(await kCenterCoreset(line, 1, { first: 3 }))]).toEqual([3]);
    expect([...(await kCenterCoreset(line, 100, { first: 3 }))].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...(await kCenterCoreset(rowsOf([[1, 2]]), 5, { first: 0 }))]).toEqual([0]);
  });

  test('of equally far points the lowest index is selected', async () => {
    const square = rowsOf([
      [0, 0],
      [0, 3],
      [3, 0],
      [0, -3],
      [-3, 0],
    ]);
    expect([...(await kCenterCoreset(square, 5, { first: 0 }))]).toEqual([0, 1, 2, 3, 4]);
  });

  test('ends where only duplicates are left', async () => {
    const points = rowsOf([[1], [1], [2], [2], [1]]);
    expect([...(await kCenterCoreset(points, 4, { first: 4 }))]).toEqual([4, 2]);
  });

  test('is the algorithm as defined, for any size of block', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 0, max: 1000 }),
        fc.integer({ min: 1, max: 12 }),
        async (count, width, wanted, seed, spread) => {
          // Whole numbers: sums are exact, and there are many ties and duplicates.
          const { data } = normalRows(seed, count, width);
          const points = { data: data.map((value) => Math.round(value * spread)), count, width };
          const first = seed % count;
          const expected = naive(points, wanted, first);
          for (const block of [1, 7, 1000]) {
            expect([...(await selectCenters(points, wanted, { first }, block))]).toEqual(expected);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('is the algorithm as defined where pruning matters', async () => {
    // Ten far groups: a new center reaches one of them.
    const points = normalRows(3, 400, 5);
    points.data.forEach((value, i) => (points.data[i] = value + 100 * (Math.floor(i / 5) % 10)));
    expect([...(await kCenterCoreset(points, 60, { first: 17 }))]).toEqual(naive(points, 60, 17));
  });

  test('reports progress, lets the event loop run, and can be aborted', async () => {
    const points = normalRows(1, 4000, 64);
    const reports: number[] = [];
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const selected = await kCenterCoreset(points, 300, {
      first: 0,
      onProgress: (count, wanted) => {
        expect(wanted).toBe(300);
        reports.push(count);
      },
    });
    clearInterval(timer);
    expect(new Set(selected).size).toBe(300);
    expect(turns).toBeGreaterThan(1);
    expect(reports.at(-1)).toBe(300);
    expect(reports).toEqual([...reports].sort((a, b) => a - b));

    const controller = new AbortController();
    const aborted = kCenterCoreset(points, 4000, { first: 0, signal: controller.signal });
    setTimeout(() => controller.abort(), 1);
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
    await expect(kCenterCoreset(points, 2, { first: 0, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    });
  });

  test('what cannot be selected from is refused by name', async () => {
    await expect(kCenterCoreset(line, 0, { first: 0 })).rejects.toThrow(/count of centers 0/);
    await expect(kCenterCoreset(line, 2, { first: 6 })).rejects.toThrow(/6 as index.*6 points/);
    await expect(kCenterCoreset(line, 2, { first: 0.5 })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(kCenterCoreset(rowsOf([[1], [NaN]]), 1, { first: 0 })).rejects.toThrow(
      /NaN in row 1, column 0/,
    );
    await expect(
      kCenterCoreset(
        rowsOf([
          [1, 2],
          [3, -Infinity],
        ]),
        1,
        { first: 0 },
      ),
    ).rejects.toThrow(/-Infinity in row 1, column 1/);
    await expect(kCenterCoreset({ ...line, width: 2 }, 1, { first: 0 })).rejects.toMatchObject({
      code: 'shape-mismatch',
    });
    await expect(kCenterCoreset(rowsOf([]), 1, { first: 0 })).rejects.toThrow(/count of points 0/);
  });
});
