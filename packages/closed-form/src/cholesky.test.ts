import { expectClose, readGolden } from '@dskd/test-support';
import fc from 'fast-check';
import { cholesky, MomentsAccumulator, whitening } from './index.js';
import { normalRows } from './rows.test.util.js';

const golden = readGolden(new URL('../test/fixtures/closed-form.safetensors', import.meta.url));
const NAMES = ['tall', 'wide'] as const;
const EXACT = { relative: 1e-12 };

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
        const moments = new MomentsAccumulator(width);
        moments.add(normalRows(seed, 20, width));
        const covariance = moments.covariance('n-1');
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
