import type { RandomStream } from '@dskd/base';
import { assertRows, assertWhole, type Rows } from './rows.js';
import { squaredDistance } from './squared-distance.js';

/** Passes after which an assignment that still changes is taken as it is. */
const MOST_PASSES = 100;

/**
 * The row of `centers` that is nearest to the `width` values of `data` from `offset` on; of equally near ones the first.
 * @param centers as many values as centers times `width`.
 */
export function nearestCenter(
  data: Float32Array,
  offset: number,
  { data: centers, count, width }: Rows,
): { readonly index: number; readonly squaredDistance: number } {
  let index = 0;
  let least = Infinity;
  for (let center = 0; center < count; center++) {
    const distance = squaredDistance(data, offset, centers, center * width, width, least);
    if (distance >= least) continue;
    least = distance;
    index = center;
  }
  return { index, squaredDistance: least };
}

/** k-means++ (Arthur and Vassilvitskii, 2007): each next center is drawn by its squared distance to those before. */
function firstCenters(rows: Rows, clusters: number, stream: RandomStream): Float32Array {
  const { data, count, width } = rows;
  const centers = new Float32Array(clusters * width);
  const distances = new Float64Array(count).fill(Infinity);
  let chosen = stream.integer(count);
  for (let center = 0; ; center++) {
    centers.set(data.subarray(chosen * width, (chosen + 1) * width), center * width);
    if (center === clusters - 1) return centers;
    let total = 0;
    for (let row = 0; row < count; row++) {
      const bound = distances[row]!;
      distances[row] = Math.min(
        bound,
        squaredDistance(data, row * width, centers, center * width, width, bound),
      );
      total += distances[row]!;
    }
    // Where every row lies on a center, further centers repeat the first row.
    let rest = stream.uniform() * total;
    chosen = 0;
    for (let row = 0; row < count && total > 0; row++) {
      if (distances[row] === 0) continue;
      chosen = row;
      rest -= distances[row]!;
      if (rest < 0) break;
    }
  }
}

/**
 * Centers of clusters by Lloyd's algorithm from a k-means++ start. Sums are in float64, and the same stream gives the same
 * centers bit for bit. A center that no row is nearest to stays where it was.
 * @param clusters wanted; where there are fewer rows, there are as many centers as rows.
 * @throws {DskdError} `invalid-argument`, `shape-mismatch`
 */
export function kMeans(rows: Rows, clusters: number, stream: RandomStream): Rows {
  assertRows('rows', rows);
  assertWhole('clusters', clusters);
  const { data, count, width } = rows;
  const wanted = Math.min(clusters, count);
  const found: Rows = { data: firstCenters(rows, wanted, stream), count: wanted, width };
  const assigned = new Int32Array(count).fill(-1);
  for (let pass = 0; pass < MOST_PASSES; pass++) {
    let changes = 0;
    const sums = new Float64Array(found.data.length);
    const sizes = new Uint32Array(found.count);
    for (let row = 0; row < count; row++) {
      const { index } = nearestCenter(data, row * width, found);
      if (assigned[row] !== index) changes++;
      assigned[row] = index;
      sizes[index]!++;
      for (let column = 0; column < width; column++) {
        sums[index * width + column]! += data[row * width + column]!;
      }
    }
    if (changes === 0) break;
    for (let value = 0; value < sums.length; value++) {
      const size = sizes[Math.floor(value / width)]!;
      if (size > 0) found.data[value] = sums[value]! / size;
    }
  }
  return found;
}
