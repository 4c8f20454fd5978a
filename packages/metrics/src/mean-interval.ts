import { DskdError } from '@dskd/base';

export interface MeanInterval {
  /** How many runs. */
  readonly count: number;
  readonly mean: number;
  /** The sample's standard deviation (over `count - 1`). NaN for fewer than two runs. */
  readonly deviation: number;
  /** Of the interval for the mean. NaN for fewer than two runs. */
  readonly lower: number;
  readonly upper: number;
}

/**
 * `P(|T| <= sqrt(degrees) * tan(angle))` for Student's T with a whole number of degrees of freedom, by its finite
 * sum (Abramowitz and Stegun, 26.7.3 and 26.7.4).
 */
function centralProbability(angle: number, degrees: number): number {
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const isOdd = degrees % 2 === 1;
  let term = isOdd ? cosine : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let k = isOdd ? 3 : 2; k <= degrees - 2; k += 2) {
    term *= (cosine * cosine * (k - 1)) / k;
    sum += term;
  }
  return isOdd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}

/**
 * Student's t that a share `confidence` of the distribution lies within, on both sides of 0: by bisection of its
 * finite sum down to neighboring doubles.
 * @param degrees of freedom, a positive integer.
 * @param confidence in (0, 1).
 */
export function studentQuantile(degrees: number, confidence: number): number {
  let low = 0;
  let high = Math.PI / 2;
  for (;;) {
    const angle = (low + high) / 2;
    if (angle <= low || angle >= high) return Math.sqrt(degrees) * Math.tan(angle);
    if (centralProbability(angle, degrees) < confidence) low = angle;
    else high = angle;
  }
}

/**
 * Mean of a metric over runs that differ in their seed, its sample standard deviation, and Student's interval for
 * the mean. It takes the runs for independent draws of a normal distribution, and speaks of the spread between
 * trainings, not of the drawing of test samples (for that, `bootstrapInterval`).
 * @param values one per run. Where one is NaN (the metric was undefined), mean and interval are.
 * @param confidence in (0, 1). Default 0.95.
 * @throws {DskdError} `invalid-argument` for infinities or another confidence.
 */
export function meanInterval(
  values: ArrayLike<number>,
  { confidence = 0.95 }: { readonly confidence?: number } = {},
): MeanInterval {
  if (!(confidence > 0 && confidence < 1)) {
    throw new DskdError('invalid-argument', `Got confidence ${confidence}; wanted a number between 0 and 1.`);
  }
  const runs = Array.from(values);
  const infinite = runs.findIndex((value) => Math.abs(value) === Infinity);
  if (infinite >= 0) {
    throw new DskdError('invalid-argument', `Got ${runs[infinite]!} as value ${infinite}; wanted numbers.`);
  }
  const count = runs.length;
  const mean = runs.reduce((sum, value) => sum + value, 0) / count;
  if (count < 2) return { count, mean, deviation: NaN, lower: NaN, upper: NaN };
  const squares = runs.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (count - 1));
  const reach = (studentQuantile(count - 1, confidence) * deviation) / Math.sqrt(count);
  return { count, mean, deviation, lower: mean - reach, upper: mean + reach };
}
