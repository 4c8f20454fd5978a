import { DskdError } from '@dskd/base';
import { Pacer } from './pacer.js';
import { assertFiniteRows, assertShape, assertWhole, type Rows } from './rows.js';
import { squaredDistance } from './squared-distance.js';

/** Multiplications between two looks at the clock: about a millisecond. */
const BLOCK_PRODUCTS = 1 << 20;
/** Far above the relative rounding errors of a squared distance, so that pruning never changes the result. */
const SLACK = 1e-9;

/** The points, each in the cluster of its nearest center, as linked lists. */
class Clusters {
  count = 0;
  /** For each cluster: the point farthest from its center (of equals the one of lowest index), and its squared distance. */
  readonly #farthest: Int32Array;
  readonly #radii: Float64Array;
  /** Index of each cluster's first point, and of each point's next one; -1 at the end. */
  readonly #heads: Int32Array;
  readonly #next: Int32Array;
  /** Squared distance of each point to its center. */
  readonly #squared: Float64Array;
  readonly #centers: Int32Array;
  readonly #points: Rows;
  // Where a scan has got to.
  #point = -1;
  #previous = -1;

  constructor(points: Rows, capacity: number) {
    this.#points = points;
    this.#farthest = new Int32Array(capacity);
    this.#radii = new Float64Array(capacity);
    this.#heads = new Int32Array(capacity).fill(-1);
    this.#centers = new Int32Array(capacity);
    this.#next = new Int32Array(points.count);
    this.#squared = new Float64Array(points.count);
  }

  get centers(): Int32Array {
    return this.#centers.slice(0, this.count);
  }

  /** Puts the points `from` to `to - 1` into the first cluster; `from` is where the call before ended. */
  addToFirst(center: number, from: number, to: number): void {
    const { data, width, count } = this.#points;
    this.#centers[0] = center;
    this.#heads[0] = 0;
    for (let point = from; point < to; point++) {
      const squared = squaredDistance(data, point * width, data, center * width, width);
      this.#squared[point] = squared;
      this.#next[point] = point + 1 < count ? point + 1 : -1;
      if (squared > this.#radii[0]!) {
        this.#radii[0] = squared;
        this.#farthest[0] = point;
      }
    }
    this.count = 1;
  }

  /** The point farthest from its center, of equals the one of lowest index; -1 where all are at distance 0. */
  farthest(): number {
    let largest = 0;
    let point = -1;
    for (let cluster = 0; cluster < this.count; cluster++) {
      const radius = this.#radii[cluster]!;
      const candidate = this.#farthest[cluster]!;
      if (radius > largest || (radius === largest && radius > 0 && candidate < point)) {
        largest = radius;
        point = candidate;
      }
    }
    return point;
  }

  /**
   * A lower bound of what `squared` a point of `cluster` needs to move to `center`: a quarter of the squared distance
   * between the centers. For a point p and centers c, c' with |c - c'| >= 2 |p - c'|, the triangle inequality gives
   * |p - c| >= |c - c'| - |p - c'| >= |p - c'|. At least the cluster's squared radius where none can move.
   */
  reach(cluster: number, center: number): number {
    const { data, width } = this.#points;
    const other = this.#centers[cluster]!;
    const bound = this.#radii[cluster]! * 4 * (1 + 4 * SLACK);
    const between = squaredDistance(data, center * width, data, other * width, width, bound);
    return (between / 4) * (1 - SLACK);
  }

  canLose(cluster: number, reach: number): boolean {
    return this.#radii[cluster]! > reach;
  }

  /** Begins to move points of `cluster` into a new cluster. */
  beginScan(cluster: number): void {
    this.#point = this.#heads[cluster]!;
    this.#previous = -1;
    this.#radii[cluster] = 0;
    this.#farthest[cluster] = 0;
  }

  /** Visits at most `limit` further points of `cluster`. Returns how many are left of `limit`: 0 where there may be more. */
  scan(cluster: number, center: number, reach: number, limit: number): number {
    const { data, width } = this.#points;
    const next = this.#next;
    const squared = this.#squared;
    const offset = center * width;
    const added = this.count;
    let point = this.#point;
    let previous = this.#previous;
    let radius = this.#radii[cluster]!;
    let farthest = this.#farthest[cluster]!;
    let left = limit;
    for (; point >= 0 && left > 0; left--) {
      const following = next[point]!;
      const old = squared[point]!;
      const distance = old > reach ? squaredDistance(data, point * width, data, offset, width, old) : old;
      if (distance < old) {
        squared[point] = distance;
        if (previous < 0) this.#heads[cluster] = following;
        else next[previous] = following;
        next[point] = this.#heads[added]!;
        this.#heads[added] = point;
        const largest = this.#radii[added]!;
        if (distance > largest || (distance === largest && point < this.#farthest[added]!)) {
          this.#radii[added] = distance;
          this.#farthest[added] = point;
        }
      } else {
        if (old > radius || (old === radius && point < farthest)) {
          radius = old;
          farthest = point;
        }
        previous = point;
      }
      point = following;
    }
    this.#point = point;
    this.#previous = previous;
    this.#radii[cluster] = radius;
    this.#farthest[cluster] = farthest;
    return left;
  }

  /** The new cluster, into which points were moved, counts from now on. */
  add(center: number): void {
    this.#centers[this.count] = center;
    this.count++;
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
  for (let from = 0; from < points.count; from += pointsPerBlock) {
    clusters.addToFirst(first, from, Math.min(from + pointsPerBlock, points.count));
    if (pacer.isDue) await pacer.pause();
  }
  const pause = async (): Promise<void> => {
    onProgress?.(clusters.count, wanted);
    await pacer.pause();
  };
  // How many points may be visited before the next look at the clock.
  let left = pointsPerBlock;
  while (clusters.count < wanted) {
    const center = clusters.farthest();
    if (center < 0) break;
    for (let cluster = 0; cluster < clusters.count; cluster++) {
      const reach = clusters.reach(cluster, center);
      const canLose = clusters.canLose(cluster, reach);
      if (canLose) clusters.beginScan(cluster);
      left = canLose ? clusters.scan(cluster, center, reach, left) : left - 1;
      while (left <= 0) {
        if (pacer.isDue) await pause();
        left = pointsPerBlock;
        if (canLose) left = clusters.scan(cluster, center, reach, left);
      }
    }
    clusters.add(center);
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
