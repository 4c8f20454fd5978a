import type { BackgroundRanks } from './background-ranks.js';
import type { LimitedArea } from './evaluation-result.js';
import type { OverlapRegion } from './overlap-regions.js';

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
    // Rounding alone can pass 1.
    const share = (sum: number): number => Math.min(1, sum / whole);
    const value = share(values[i]!);
    if (shift === 0) return { limit, value, lower: value, upper: value };
    return { limit, value, lower: share(lowers[i]!), upper: share(uppers[i]!) };
  });
}

/** @returns for each region its areas, one per limit; NaN without background. */
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
