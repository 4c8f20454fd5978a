import { DskdError, randomStream } from '@dskd/base';
import { checkScores, type Labels } from './operating-points.js';
import { auroc } from './rank-metrics.js';

export interface BootstrapOptions {
  /** One per sample, finite. */
  readonly scores: ArrayLike<number>;
  /** One per sample, 1 anomalous, 0 normal. */
  readonly labels: Labels;
  /**
   * The metric of a resample. `drawn` holds the index into `scores` of each drawn sample, so that a metric can look up
   * more about it. Default {@link auroc}.
   */
  readonly metric?: (
    scores: ArrayLike<number>,
    labels: ArrayLike<number>,
    drawn: ArrayLike<number>,
  ) => number;
  /**
   * One per sample, such as its defect type. Each class and stratum is resampled separately, so that every resample
   * has as many of each as the original. Default: only the classes are strata.
   */
  readonly strata?: ArrayLike<string | number>;
  /** Confidence level of the interval, in (0, 1). Default 0.95. */
  readonly confidence?: number;
  /** Number of resamples. Default 1000. */
  readonly resamples?: number;
  /** The same seed gives the same interval. Default 0. */
  readonly seed?: number;
}

export interface BootstrapInterval {
  /** The metric of the samples themselves. */
  readonly value: number;
  readonly lower: number;
  readonly upper: number;
}

/** Linear interpolation between order statistics, as numpy's default. */
function quantile(ascending: Float64Array, share: number): number {
  const position = share * (ascending.length - 1);
  const below = Math.floor(position);
  const low = ascending[below]!;
  const high = ascending[Math.min(below + 1, ascending.length - 1)]!;
  return low + (high - low) * (position - below);
}

/** Indices of the samples of one class, by stratum in order of first appearance. */
function groupsOf(flags: Uint8Array, flag: number, strata: BootstrapOptions['strata']): number[][] {
  const groups = new Map<string | number, number[]>();
  for (let i = 0; i < flags.length; i++) {
    if (flags[i] !== flag) continue;
    const stratum = strata?.[i] ?? '';
    const group = groups.get(stratum);
    if (group) group.push(i);
    else groups.set(stratum, [i]);
  }
  return [...groups.values()];
}

/**
 * Percentile bootstrap interval of a metric over the drawing of test samples (Efron and Tibshirani, "An
 * Introduction to the Bootstrap", 1993, section 13.3). Positives and negatives are drawn separately, each with
 * replacement, so that every resample has as many of both as the original.
 * The interval does not cover the variation between training seeds; see {@link meanInterval}.
 * @returns all values NaN when the metric is NaN for the samples or for a resample.
 * @throws {DskdError} `invalid-argument` for a confidence outside (0, 1) or a number of resamples that is not a
 * positive integer; `shape-mismatch` for another number of strata than samples; and see {@link checkScores}.
 */
export function bootstrapInterval({
  scores,
  labels,
  metric = auroc,
  strata,
  confidence = 0.95,
  resamples = 1000,
  seed = 0,
}: BootstrapOptions): BootstrapInterval {
  if (!(confidence > 0 && confidence < 1) || !Number.isInteger(resamples) || resamples < 1) {
    throw new DskdError(
      'invalid-argument',
      `Got confidence ${confidence} and ${resamples} resamples; wanted a number between 0 and 1 and a positive integer.`,
    );
  }
  checkScores(scores, labels); // checked here because any metric may be used
  if (strata && strata.length !== scores.length) {
    throw new DskdError(
      'shape-mismatch',
      `Got ${scores.length} scores and ${strata.length} strata; wanted one stratum per score.`,
      { details: { scores: scores.length, strata: strata.length } },
    );
  }
  const flags = Uint8Array.from(labels, Number);
  const groups = [1, 0].flatMap((flag) => groupsOf(flags, flag, strata));
  const drawn = new Uint32Array(flags.length);
  const drawnScores = new Float64Array(flags.length);
  const drawnFlags = Uint8Array.from(groups.flat(), (index) => flags[index]!);
  const values = new Float64Array(resamples);
  for (let round = 0; round < resamples; round++) {
    const random = randomStream(seed, 'bootstrap', round);
    let filled = 0;
    for (const group of groups) {
      for (let i = 0; i < group.length; i++) drawn[filled++] = group[random.integer(group.length)]!;
    }
    for (let i = 0; i < filled; i++) drawnScores[i] = scores[drawn[i]!]!;
    values[round] = metric(drawnScores, drawnFlags, drawn);
  }
  const value = metric(
    scores,
    flags,
    Uint32Array.from(flags, (_, i) => i),
  );
  if (Number.isNaN(value) || values.some(Number.isNaN)) return { value: NaN, lower: NaN, upper: NaN };
  values.sort();
  const tail = (1 - confidence) / 2;
  return { value, lower: quantile(values, tail), upper: quantile(values, 1 - tail) };
}

export interface MeanInterval {
  /** Number of runs. */
  readonly count: number;
  readonly mean: number;
  /** The sample's standard deviation (over `count - 1`). NaN for fewer than two runs. */
  readonly deviation: number;
  /** Bounds of the interval for the mean. NaN for fewer than two runs. */
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
 * The two-sided quantile of Student's t: `P(|T| <= t) = confidence`. Found by bisection of the finite sum down to
 * neighboring doubles.
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
 * the mean. Assumes that the runs are independent draws of a normal distribution. The interval covers the variation
 * between trainings; {@link bootstrapInterval} covers that of the test samples.
 * @param values one per run. If one is NaN, mean and interval are NaN.
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
