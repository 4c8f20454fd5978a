import { randomProjection } from './index.js';
import { distance, normalRows, rowsOf } from './rows.test.util.js';

describe('randomProjection', () => {
  test('has the same bits for the same seed, and others for another', async () => {
    const points = normalRows(5, 20, 9);
    const { data, count, width } = await randomProjection(points, 6, 1);
    expect([count, width]).toEqual([20, 6]);
    expect((await randomProjection(points, 6, 1)).data).toEqual(data);
    expect((await randomProjection(points, 6, 2)).data).not.toEqual(data);
  });

  test('its bits are those of every platform', async () => {
    const { data } = await randomProjection(
      rowsOf([
        [1, 2, 4, 8],
        [0.1, 0.2, 0.3, 0.4],
      ]),
      5,
      7,
    );
    expect([...data]).toEqual([
      -4.919349670410156, 5.813776969909668, -6.7082037925720215, -6.7082037925720215, 6.7082037925720215,
      -0.26832816004753113, 0.3577708899974823, -0.44721361994743347, -0.44721361994743347,
      0.44721361994743347,
    ]);
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
