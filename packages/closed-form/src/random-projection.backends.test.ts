import { describeBackends, expectClose, expectNoNewTensors, TOLERANCES } from '@dskd/test-support';
import { MomentsAccumulator, principalRotation, randomProjection } from './index.js';
import { distance, normalRows, rowsOf } from './rows.test.util.js';

describeBackends('randomProjection', (backend) => {
  test('has the same bits for the same seed, and others for another', async () => {
    const points = normalRows(5, 20, 9);
    const { data, count, width } = await randomProjection(points, 6, 1);
    expect([count, width]).toEqual([20, 6]);
    expect((await randomProjection(points, 6, 1)).data).toEqual(data);
    expect((await randomProjection(points, 6, 2)).data).not.toEqual(data);
  });

  test('hand values: each sum has the signs of the seeded stream', async () => {
    const { data } = await expectNoNewTensors(() =>
      randomProjection(
        rowsOf([
          [1, 2, 4, 8],
          [0.1, 0.2, 0.3, 0.4],
        ]),
        5,
        7,
      ),
    );
    const wanted = [-11, 13, -15, -15, 15, -0.6, 0.8, -1, -1, 1].map((sum) => sum / Math.sqrt(5));
    expectClose(data, wanted, { relative: TOLERANCES[backend].reduction });
  });

  test('several blocks of rows are as one', async () => {
    const points = normalRows(3, 5000, 300);
    const all = await expectNoNewTensors(() => randomProjection(points, 3, 1));
    const last = { data: points.data.subarray(4990 * 300), count: 10, width: 300 };
    const { data } = await randomProjection(last, 3, 1);
    expectClose(all.data.subarray(4990 * 3), data, { relative: TOLERANCES[backend].reduction });
  });

  test('is linear', async () => {
    const points = rowsOf([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [2, -3, 5],
    ]);
    const { data } = await randomProjection(points, 7, 3);
    for (let column = 0; column < 7; column++) {
      const [a, b, c, sum] = [0, 1, 2, 3].map((row) => data[row * 7 + column]!) as [
        number,
        number,
        number,
        number,
      ];
      expect(Math.abs(a)).toBeCloseTo(1 / Math.sqrt(7), 6);
      expect(sum).toBeCloseTo(2 * a - 3 * b + 5 * c, 5);
    }
  });

  test('keeps squared distances on average', async () => {
    const points = normalRows(8, 60, 200);
    const projected = await randomProjection(points, 64, 11);
    let ratio = 0;
    for (let row = 1; row < 60; row++) {
      ratio += (distance(projected, row, projected, 0) / distance(points, row, points, 0)) ** 2 / 59;
    }
    expect(ratio).toBeGreaterThan(0.8);
    expect(ratio).toBeLessThan(1.2);
  });

  test('what cannot be projected is refused by name', async () => {
    await expect(randomProjection(rowsOf([[1, NaN]]), 2, 1)).rejects.toThrow(/NaN in row 0, column 1/);
    await expect(randomProjection(rowsOf([[1, 2]]), 0, 1)).rejects.toThrow(/width of the projection 0/);
  });
});

describeBackends('principalRotation', () => {
  test('keeps distances, and puts the largest variance first', async () => {
    const points = normalRows(4, 50, 11);
    for (let i = 0; i < points.data.length; i++) points.data[i]! *= 1 + (i % 11);
    const rotated = await principalRotation(points);
    expect([rotated.count, rotated.width]).toEqual([50, 11]);
    for (let row = 1; row < 50; row++) {
      const [got, wanted] = [distance(rotated, row, rotated, 0), distance(points, row, points, 0)];
      expect(Math.abs(got / wanted - 1)).toBeLessThan(1e-6);
    }
    const moments = new MomentsAccumulator(11);
    moments.add(rotated);
    const covariance = moments.covariance('n');
    const variances = Array.from({ length: 11 }, (_, i) => covariance[i * 12]!);
    expect(variances).toEqual([...variances].sort((a, b) => b - a));
    const beside = covariance.filter((_, i) => i % 12 > 0).map(Math.abs);
    expect(Math.max(...beside)).toBeLessThan(1e-4 * variances[0]!);
  });

  test('of many rows a sample gives the axes, and all are rotated', async () => {
    const points = normalRows(6, 40_000, 3);
    for (let i = 0; i < points.data.length; i++) points.data[i]! *= [1, 100, 10][i % 3]!;
    const rotated = await principalRotation(points);
    expect(rotated.count).toBe(40_000);
    for (const row of [1, 20_000, 39_999]) {
      const [got, wanted] = [distance(rotated, row, rotated, 0), distance(points, row, points, 0)];
      expect(Math.abs(got / wanted - 1)).toBeLessThan(1e-5);
      const columns = [1, 2, 0].map((column) => Math.abs(points.data[3 * row + column]!));
      for (const [axis, wanted] of columns.entries())
        expect(Math.abs(rotated.data[3 * row + axis]!)).toBeCloseTo(wanted, 0);
    }
  });

  test('one point, and points that are equal, keep their length', async () => {
    const rotated = await principalRotation(rowsOf([[3, 4]]));
    expect(Math.hypot(...rotated.data)).toBeCloseTo(5, 5);
    await expect(principalRotation(rowsOf([[NaN, 4]]))).rejects.toThrow(/NaN in row 0/);
  });
});
