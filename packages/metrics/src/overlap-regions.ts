/**
 * A region of defect pixels that can be found: the keys of its `saturationArea` largest scores (see `orderedKey`),
 * ascending. Nothing else of it matters, because what else is found counts nothing: with the n-th largest score above
 * the threshold `min(found / saturationArea, 1)` is `min(n / saturationArea, 1)`.
 */
export interface OverlapRegion {
  readonly defectType?: string;
  readonly keys: Uint32Array;
}

/** Of all scores of a region, which are sorted in place, those that matter. */
export function overlapRegion(
  keys: Uint32Array,
  saturationArea: number,
  defectType: string | undefined,
): OverlapRegion {
  const kept = keys.sort().slice(Math.max(0, keys.length - saturationArea));
  return defectType === undefined ? { keys: kept } : { keys: kept, defectType };
}
