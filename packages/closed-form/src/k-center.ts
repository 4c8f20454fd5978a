import { DskdError } from '@dskd/base';
import { Pacer } from './pacer.js';
import { assertFiniteRows, assertShape, assertWhole, type Rows } from './rows.js';
import { squaredDistance } from './squared-distance.js';

/** Multiplications between two looks at the clock: about a millisecond. */
const BLOCK_PRODUCTS = 1 << 20;

/** Distances between more centers than these are not kept: 64 MB. */
const MOST_APART = 4096;

/**
 * How far centers are from each other, to leave out comparisons: a center at least twice as far from a point's nearest center as
 * the point itself is no nearer (triangle inequality).
 */
class CentersApart {
  readonly #side: number;
  /** A quarter of the squared distance of a center and a later one, a little less: neither rounding may leave out a comparison. */
  readonly #quarters: Float32Array;

  constructor(capacity: number) {
    this.#side = Math.min(capacity, MOST_APART);
    this.#quarters = new Float32Array(this.#side ** 2);
  }

  add(center: number, vectors: Float32Array, width: number): void {
    if (center >= this.#side) return;
    for (let other = 0; other < center; other++) {
      const distance = squaredDistance(vectors, other * width, vectors, center * width, width);
      this.#quarters[other * this.#side + center] = (distance / 4) * (1 - 1e-6);
    }
  }

  /** The first center from `from` on, below `end`, that may be nearer to a point than `bound`, its distance to `nearest`, squared. */
  next(nearest: number, from: number, end: number, bound: number): number {
    const row = nearest * this.#side;
    const last = Math.min(end, this.#side);
    if (nearest >= last) return from;
    for (let center = from; center < last; center++) if (this.#quarters[row + center]! < bound) return center;
    return Math.max(from, last);
  }
}

/**
 * Points that are not selected, in a heap by how far they are at most from the nearest center: their squared distance to
 * the nearest of the centers that they were compared with. More centers can only bring it down. So where the first point
 * of the heap was compared with all centers, it is the farthest of all points, and most of the others, which lie near an
 * early center, need not be compared with the later ones.
 */
class FarthestFirst {
  readonly #points: Rows;
  readonly #centers: Int32Array;
  /** The vectors of the centers, one after another: a point that is compared with many reads them in a row. */
  readonly #vectors: Float32Array;
  #count = 0;
  /** Of each point: a bound of its squared distance to the nearest center, and with how many centers it was compared. */
  readonly #bounds: Float64Array;
  readonly #compared: Int32Array;
  /** Of each point: which of the centers that it was compared with is the nearest. */
  readonly #nearest: Int32Array;
  readonly #apart: CentersApart;
  /** Indexes of points. A parent goes before its children: by falling bound, of equals by rising index. */
  readonly #heap: Int32Array;

  constructor(points: Rows, capacity: number) {
    this.#points = points;
    this.#centers = new Int32Array(capacity);
    this.#vectors = new Float32Array(capacity * points.width);
    this.#bounds = new Float64Array(points.count).fill(Infinity);
    this.#compared = new Int32Array(points.count);
    this.#nearest = new Int32Array(points.count);
    this.#apart = new CentersApart(capacity);
    // Of equal bounds, rising indexes are a heap.
    this.#heap = Int32Array.from({ length: points.count }, (_, point) => point);
  }

  get count(): number {
    return this.#count;
  }

  get centers(): Int32Array {
    return this.#centers.slice(0, this.#count);
  }

  add(center: number): void {
    const { data, width } = this.#points;
    this.#centers[this.#count] = center;
    this.#vectors.set(data.subarray(center * width, (center + 1) * width), this.#count * width);
    this.#apart.add(this.#count, this.#vectors, width);
    this.#count++;
  }

  /** The point to select next, -1 where all are at distance 0 of a center; undefined while the first is not known. */
  get farthest(): number | undefined {
    const first = this.#heap[0]!;
    if (this.#bounds[first] === 0) return -1;
    return this.#compared[first] === this.#count ? first : undefined;
  }

  /**
   * Compares the first point of the heap with the centers that it was not compared with, and moves it to its new place.
   * @returns how many centers those were.
   */
  compareFirst(): number {
    const { data, width } = this.#points;
    const point = this.#heap[0]!;
    const from = this.#compared[point]!;
    let bound = this.#bounds[point]!;
    let nearest = this.#nearest[point]!;
    // Against the first center there is nothing to leave out by.
    let center = from === 0 ? 0 : this.#apart.next(nearest, from, this.#count, bound);
    while (center < this.#count) {
      const distance = squaredDistance(data, point * width, this.#vectors, center * width, width, bound);
      if (distance < bound) {
        bound = distance;
        nearest = center;
      }
      center = this.#apart.next(nearest, center + 1, this.#count, bound);
    }
    this.#bounds[point] = bound;
    this.#nearest[point] = nearest;
    this.#compared[point] = this.#count;
    this.#sink(point, bound);
    return this.#count - from;
  }

  /** Moves the first point of the heap, whose bound has fallen, below all that go before it. */
  #sink(point: number, bound: number): void {
    const [heap, bounds] = [this.#heap, this.#bounds];
    const { length } = heap;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= length) break;
      let next = heap[child]!;
      let largest = bounds[next]!;
      if (child + 1 < length) {
        const other = heap[child + 1]!;
        const value = bounds[other]!;
        if (value > largest || (value === largest && other < next)) {
          child++;
          next = other;
          largest = value;
        }
      }
      if (largest < bound || (largest === bound && point < next)) break;
      heap[place] = next;
      place = child;
    }
    heap[place] = point;
  }
}

export interface KCenterOptions {
  /** Index of the first center; the caller draws it from a seed. */
  readonly first: number;
  readonly signal?: AbortSignal;
  /** Is called now and then, and at the end. */
  readonly onProgress?: (selected: number, wanted: number) => void;
}

/** {@link kCenterCoreset}, with the number of distances between two looks at the clock. */
export async function selectCenters(
  points: Rows,
  count: number,
  { first, signal, onProgress }: KCenterOptions,
  distancesPerBlock: number,
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
  for (let from = 0; from < points.count; from += distancesPerBlock) {
    assertFiniteRows('points', points, from, Math.min(from + distancesPerBlock, points.count));
    if (pacer.isDue) await pacer.pause();
  }
  const wanted = Math.min(count, points.count);
  const search = new FarthestFirst(points, wanted);
  let done = 0;
  for (let center = first; center >= 0; ) {
    search.add(center);
    if (search.count === wanted) break;
    let farthest: number | undefined;
    while ((farthest = search.farthest) === undefined) {
      done += search.compareFirst();
      if (done < distancesPerBlock) continue;
      done = 0;
      if (!pacer.isDue) continue;
      onProgress?.(search.count, wanted);
      await pacer.pause();
    }
    center = farthest;
  }
  onProgress?.(search.count, wanted);
  return search.centers;
}

/**
 * Greedy k-center (Gonzalez 1985, "Clustering to minimize the maximum intercluster distance"; as coreset in Sener and
 * Savarese 2018 and PatchCore, arXiv:2106.08265, Algorithm 1): starting with one point, selects again and again the
 * point farthest from all selected ones, of equals the one of lowest index. Euclidean distances, in float64.
 * The result is exactly that of the plain algorithm, but a point is compared with new centers only once it may be the
 * farthest (lazy evaluation, as Minoux 1978 for greedy maximization).
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
