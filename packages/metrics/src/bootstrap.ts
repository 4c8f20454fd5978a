import { DskdError, randomStream } from '@dskd/base';
import { auroc } from './auroc.js';
import { operatingPoints, type Labels } from './operating-points.js';

export interface BootstrapOptions {
  /** One per sample, finite. */
  readonly scores: ArrayLike<number>;
  /** One per sample, 1 anomalous, 0 normal. */
  readonly labels: Labels;
  /** Default {@link auroc}. */
  readonly metric?: (scores: ArrayLike<number>, labels: ArrayLike<number>) => number;
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

/**
 * Percentile bootstrap interval of a metric over the drawing of test samples. Positives and negatives are drawn
 * apart, each with replacement, so that every resample has as many of both as the original.
 * It says nothing about the spread between training seeds.
 * @returns all NaN where the metric is undefined for the samples or for a resample.
 * @throws {DskdError} `invalid-argument` for a confidence outside (0, 1) or a number of resamples that is not a
 * positive integer; and see {@link operatingPoints}.
 */
export function bootstrapInterval({
  scores,
  labels,
  metric = auroc,
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
  operatingPoints(scores, labels); // refuses what cannot be ranked, whatever the metric
  const flags = Uint8Array.from(labels, Number);
  const groups = [1, 0].map((flag) => [...flags.keys()].filter((index) => flags[index] === flag));
  const drawnFlags = Uint8Array.from(groups.flat(), (index) => flags[index]!);
  const drawn = new Float64Array(drawnFlags.length);
  const values = new Float64Array(resamples);
  for (let round = 0; round < resamples; round++) {
    const random = randomStream(seed, 'bootstrap', round);
    let filled = 0;
    for (const group of groups) {
      for (let i = 0; i < group.length; i++) drawn[filled++] = scores[group[random.integer(group.length)]!]!;
    }
    values[round] = metric(drawn, drawnFlags);
  }
  const value = metric(scores, flags);
  if (Number.isNaN(value) || values.some(Number.isNaN)) return { value: NaN, lower: NaN, upper: NaN };
  values.sort();
  const tail = (1 - confidence) / 2;
  return { value, lower: quantile(values, tail), upper: quantile(values, 1 - tail) };
}
