import { randomStream } from '@dskd/base';
import { readGolden } from '@dskd/test-support';
import { meanInterval } from './index.js';
import { studentQuantile } from './intervals.js';

const golden = () => readGolden(new URL('../test/fixtures/metrics.safetensors', import.meta.url));

test("Student's quantiles are equal to scipy's", async () => {
  const file = await golden();
  const { data: table } = file.array('student.table');
  const { data: wanted } = file.array('student.quantiles');
  for (const [i, quantile] of wanted.entries()) {
    const got = studentQuantile(table[2 * i]!, table[2 * i + 1]!);
    expect(Math.abs(got / quantile - 1)).toBeLessThan(1e-11);
  }
});

test("Student's quantiles with one and two degrees of freedom are equal to their closed forms", () => {
  for (const share of [0.01, 0.5, 0.8, 0.95, 0.999]) {
    expect(studentQuantile(1, share) / Math.tan((Math.PI / 2) * share)).toBeCloseTo(1, 11);
    expect(studentQuantile(2, share) / (share * Math.sqrt(2 / (1 - share ** 2)))).toBeCloseTo(1, 11);
  }
});

describe('meanInterval', () => {
  test("is equal to scipy's interval", async () => {
    const file = await golden();
    for (const count of [2, 3, 5, 8]) {
      const got = meanInterval(file.array(`runs.${count}`).data);
      const [mean, deviation, lower, upper] = file.array(`runs.${count}.wanted`).data;
      expect(got.count).toBe(count);
      expect(got.mean).toBeCloseTo(mean!, 12);
      expect(got.deviation).toBeCloseTo(deviation!, 12);
      expect(got.lower).toBeCloseTo(lower!, 12);
      expect(got.upper).toBeCloseTo(upper!, 12);
    }
  });

  test('contains the mean as often as its confidence says', () => {
    const random = randomStream(4, 'mean-interval');
    const rounds = 2000;
    let held = 0;
    for (let round = 0; round < rounds; round++) {
      const { lower, upper } = meanInterval(
        Float64Array.from({ length: 3 }, () => 7 + random.normal()),
        {
          confidence: 0.8,
        },
      );
      if (lower <= 7 && 7 <= upper) held++;
    }
    expect(Math.abs(held / rounds - 0.8)).toBeLessThan(4 * Math.sqrt((0.8 * 0.2) / rounds));
  });

  test('one run gives no interval, no run no mean, and equal runs an interval of width 0', () => {
    expect(meanInterval([0.5])).toEqual({ count: 1, mean: 0.5, deviation: NaN, lower: NaN, upper: NaN });
    expect(meanInterval([])).toEqual({ count: 0, mean: NaN, deviation: NaN, lower: NaN, upper: NaN });
    expect(meanInterval([0.5, 0.5])).toEqual({ count: 2, mean: 0.5, deviation: 0, lower: 0.5, upper: 0.5 });
    expect(meanInterval([0.5, NaN])).toMatchObject({ mean: NaN, deviation: NaN, lower: NaN });
  });

  test('refuses infinities and invalid confidences', () => {
    expect(() => meanInterval([1, -Infinity])).toThrow(/-Infinity as value 1/);
    expect(() => meanInterval([1, 2], { confidence: 1 })).toThrow(/confidence 1/);
  });
});
