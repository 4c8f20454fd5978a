import { DskdError } from '@dskd/base';
import type { Curve, LimitedArea } from './evaluation-result.js';
import { lowerBound, type BackgroundRanks } from './paged-histogram.js';

/**
 * A region of defect pixels: the keys of its `saturationArea` largest scores (see `orderedKey`), ascending. The other
 * scores cannot change its overlap `min(found / saturationArea, 1)`, which is 1 once these are above the threshold.
 */
export interface OverlapRegion {
  readonly defectType?: string;
  readonly keys: Uint32Array;
}

/** A region from the keys of all its scores, which are sorted in place. */
export function overlapRegion(
  keys: Uint32Array,
  saturationArea: number,
  defectType: string | undefined,
): OverlapRegion {
  const kept = keys.sort().slice(Math.max(0, keys.length - saturationArea));
  return defectType === undefined ? { keys: kept } : { keys: kept, defectType };
}

/** @throws {DskdError} `invalid-argument` for a limit that is not above 0 and at most 1. */
export function checkLimit(limit: number): void {
  if (limit > 0 && limit <= 1) return;
  throw new DskdError(
    'invalid-argument',
    `Got the limit ${limit}; wanted a false-positive rate above 0, at most 1.`,
    {
      details: { limit },
    },
  );
}

/**
 * Areas under the curve of one region's overlap, at each limit, over the limit.
 *
 * The curve has a point for every threshold: x is the share of background pixels above it, y the share of the
 * region's n kept pixels. Lowering the threshold past a score moves x by its `tied` background pixels and y by
 * 1 / n for each kept pixel with it, on a straight line. So each kept pixel alone lifts the curve by 1 / n: from
 * 0 at x = `above` to all of it at x = `above + tied`, counted in background pixels, and on to the limit. Its share
 * of the area is 1 / n times
 *
 *     0                             where limit <= above,
 *     (limit - above)^2 / (2 tied)  where the limit cuts the ramp,
 *     limit - above - tied / 2      where it does not.
 *
 * Where a bin is more than one value (shift > 0), the pixel's own `above'` and `tied'` are not known, only that
 * `above <= above'` and `above' + tied' <= above + tied` of the bin. Its share is between what a ramp that had
 * waited for the whole bin would give, max(0, limit - above - tied), and what a step before the bin would,
 * max(0, limit - above). These are the bounds; `value` takes the bin as one score.
 */
function areasOfRegion(
  { keys }: OverlapRegion,
  { pixels, shift, atOrAbove }: BackgroundRanks,
  limits: readonly number[],
): LimitedArea[] {
  const values = new Float64Array(limits.length);
  const lowers = new Float64Array(limits.length);
  const uppers = new Float64Array(limits.length);
  for (const key of keys) {
    const bin = key >>> shift;
    const above = atOrAbove(bin + 1);
    const tied = atOrAbove(bin) - above;
    for (let i = 0; i < limits.length; i++) {
      const room = limits[i]! * pixels - above;
      if (room <= 0) continue;
      values[i]! += room < tied ? room ** 2 / (2 * tied) : room - tied / 2;
      lowers[i]! += Math.max(0, room - tied);
      uppers[i]! += room;
    }
  }
  return limits.map((limit, i) => {
    const whole = limit * pixels * keys.length;
    // Rounding could give a value above 1.
    const share = (sum: number): number => Math.min(1, sum / whole);
    const value = share(values[i]!);
    if (shift === 0) return { limit, value, lower: value, upper: value };
    return { limit, value, lower: share(lowers[i]!), upper: share(uppers[i]!) };
  });
}

/** @returns the areas of each region, one per limit; NaN without background pixels. */
export function areasOfRegions(
  regions: readonly OverlapRegion[],
  ranks: BackgroundRanks,
  limits: readonly number[],
): LimitedArea[][] {
  return regions.map((region) => areasOfRegion(region, ranks, limits));
}

/**
 * Areas under the mean of several regions' curves: all have the same x at the same threshold, so the area of the
 * mean is the mean of the areas.
 */
export function meanAreas(
  areas: readonly (readonly LimitedArea[])[],
  limits: readonly number[],
): LimitedArea[] {
  const mean = (pick: (areasOfOne: readonly LimitedArea[]) => number): number =>
    areas.reduce((sum, areasOfOne) => sum + pick(areasOfOne), 0) / areas.length;
  return limits.map((limit, i) => ({
    limit,
    value: mean((one) => one[i]!.value),
    lower: mean((one) => one[i]!.lower),
    upper: mean((one) => one[i]!.upper),
  }));
}

/** This step gives at most 2000 points. */
const STEP = 1 / 999;

interface Point {
  readonly bin: number;
  readonly x: number;
  readonly y: number;
}

/**
 * Points of the curve of false-positive rate and mean overlap, from (0, 0) to (1, 1), at most 2000. Each lies on the
 * curve. From one to the next the overlap rises by 1 / 999 at most, or on a straight piece of the curve itself. As the
 * curve rises all the way, the area below the points' polyline, up to any limit and over it, is at most 1 / 999 off.
 * @returns no points without regions or without background pixels.
 */
export function overlapCurve(regions: readonly OverlapRegion[], ranks: BackgroundRanks): Curve {
  if (regions.length === 0 || ranks.pixels === 0) return { x: [], y: [] };
  const { pixels, shift } = ranks;
  const bins = 2 ** (32 - shift);
  // The curve's point for a threshold at the top of a bin: the pixels of all higher bins.
  const pointAt = (bin: number): Point => {
    const overlap = regions.reduce(
      (sum, { keys }) => sum + (keys.length - lowerBound(keys, (bin + 1) * 2 ** shift)) / keys.length,
      0,
    );
    return { bin, x: ranks.atOrAbove(bin + 1) / pixels, y: overlap / regions.length };
  };
  const found: Point[] = [];
  // Adds the points from `a` (exclusive) to `b`.
  const trace = (a: Point, b: Point): void => {
    if (a.bin - b.bin > 1 && b.y - a.y > STEP) {
      const middle = pointAt(Math.floor((a.bin + b.bin) / 2));
      trace(a, middle);
      trace(middle, b);
    } else found.push(b);
  };
  const start = pointAt(bins - 1);
  trace(start, pointAt(-1));
  const kept = [start];
  found.forEach((point, i) => {
    const last = kept.at(-1)!;
    const next = found[i + 1];
    if (point.x === last.x && point.y === last.y) return;
    if (next === undefined || next.y - last.y > STEP) kept.push(point);
  });
  return { x: kept.map(({ x }) => x), y: kept.map(({ y }) => y) };
}
