import { expectClose, readGolden } from '@dskd/test-support';
import fc from 'fast-check';
import { cholesky, ledoitWolf, mahalanobis, MomentsAccumulator, whitening, type Rows } from './index.js';
import { goldenRows, normalRows, rowsOf } from './rows.test.util.js';

const golden = readGolden(new URL('../test/fixtures/closed-form.safetensors', import.meta.url));
const NAMES = ['tall', 'wide'] as const;
const EXACT = { relative: 1e-12 };

function momentsOf(...parts: [Rows, ...Rows[]]): MomentsAccumulator {
  const moments = new MomentsAccumulator(parts[0].width);
  for (const part of parts) moments.add(part);
  return moments;
}

describe('MomentsAccumulator', () => {
  test.each(NAMES)('agrees with sklearn.covariance.EmpiricalCovariance (%s)', async (name) => {
    const wanted = await golden;
    const moments = momentsOf(goldenRows(wanted, `${name}.rows`));
    expectClose(moments.mean(), wanted.array(`${name}.mean`).data, EXACT);
    expectClose(moments.covariance('n'), wanted.array(`${name}.empirical`).data, EXACT);
  });

  test('hand values with both divisors', () => {
    const moments = momentsOf(
      rowsOf([
        [1, 0],
        [3, 4],
        [5, 2],
      ]),
    );
    expect([...moments.mean()]).toEqual([3, 2]);
    expectClose(moments.covariance('n'), [8 / 3, 4 / 3, 4 / 3, 8 / 3], EXACT);
    expectClose(moments.covariance('n-1'), [4, 2, 2, 4], EXACT);
    expect(moments.count).toBe(3);
  });

  test('does not depend on how the rows are split', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 2, max: 200 }),
        fc.integer({ min: 0, max: 1000 }),
        (width, count, seed) => {
          const rows = normalRows(seed, count, width);
          const cut = 1 + (seed % (count - 1));
          const parts = [
            { data: rows.data.subarray(0, cut * width), count: cut, width },
            { data: rows.data.subarray(cut * width), count: count - cut, width },
          ];
          const [whole, split] = [momentsOf(rows), new MomentsAccumulator(width)];
          for (const part of parts) split.add(part);
          expect(split.count).toBe(count);
          expectClose(split.mean(), whole.mean(), { absolute: 1e-13 });
          expectClose(split.covariance('n-1'), whole.covariance('n-1'), { relative: 1e-12 });
        },
      ),
    );
  });

  test('a mean that is large beside the deviations costs no digits', () => {
    const moments = momentsOf(rowsOf([[1e7], [1e7 + 1], [1e7 + 2]]), rowsOf([[1e7 + 3]]));
    expectClose(moments.covariance('n'), [1.25], { relative: 1e-14 });
  });

  test('what cannot be added or told is refused by name, and changes nothing', () => {
    const moments = new MomentsAccumulator(2);
    expect(() => moments.mean()).toThrow(/0 rows; wanted at least 1/);
    expect(() => moments.add(rowsOf([[1, 2, 3]]))).toThrow(/rows of width 3; wanted 2/);
    moments.add(rowsOf([[1, 2]]));
    expect(() =>
      moments.add(
        rowsOf([
          [3, 4],
          [NaN, 5],
        ]),
      ),
    ).toThrow(/NaN in row 1, column 0/);
    expect([...moments.mean()]).toEqual([1, 2]);
    expect([...moments.covariance('n')]).toEqual([0, 0, 0, 0]);
    expect(() => moments.covariance('n-1')).toThrow(/1 rows; wanted at least 2/);
    expect(() => new MomentsAccumulator(0)).toThrow(/width 0/);
  });
});

describe('ledoitWolf', () => {
  test.each(NAMES)('agrees with sklearn.covariance.LedoitWolf (%s)', async (name) => {
    const wanted = await golden;
    const { mean, covariance, shrinkage } = ledoitWolf(goldenRows(wanted, `${name}.rows`));
    expectClose(mean, wanted.array(`${name}.mean`).data, EXACT);
    expectClose(covariance, wanted.array(`${name}.ledoit-wolf`).data, EXACT);
    expectClose([shrinkage], wanted.array(`${name}.shrinkage`).data, { relative: 1e-11 });
    expect(shrinkage).toBeGreaterThan(0);
    expect(shrinkage).toBeLessThan(1);
  });

  test('one column is not shrunk; equal rows have no covariance', () => {
    expect(ledoitWolf(rowsOf([[1], [3]]))).toMatchObject({ shrinkage: 0, covariance: Float64Array.of(1) });
    const equal = ledoitWolf(
      rowsOf([
        [1, 2],
        [1, 2],
        [1, 2],
      ]),
    );
    expect([...equal.covariance, equal.shrinkage]).toEqual([0, 0, 0, 0, 0]);
  });

  test('one row is refused', () => {
    expect(() => ledoitWolf(rowsOf([[1, 2]]))).toThrow(/1 row; wanted at least 2/);
    expect(() => ledoitWolf(rowsOf([[1], [NaN]]))).toThrow(/NaN in row 1/);
  });
});

