import * as fc from 'fast-check';
import { FUSION_RULES, fuseScores } from './fusion-rule.js';

const float = (most: number): fc.Arbitrary<number> =>
  fc.float({ min: Math.fround(-most), max: Math.fround(most), noNaN: true });
const terms = (most: number): fc.Arbitrary<number[]> => fc.array(float(most), { minLength: 1, maxLength: 6 });

test('the soft maximum is the logarithm of the sum of exponentials', () => {
  expect(fuseScores('soft-maximum', [0, 0])).toBeCloseTo(Math.log(2), 12);
  fc.assert(
    fc.property(terms(20), (values) => {
      const wanted = Math.log(values.reduce((sum, value) => sum + Math.exp(value), 0));
      expect(Math.abs(fuseScores('soft-maximum', values) - wanted)).toBeLessThan(1e-9);
    }),
  );
});

test('however large the scores are, it lies between the maximum and that plus the logarithm of their number', () => {
  fc.assert(
    fc.property(terms(1e30), (values) => {
      const largest = Math.max(...values);
      const fused = fuseScores('soft-maximum', values);
      expect(fused).toBeGreaterThanOrEqual(largest);
      expect(fused).toBeLessThanOrEqual(largest + Math.log(values.length) + 1e-9 * Math.abs(largest));
    }),
  );
  expect(fuseScores('soft-maximum', [1e4, 1e4])).toBeCloseTo(1e4 + Math.log(2), 8);
  expect(fuseScores('soft-maximum', [-1e4, -1e4])).toBeCloseTo(-1e4 + Math.log(2), 8);
});

test('one term is itself by every rule', () => {
  fc.assert(
    fc.property(float(1e30), (value) => {
      for (const rule of FUSION_RULES) expect(fuseScores(rule, [value])).toBe(value);
    }),
  );
});

test('a larger term never gives a smaller result; a soft maximum does not depend on the order', () => {
  fc.assert(
    fc.property(terms(100), fc.nat(), fc.float({ min: 0, max: 100, noNaN: true }), (values, at, more) => {
      const raised = values.map((value, index) => (index === at % values.length ? value + more : value));
      for (const rule of FUSION_RULES) {
        expect(fuseScores(rule, raised)).toBeGreaterThanOrEqual(fuseScores(rule, values) - 1e-9);
      }
      expect(fuseScores('soft-maximum', [...values].reverse())).toBeCloseTo(
        fuseScores('soft-maximum', values),
        9,
      );
    }),
  );
});

test('a term far below the others adds nothing to a soft maximum, but its whole value to a sum', () => {
  expect(fuseScores('soft-maximum', [10, -40])).toBe(10);
  expect(fuseScores('sum', [10, -40])).toBe(-30);
  expect(fuseScores('maximum', [10, -40])).toBe(10);
});
