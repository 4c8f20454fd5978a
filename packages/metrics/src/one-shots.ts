import { DskdError } from '@dskd/base';
import { PixelMetricsAccumulator } from './pixel-metrics.js';
import { ProAccumulator } from './pro.js';
import { SproAccumulator, type SproRegion } from './spro.js';

/** The anomaly map of one image at the size of its ground truth. */
export interface ScoreMap {
  /** `width * height` scores, row by row, finite. */
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/**
 * One per image: `width * height` values, not 0 where a pixel is ignored; null if no pixel is. Default: no pixel is
 * ignored.
 */
type Ignored = readonly (Uint8Array | null)[];

function assertOnePerMap(
  maps: readonly ScoreMap[],
  lists: Readonly<Record<string, ArrayLike<unknown>>>,
): void {
  for (const [name, { length }] of Object.entries(lists)) {
    if (length === maps.length) continue;
    throw new DskdError(
      'shape-mismatch',
      `Got ${maps.length} maps and ${length} ${name}; wanted one per map (for masks, null where nothing is marked).`,
      { details: { maps: maps.length, [name]: length } },
    );
  }
}

/** The part of an accumulator's sample that all three metrics share. */
function sampleOf({ data, width, height }: ScoreMap, index: number, ignored: Ignored | undefined) {
  const mask = ignored?.[index];
  return { name: `image ${index}`, map: data, width, height, ...(mask && { ignored: mask }) };
}

/**
 * AUROC over the pixels of all images: the chance that an anomalous pixel scores higher than a normal one, ties 1/2.
 * Exact up to 4 194 304 pixels of each kind. For more pixels, error bounds, or images that arrive one at a time, use
 * {@link PixelMetricsAccumulator}.
 * @param maps one per image.
 * @param masks one per image: `width * height` values, not 0 where a pixel is anomalous; null for a good image.
 * @returns 0..1; NaN without anomalous or without normal pixels.
 * @throws {DskdError} `shape-mismatch` when numbers or sizes differ, `invalid-argument` for a score that is not finite.
 */
export function pixelAuroc(
  maps: readonly ScoreMap[],
  masks: readonly (Uint8Array | null)[],
  { ignored }: { readonly ignored?: Ignored } = {},
): number {
  assertOnePerMap(maps, { masks, ...(ignored && { 'ignore masks': ignored }) });
  const accumulator = new PixelMetricsAccumulator();
  maps.forEach((map, i) => {
    accumulator.add({ ...sampleOf(map, i, ignored), mask: masks[i] ?? new Uint8Array(map.data.length) });
  });
  return accumulator.result().auroc;
}

/**
 * AU-PRO as MVTec AD defines it: the area under the mean overlap of the masks' 8-connected components against the
 * false-positive rate, up to `limit`, divided by `limit`. Exact up to 4 194 304 background pixels; see
 * {@link ProAccumulator} for more pixels, bounds and the curve.
 * @param maps one per image, at the size of its mask.
 * @param masks one per image: `width * height` values, not 0 where a pixel is anomalous; null for a good image.
 * @param options.limit false-positive rate, above 0 and at most 1. Default 0.3.
 * @returns 0..1; NaN without a defect or without background pixels.
 * @throws {DskdError} `shape-mismatch` when numbers or sizes differ; `invalid-argument` for a score that is not finite,
 * an empty mask or another limit.
 */
export function auPro(
  maps: readonly ScoreMap[],
  masks: readonly (Uint8Array | null)[],
  { limit, ignored }: { readonly limit?: number; readonly ignored?: Ignored } = {},
): number {
  assertOnePerMap(maps, { masks, ...(ignored && { 'ignore masks': ignored }) });
  const accumulator = new ProAccumulator({ ...(limit !== undefined && { limit }) });
  maps.forEach((map, i) => {
    accumulator.add({ ...sampleOf(map, i, ignored), mask: masks[i]! });
  });
  return accumulator.result()?.area.value ?? NaN;
}

/**
 * AU-sPRO as MVTec LOCO AD defines it: the area under the mean saturated overlap of the regions against the
 * false-positive rate, up to `limit`, divided by `limit`. Exact up to 4 194 304 background pixels; see
 * {@link SproAccumulator} for more pixels, bounds, several limits, defect types and the curve.
 * @param maps one per image, at the image's original size.
 * @param regions one list per image, empty for a good image.
 * @param options.limit false-positive rate, above 0 and at most 1. Default 0.05, the headline of MVTec LOCO AD.
 * @param options.subsets one name per image, such as `'logical_anomalies'`; the result is then the mean over subsets,
 * each with all good images, as in MVTec LOCO AD. Names of good images are not used. Default: all anomalous images are
 * one subset.
 * @returns 0..1; NaN without a region or without background pixels.
 * @throws {DskdError} `shape-mismatch` when numbers or sizes differ; `invalid-argument` for a score that is not finite,
 * an empty region, a saturation area below 1 or another limit.
 */
export function auSpro(
  maps: readonly ScoreMap[],
  regions: readonly (readonly SproRegion[])[],
  {
    limit = 0.05,
    subsets,
    ignored,
  }: { readonly limit?: number; readonly subsets?: readonly string[]; readonly ignored?: Ignored } = {},
): number {
  assertOnePerMap(maps, {
    'lists of regions': regions,
    ...(subsets && { subsets }),
    ...(ignored && { 'ignore masks': ignored }),
  });
  const accumulator = new SproAccumulator({ limits: [limit] });
  maps.forEach((map, i) => {
    const subset = regions[i]!.length === 0 ? 'good' : (subsets?.[i] ?? 'anomalous');
    accumulator.add({ ...sampleOf(map, i, ignored), subset, regions: regions[i]! });
  });
  const areas = Object.entries(accumulator.result().subsets).map(
    ([name, { limits }]) => [name, limits] as const,
  );
  return SproAccumulator.meanOverSubsets(Object.fromEntries(areas))[0]?.value ?? NaN;
}
