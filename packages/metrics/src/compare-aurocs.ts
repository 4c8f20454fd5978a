import { DskdError } from '@dskd/base';
import { checkScores, type Labels } from './operating-points.js';

/** Two scores of the same samples, compared by their areas under the ROC curve. */
export interface AurocComparison {
  /** AUROC of the first score. */
  readonly first: number;
  /** AUROC of the second score. */
  readonly second: number;
  /** `second - first`. */
  readonly difference: number;
  /** Bounds of the confidence interval of the difference. */
  readonly lower: number;
  readonly upper: number;
  /** Two-sided: how probable a difference at least as large is if both scores are equally good. */
  readonly pValue: number;
}

export interface CompareAurocsOptions {
  /** One per sample, 1 anomalous, 0 normal. */
  readonly labels: Labels;
  /** One per sample, higher is more anomalous, finite. */
  readonly first: ArrayLike<number>;
  /** One per sample, in the same order. */
  readonly second: ArrayLike<number>;
  /** Confidence level of the interval, in (0, 1). Default 0.95. */
  readonly confidence?: number;
}

/** `P(Z <= x)` of a standard normal Z (Marsaglia 2004, "Evaluating the Normal Distribution", the series of Phi). */
function normalProbability(x: number): number {
  if (x < -8.5) return 0;
  if (x > 8.5) return 1;
  let sum = x;
  let term = x;
  for (let k = 3, before = NaN; sum !== before; k += 2) {
    before = sum;
    term *= (x * x) / k;
    sum += term;
  }
  return 0.5 + sum * Math.exp(-0.5 * x * x - 0.5 * Math.log(2 * Math.PI));
}

/** The x with `P(|Z| <= x) = confidence`, by bisection down to neighboring doubles. */
function normalQuantile(confidence: number): number {
  let [low, high] = [0, 10];
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    if (2 * normalProbability(middle) - 1 < confidence) low = middle;
    else high = middle;
  }
}

/** Rank of each value among all, from 1; tied values share the mean of their ranks. */
function midRanks(values: Float64Array): Float64Array {
  const order = new Uint32Array(values.length).map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Float64Array(values.length);
  for (let from = 0, to = 0; from < order.length; from = to) {
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let i = from; i < to; i++) ranks[order[i]!] = (from + to + 1) / 2;
  }
  return ranks;
}

/**
 * For each positive the share of negatives that it exceeds, for each negative the share of positives that exceed it;
 * ties count one half. The mean of either is the AUROC.
 */
function placements(positives: Float64Array, negatives: Float64Array): [Float64Array, Float64Array] {
  const all = new Float64Array([...positives, ...negatives]);
  const [ranks, own, others] = [midRanks(all), midRanks(positives), midRanks(negatives)];
  const { length } = positives;
  return [
    own.map((rank, i) => (ranks[i]! - rank) / negatives.length),
    others.map((rank, i) => 1 - (ranks[length + i]! - rank) / length),
  ];
}

/** Variance of the mean of differences, over `n - 1`. */
function varianceOfMean(a: Float64Array, b: Float64Array): number {
  const differences = a.map((value, i) => b[i]! - value);
  const mean = differences.reduce((sum, value) => sum + value, 0) / a.length;
  return differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (a.length - 1) / a.length;
}

/**
 * Compares two scores of the same samples by the difference of their AUROCs (DeLong, DeLong and Clarke-Pearson 1988,
 * computed by ranks as Sun and Xu 2014). That both were measured on the same samples is used: a difference that two
 * separate intervals do not show can be certain. It says nothing of other images, trainings or seeds.
 * @returns where the two scores rank all samples alike, difference 0 and p-value 1.
 * @throws {DskdError} `invalid-argument` with fewer than two positives or two negatives, for a confidence outside (0, 1),
 * for scores that are not finite; `shape-mismatch` where lengths differ.
 */
export function compareAurocs({
  labels,
  first,
  second,
  confidence = 0.95,
}: CompareAurocsOptions): AurocComparison {
  checkScores(first, labels);
  checkScores(second, labels);
  if (!(confidence > 0 && confidence < 1)) {
    throw new DskdError('invalid-argument', `Got confidence ${confidence}; wanted a number between 0 and 1.`);
  }
  const indices = Array.from({ length: labels.length }, (_, i) => i);
  const positives = indices.filter((i) => Number(labels[i]) === 1);
  const negatives = indices.filter((i) => Number(labels[i]) === 0);
  if (positives.length < 2 || negatives.length < 2) {
    throw new DskdError(
      'invalid-argument',
      `Got ${positives.length} anomalous and ${negatives.length} normal samples; wanted at least 2 of each to compare.`,
      { details: { positives: positives.length, negatives: negatives.length } },
    );
  }
  const of = (scores: ArrayLike<number>): [Float64Array, Float64Array] =>
    placements(
      Float64Array.from(positives, (i) => scores[i]!),
      Float64Array.from(negatives, (i) => scores[i]!),
    );
  const [a, b] = [of(first), of(second)];
  const areaOf = ([ofPositives]: [Float64Array, Float64Array]): number =>
    ofPositives.reduce((sum, value) => sum + value, 0) / ofPositives.length;
  const areas = { first: areaOf(a), second: areaOf(b) };
  const difference = areas.second - areas.first;
  const deviation = Math.sqrt(varianceOfMean(a[0], b[0]) + varianceOfMean(a[1], b[1]));
  const half = normalQuantile(confidence) * deviation;
  return {
    ...areas,
    difference,
    lower: difference - half,
    upper: difference + half,
    pValue: difference === 0 ? 1 : 2 * normalProbability(-Math.abs(difference) / deviation),
  };
}
