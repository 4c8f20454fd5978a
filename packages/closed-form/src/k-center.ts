import { DskdError } from '@dskd/base';
import { Pacer } from './pacer.js';
import { assertFiniteRows, assertShape, assertWhole, type Rows } from './rows.js';
import { squaredDistance } from './squared-distance.js';

/** Multiplications between two looks at the clock: about a millisecond. */
const BLOCK_PRODUCTS = 1 << 20;
/** Far above the relative rounding errors of a squared distance, so that pruning never changes the result. */
const SLACK = 1e-9;

/** The points, each with its nearest center. */
class Clusters {
  readonly #points: Rows;
  readonly #centers: Int32Array;
  #count = 0;
  /** Of each point: which of the centers is nearest, and its squared distance. */
  readonly #nearest: Int32Array;
  readonly #squared: Float64Array;
  /** Of each cluster: up to which squared distance from its center no point can move to the new center. */
  readonly #reaches: Float64Array;
  /** The point farthest from its center, of equals the one of lowest index, and its squared distance. */
  #farthest = 0;
  #radius = 0;

  constructor(points: Rows, capacity: number) {
    this.#points = points;
    this.#centers = new Int32Array(capacity);
    this.#nearest = new Int32Array(points.count);
    this.#squared = new Float64Array(points.count).fill(Infinity);
    this.#reaches = new Float64Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  get centers(): Int32Array {
    return this.#centers.slice(0, this.#count);
  }

  /** The point to select next; -1 where all are at distance 0 of a center. */
  get farthest(): number {
    return this.#radius > 0 ? this.#farthest : -1;
  }

  /** Begins to add a center: {@link visit} all points then. */
  add(center: number): void {
    this.#centers[this.#count] = center;
    this.#count++;
    this.#radius = 0;
  }

  /**
   * Computes how far the clusters `from` to `to - 1` are out of reach of the new center: a quarter of the squared
   * distance between the centers. For a point p and centers c, c' with |c - c'| >= 2 |p - c'|, the triangle inequality
   * gives |p - c| >= |c - c'| - |p - c'| >= |p - c'|, so p stays with c'.
   */
  measure(from: number, to: number): void {
    const { data, width } = this.#points;
    const center = this.#centers[this.#count - 1]! * width;
    // The new center was the farthest point: beyond twice its distance every cluster is out of reach.
    const bound = this.#squared[this.#centers[this.#count - 1]!]! * 4 * (1 + 4 * SLACK);
    for (let cluster = from; cluster < to; cluster++) {
      const between = squaredDistance(data, center, data, this.#centers[cluster]! * width, width, bound);
      this.#reaches[cluster] = (between / 4) * (1 - SLACK);
    }
  }

  /** Moves those of the points `from` to `to - 1` to the new center that are nearer to it. */
  visit(from: number, to: number): void {
    const { data, width } = this.#points;
    const [nearest, squared, reaches] = [this.#nearest, this.#squared, this.#reaches];
    const added = this.#count - 1;
    const center = this.#centers[added]! * width;
    let radius = this.#radius;
    let farthest = this.#farthest;
    for (let point = from; point < to; point++) {
      let distance = squared[point]!;
      if (distance > reaches[nearest[point]!]!) {
        const candidate = squaredDistance(data, point * width, data, center, width, distance);
        if (candidate < distance) {
          distance = candidate;
          squared[point] = candidate;
          nearest[point] = added;
        }
      }
      if (distance > radius) {
        radius = distance;
        farthest = point;
      }
    }
    this.#radius = radius;
    this.#farthest = farthest;
  }
}

export interface KCenterOptions {
  /** Index of the first center; the caller draws it from a seed. */
  readonly first: number;
  readonly signal?: AbortSignal;
  /** Is called now and then, and at the end. */
  readonly onProgress?: (selected: number, wanted: number) => void;
}

/** {@link kCenterCoreset}, with the number of points between two looks at the clock. */
export async function selectCenters(
  points: Rows,
  count: number,
  { first, signal, onProgress }: KCenterOptions,
  pointsPerBlock: number,
): Promise<Int32Array> {
  assertShape('points', points);
  assertWhole('the count of centers', count);
  assertWhole('the index of the first center', first, 0);
  if (first >= points.count) {
    throw new DskdError(
      'invalid-argument',
      `Got ${first} as index of the first center; wanted an index of one of the ${points.count} points.`,
      { details: { got: first, count: points.count } },
    );
  }
  const pacer = new Pacer(signal);
  const wanted = Math.min(count, points.count);
  const clusters = new Clusters(points, wanted);
  for (let from = 0; from < points.count; from += pointsPerBlock) {
    const to = Math.min(from + pointsPerBlock, points.count);
    assertFiniteRows('points', points, from, to);
    if (pacer.isDue) await pacer.pause();
  }
  for (let center = first; center >= 0; center = clusters.farthest) {
    clusters.add(center);
    if (clusters.count === wanted) break;
    for (let from = 0; from < clusters.count - 1; from += pointsPerBlock) {
      clusters.measure(from, Math.min(from + pointsPerBlock, clusters.count - 1));
      if (pacer.isDue) await pacer.pause();
    }
    for (let from = 0; from < points.count; from += pointsPerBlock) {
      clusters.visit(from, Math.min(from + pointsPerBlock, points.count));
      if (!pacer.isDue) continue;
      onProgress?.(clusters.count, wanted);
      await pacer.pause();
    }
  }
  onProgress?.(clusters.count, wanted);
  return clusters.centers;
}

/**
 * Greedy k-center (Gonzalez 1985, "Clustering to minimize the maximum intercluster distance"; as coreset in Sener and
 * Savarese 2018 and PatchCore, arXiv:2106.08265, Algorithm 1): starting with one point, selects again and again the
 * point farthest from all selected ones, of equals the one of lowest index. Euclidean distances, in float64.
 * The result is exactly that of the plain algorithm: points that cannot be nearer to the new center than to their own,
 * by the triangle inequality, are not visited.
 *
 * Runs in blocks of about 10 ms, between which the event loop runs.
 *
 * @param points finite.
 * @param count how many points to select, at least 1; of fewer points, all.
 * @returns the indexes of the selected points in order of selection, the first is `options.first`. Fewer than `count`
 * where all others are equal to selected ones.
 * @throws {DskdError} `invalid-argument` for values that are not finite, a count below 1, or a first center that is none
 * of the points; `shape-mismatch` where count and width do not fit the data; `aborted`.
 */
export function kCenterCoreset(points: Rows, count: number, options: KCenterOptions): Promise<Int32Array> {
  return selectCenters(points, count, options, Math.max(1, Math.floor(BLOCK_PRODUCTS / (points.width || 1))));
}