describe('cholesky and whitening', () => {
  test('hand values', () => {
    const matrix = Float64Array.of(4, 2, 2, 10);
    expect([...cholesky(matrix, 2)]).toEqual([2, 0, 1, 3]);
    expectClose(whitening(matrix, 2), [1 / 2, 0, -1 / 6, 1 / 3], EXACT);
  });

  test.each(NAMES)('agree with scipy.linalg (%s)', async (name) => {
    const wanted = await golden;
    const { shape, data } = wanted.array(`${name}.ledoit-wolf`);
    expectClose(cholesky(data as Float64Array, shape[0]!), wanted.array(`${name}.cholesky`).data, EXACT);
    expectClose(whitening(data as Float64Array, shape[0]!), wanted.array(`${name}.whitening`).data, EXACT);
  });

  test('whitening makes the covariance the identity', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 1000 }), (width, seed) => {
        const { covariance } = ledoitWolf(normalRows(seed, 12, width));
        const w = whitening(covariance, width);
        for (let i = 0; i < width; i++) {
          for (let j = 0; j < width; j++) {
            let sum = 0;
            for (let k = 0; k < width; k++) {
              for (let l = 0; l < width; l++) {
                sum += w[i * width + k]! * covariance[k * width + l]! * w[j * width + l]!;
              }
            }
            expect(Math.abs(sum - (i === j ? 1 : 0))).toBeLessThan(1e-10);
          }
        }
      }),
    );
  });

  test.each([
    ['indefinite', [1, 2, 2, 1]],
    ['singular', [1, 1, 1, 1]],
    ['singular but for rounding', [1, 1, 1, 1 + 1e-16]],
    ['zero', [0, 0, 0, 0]],
    ['negative', [-1, 0, 0, -1]],
    ['NaN', [1, 0, NaN, 1]],
    ['infinite', [Infinity, 0, 0, 1]],
  ])('a matrix that is %s is refused', (_, matrix) => {
    expect(() => cholesky(Float64Array.from(matrix), 2)).toThrow(
      expect.objectContaining({ code: 'numerical-instability' }) as Error,
    );
  });

  test('another number of values is refused', () => {
    expect(() => cholesky(new Float64Array(5), 2)).toThrow(/5 values for the matrix; wanted 2 x 2/);
  });
});

describe('mahalanobis', () => {
  test.each(NAMES)('agrees with scikit-learn (%s)', async (name) => {
    const wanted = await golden;
    const queries = goldenRows(wanted, `${name}.queries`);
    const { mean, covariance } = ledoitWolf(goldenRows(wanted, `${name}.rows`));
    const distances = wanted.array(`${name}.mahalanobis`).data;
    const w = whitening(covariance, queries.width);
    expectClose(mahalanobis(queries, mean, w), distances, { relative: 1e-7 });
    const stored = mahalanobis(queries, Float32Array.from(mean), Float32Array.from(w));
    expectClose(stored, distances, { relative: 1e-4 });
  });

  test('hand values; a whitening need not be triangular', () => {
    const rows = rowsOf([
      [3, 4],
      [1, 1],
    ]);
    expect([...mahalanobis(rows, Float64Array.of(0, 0), Float64Array.of(1, 0, 0, 1))]).toEqual([
      5,
      Math.fround(Math.SQRT2),
    ]);
    expect([...mahalanobis(rows, Float64Array.of(1, 1), Float64Array.of(0, 1, 2, 0))]).toEqual([5, 0]);
  });

  test('sizes that do not agree are refused by name', () => {
    const rows = rowsOf([[1, 2]]);
    const identity = Float64Array.of(1, 0, 0, 1);
    expect(() => mahalanobis(rows, Float64Array.of(1), identity)).toThrow(/a mean of width 1; wanted 2/);
    expect(() => mahalanobis(rows, Float64Array.of(1, 2), Float64Array.of(1))).toThrow(
      /1 values for the whitening/,
    );
    expect(() => mahalanobis(rowsOf([[1, NaN]]), Float64Array.of(1, 2), identity)).toThrow(/NaN in row 0/);
  });
});
