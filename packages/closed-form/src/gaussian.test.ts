import { expectClose, readGolden } from '@dskd/test-support';
import fc from 'fast-check';
import {
  ledoitWolf,
  mahalanobis,
  shrunkGaussian,
  MomentsAccumulator,
  whitenedRows,
  type AxisGaussian,
  type Rows,
} from './index.js';
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

/** The matrix of `width x width` of a Gaussian by axes. */
function covarianceOf({ axes, variances, restVariance }: AxisGaussian, width: number): Float64Array {
  const covariance = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) {
      let sum = i === j ? restVariance : 0;
      for (let k = 0; k < variances.length; k++) {
        const rest = variances.length < width ? restVariance : 0;
        sum += (variances[k]! - rest) * axes[k * width + i]! * axes[k * width + j]!;
      }
      covariance[i * width + j] = variances.length < width ? sum : sum - (i === j ? restVariance : 0);
    }
  }
  return covariance;
}

describe('ledoitWolf', () => {
  test.each(NAMES)('agrees with sklearn.covariance.LedoitWolf (%s)', async (name) => {
    const wanted = await golden;
    const rows = goldenRows(wanted, `${name}.rows`);
    const gaussian = ledoitWolf(rows);
    expectClose(gaussian.mean, wanted.array(`${name}.mean`).data, EXACT);
    const covariance = covarianceOf(gaussian, rows.width);
    expectClose(covariance, wanted.array(`${name}.ledoit-wolf`).data, { relative: 1e-11 });
    expectClose([gaussian.shrinkage], wanted.array(`${name}.shrinkage`).data, { relative: 1e-11 });
    expect(gaussian.shrinkage).toBeGreaterThan(0);
    expect(gaussian.shrinkage).toBeLessThan(1);
    expect(gaussian.variances).toHaveLength(Math.min(rows.count - 1, rows.width));
    expect([...gaussian.variances]).toEqual([...gaussian.variances].sort((a, b) => b - a));
  });

  test('one column is not shrunk', () => {
    const gaussian = ledoitWolf(rowsOf([[1], [3]]));
    expect(gaussian).toMatchObject({ shrinkage: 0, restVariance: 0 });
    expect([...gaussian.variances].map((value) => value.toFixed(12))).toEqual(['1.000000000000']);
  });

  test('equal rows, and one row, are refused', () => {
    const equal = [1, 2, 3].map(() => [1, 2]);
    expect(() => ledoitWolf(rowsOf(equal))).toThrow(
      expect.objectContaining({ code: 'numerical-instability' }) as Error,
    );
    expect(() => ledoitWolf(rowsOf([[1], [1]]))).toThrow(/variance in 0 directions/);
    expect(() => ledoitWolf(rowsOf([[1, 2]]))).toThrow(/1 row; wanted at least 2/);
    expect(() => ledoitWolf(rowsOf([[1], [NaN]]))).toThrow(/NaN in row 1/);
  });
});

describe('mahalanobis', () => {
  test.each(NAMES)('agrees with scikit-learn (%s)', async (name) => {
    const wanted = await golden;
    const queries = goldenRows(wanted, `${name}.queries`);
    const gaussian = ledoitWolf(goldenRows(wanted, `${name}.rows`));
    const distances = wanted.array(`${name}.mahalanobis`).data;
    expectClose(mahalanobis(queries, gaussian), distances, { relative: 1e-6 });
    const stored = {
      mean: Float32Array.from(gaussian.mean),
      axes: Float32Array.from(gaussian.axes),
      variances: Float32Array.from(gaussian.variances),
      restVariance: Math.fround(gaussian.restVariance),
    };
    expectClose(mahalanobis(queries, stored), distances, { relative: 1e-4 });
  });

  test('hand values: no axes, some, all', () => {
    const rows = rowsOf([
      [3, 4],
      [1, 1],
    ]);
    const mean = Float64Array.of(0, 0);
    const none = { mean, axes: new Float64Array(0), variances: new Float64Array(0), restVariance: 4 };
    expect([...mahalanobis(rows, none)]).toEqual([2.5, Math.fround(Math.SQRT1_2)]);
    const one = { mean, axes: Float64Array.of(0, 1), variances: Float64Array.of(16), restVariance: 1 };
    expect([...mahalanobis(rows, one)]).toEqual([Math.sqrt(10), Math.sqrt(17) / 4].map(Math.fround));
    expect([...whitenedRows(rows, one).data]).toEqual([3, 1, 1, 0.25]);
    const all = {
      mean,
      axes: Float64Array.of(0, 1, 1, 0),
      variances: Float64Array.of(16, 9),
      restVariance: 0,
    };
    expectClose(mahalanobis(rows, all), [Math.SQRT2, 5 / 12], { relative: 1e-7 });
  });

  test('widths that do not agree are refused by name', () => {
    const one = {
      mean: Float64Array.of(1),
      axes: Float64Array.of(1),
      variances: Float64Array.of(1),
      restVariance: 1,
    };
    expect(() => mahalanobis(rowsOf([[1, 2]]), one)).toThrow(/a mean of width 1; wanted 2/);
    expect(() => mahalanobis(rowsOf([[1, 2]]), { ...one, mean: Float64Array.of(1, 2) })).toThrow(
      /axes of width 1; wanted 2/,
    );
    expect(() => mahalanobis(rowsOf([[NaN]]), one)).toThrow(/NaN in row 0/);
  });
});

test.each([0.1, 0.6, 1])('a covariance shrunk by %f is that of the definition', async (shrinkage) => {
  const wanted = await golden;
  const rows = goldenRows(wanted, 'wide.rows');
  const { width } = rows;
  const sample = wanted.array('wide.empirical').data;
  const mu = Array.from({ length: width }, (_, i) => sample[i * width + i]!).reduce((a, b) => a + b) / width;
  const { axes, variances, restVariance } = shrunkGaussian(rows, shrinkage);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) {
      let value = i === j ? restVariance : 0;
      variances.forEach((variance, k) => {
        value += (variance - restVariance) * axes[k * width + i]! * axes[k * width + j]!;
      });
      const expected = (1 - shrinkage) * sample[i * width + j]! + (i === j ? shrinkage * mu : 0);
      expect(Math.abs(value - expected)).toBeLessThan(1e-10 * mu);
    }
  }
  expect(() => shrunkGaussian(rows, 1.5)).toThrow(/shrinkage of 1.5/);
});
