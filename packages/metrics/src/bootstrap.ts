import { DskdError, randomStream } from '@dskd/base';
import { auroc } from './auroc.js';
import { checkScores, type Labels } from './operating-points.js';

export interface BootstrapOptions {
  /** One per sample, finite. */
  readonly scores: ArrayLike<number>;
  /** One per sample, 1 anomalous, 0 normal. */
  readonly labels: Labels;
  /**
   * Any number of the samples drawn. `drawn` says which they are, by index into `scores`: with it a metric can look
   * up more about them. Default {@link auroc}.
   */
  readonly metric?: (
    scores: ArrayLike<number>,
    labels: ArrayLike<number>,
    drawn: ArrayLike<number>,
  ) => number;
  /**
   * One per sample, such as its defect type: samples of each class and stratum are drawn apart, so that every
   * resample has as many of each as the original. Default: the classes alone are.
   */
  readonly strata?: ArrayLike<string | number>;
  /** Of the interval, in (0, 1). Default 0.95. */
  readonly confidence?: number;
  /** Default 1000. */
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
 * Introduction to the Bootstrap", 1993, section 13.3). Positives and negatives are drawn apart, each with
 * replacement, so that every resample has as many of both as the original.
 * It says nothing about the spread between training seeds.
 * @returns all NaN where the metric is undefined for the samples or for a resample.
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
  checkScores(scores, labels); // whatever the metric
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
