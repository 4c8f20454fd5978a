import { throwIfAborted } from '@dskd/base';
import type { ImageInput } from '@dskd/data';
import type { DetectorDescription, Prediction, Predictor } from '@dskd/detector';

/** How far two detectors are apart over some images. */
export interface Comparison {
  readonly images: number;
  /** Largest difference of an image score (fused, or of a branch), divided by the score where that is above 1. */
  readonly score: number;
  /** Largest difference of a value of a map, divided by the range of that map where that is above 1. */
  readonly map: number;
  /** Images whose verdicts differ although the score is not near the threshold. */
  readonly verdicts: number;
  /** Images whose regions differ although no value of the map is near the threshold. */
  readonly regions: number;
  /** What `score` and `map` may be, and what counts as near. */
  readonly tolerance: number;
  /** Whether all of it is within the tolerance. */
  readonly equal: boolean;
}

/** Sums of thousands of exponentials are rounded differently by every engine. */
const AFFINITY_TOLERANCE = 1e-3;
const TOLERANCE = 1e-4;

/** 1e-4, and 1e-3 where a branch compares each position with all others (contextual affinity). */
function toleranceOf({ config }: DetectorDescription): number {
  return /"name":"(contextual|covariance)Affinity"/.test(JSON.stringify(config))
    ? AFFINITY_TOLERANCE
    : TOLERANCE;
}

function scoreError(one: number, other: number): number {
  return Math.abs(one - other) / Math.max(1, Math.abs(one));
}

function rangeOf(values: Float32Array): number {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return high - low;
}

function mapError(one: Float32Array, other: Float32Array, range: number): number {
  const largest = one.reduce((most, value, at) => Math.max(most, Math.abs(value - other[at]!)), 0);
  // Maps are in deviations of good images: of an image that was learned, a map is flat, and its range is rounding.
  return largest / Math.max(1, range);
}

function isNear(
  prediction: Prediction,
  tolerance: number,
): { readonly score: boolean; readonly map: boolean } {
  const { score, threshold, map } = prediction;
  const reach = tolerance * rangeOf(map.data);
  return {
    score: Math.abs(score - threshold) <= tolerance * Math.max(1, Math.abs(score)),
    map: map.data.some((value) => Math.abs(value - threshold) <= reach),
  };
}

/** Regions without their scores. */
function shapesOf({ regions }: Prediction): string {
  return JSON.stringify(regions.map(({ area, box }) => [area, box]));
}

/**
 * Scores images by two detectors, such as one and what was exported of it.
 * @param images must not end before the first one.
 * @throws {DskdError} what predictions throw.
 */
export async function comparePredictors(
  reference: Predictor,
  other: Predictor,
  images: AsyncIterable<ImageInput> | Iterable<ImageInput>,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Comparison> {
  const tolerance = toleranceOf(reference.description);
  let [count, score, map, verdicts, regions] = [0, 0, 0, 0, 0];
  for await (const image of images) {
    throwIfAborted(signal);
    const one = await reference.predict(image);
    const second = await other.predict(image);
    count++;
    score = Math.max(score, scoreError(one.score, second.score));
    map = Math.max(map, mapError(one.map.data, second.map.data, rangeOf(one.map.data)));
    for (const [name, branch] of Object.entries(one.branches)) {
      const own = second.branches[name]!;
      score = Math.max(score, scoreError(branch.score, own.score));
      if (branch.map) map = Math.max(map, mapError(branch.map.data, own.map!.data, rangeOf(branch.map.data)));
    }
    const near = isNear(one, tolerance);
    if (one.verdict !== second.verdict && !near.score) verdicts++;
    if (shapesOf(one) !== shapesOf(second) && !near.map) regions++;
  }
  const equal = score <= tolerance && map <= tolerance && verdicts === 0 && regions === 0;
  return { images: count, score, map, verdicts, regions, tolerance, equal };
}
