import { expectClose, readGolden } from '@dskd/test-support';
import { principalAxes } from './index.js';
import { goldenRows, normalRows, rowsOf } from './rows.test.util.js';
import { symmetricEigen } from './symmetric-eigen.js';

const golden = readGolden(new URL('../test/fixtures/closed-form.safetensors', import.meta.url));

describe('symmetricEigen', () => {
  test('agrees with numpy.linalg.eigh', async () => {
    const wanted = await golden;
    const { shape, data } = wanted.array('eigen.matrix');
    const width = shape[0]!;
    const { values, vectors } = symmetricEigen(data as Float64Array, width);
    expectClose(values, wanted.array('eigen.values').data, { relative: 1e-13 });
    vectors.forEach((vector, i) => {
      const expected = wanted.array('eigen.vectors').data.subarray(i * width, (i + 1) * width);
      const sign = Math.sign(vector.reduce((sum, value, j) => sum + value * expected[j]!, 0));
      expectClose(
        vector.map((value) => sign * value),
        expected,
        { absolute: 1e-11 },
      );
    });
  });

  test('equal eigenvalues have orthonormal vectors', () => {
    const identity = Float64Array.from({ length: 25 }, (_, i) => (i % 6 === 0 ? 3 : 0));
    const { values, vectors } = symmetricEigen(identity, 5);
    expect([...values]).toEqual([3, 3, 3, 3, 3]);
    vectors.forEach((a, i) => {
      vectors.forEach((b, j) => {
        expect(a.reduce((sum, value, k) => sum + value * b[k]!, 0)).toBeCloseTo(i === j ? 1 : 0, 12);
      });
    });
  });
});

describe('principalAxes', () => {
  test('agrees with sklearn.decomposition.PCA', async () => {
    const wanted = await golden;
    const { mean, components, variances } = principalAxes(goldenRows(wanted, 'channels.rows'), 5);
    expectClose(mean, wanted.array('channels.mean').data, { relative: 1e-7 });
    expect([components.count, components.width]).toEqual([5, 12]);
    expectClose(components.data, wanted.array('channels.components').data, { absolute: 1e-7 });
    expectClose(variances, wanted.array('channels.variances').data, { relative: 1e-12 });
  });

  test('hand values: points on a line, whose rank is 1', () => {
    const { mean, components, variances } = principalAxes(
      rowsOf([
        [0, 0],
        [-3, -4],
        [3, 4],
      ]),
      2,
    );
    expect([...mean]).toEqual([0, 0]);
    expectClose(components.data, [0.6, 0.8], { absolute: 1e-7 });
    expect(components.count).toBe(1);
    expectClose(variances, [25], { relative: 1e-12 });
  });

  test('there are at most as many components as the rank', () => {
    expect(principalAxes(normalRows(1, 4, 10), 10).components.count).toBe(3);
    expect(principalAxes(normalRows(1, 40, 10), 100).components.count).toBe(10);
    expect(principalAxes(rowsOf([[1, 2, 3]]), 2).components.count).toBe(0);
    const equal = principalAxes(
      rowsOf([
        [1, 2],
        [1, 2],
      ]),
      2,
    );
    expect([equal.components.count, equal.variances.length]).toEqual([0, 0]);
  });

  test('bad rows and counts are refused by name', () => {
    expect(() => principalAxes(rowsOf([[1], [NaN]]), 1)).toThrow(/NaN in row 1/);
    expect(() => principalAxes(rowsOf([[1], [2]]), 0)).toThrow(/count of components 0/);
  });
});
