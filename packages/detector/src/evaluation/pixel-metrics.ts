import {
  PixelMetricsAccumulator,
  ProAccumulator,
  SproAccumulator,
  thinCurve,
  type LimitedArea,
  type ScoreMetrics,
  type SproResult,
} from '@dskd/metrics';
import type { ScoreMap } from '../prediction.js';
import type { GroundTruth } from './ground-truth.js';

const GOOD = 'good';

/** What of a `ScoreMetrics` follows from maps and ground truth. */
export type PixelMetrics = Pick<
  ScoreMetrics,
  'pixelAuroc' | 'pixelAveragePrecision' | 'auPro' | 'auSpro' | 'auSproByDefect'
> & { readonly curves: Pick<ScoreMetrics['curves'], 'pro' | 'spro'> };

/** The map of one score for an image whose ground truth is known, all in the image's own pixels. */
export interface JudgedMap {
  /** Said in errors. */
  readonly name: string;
  /** `good`, or the subset that the image belongs to. */
  readonly subset: string;
  readonly map: ScoreMap;
  readonly truth: GroundTruth;
  /** Not 0 where a pixel does not count; null where all do. */
  readonly ignored: Uint8Array | null;
}

/** Gathers what the maps of one score are worth, an image at a time; no map is kept. */
export class PixelMetricsGatherer {
  readonly #pixels = new PixelMetricsAccumulator();
  readonly #pro = new ProAccumulator();
  readonly #spro = new SproAccumulator();

  add({ name, subset, map: { data: map, width, height }, truth, ignored: given }: JudgedMap): void {
    const ignored = given ? { ignored: given } : {};
    const { mask, regions } = truth;
    this.#pixels.add({ name, map, mask, ...ignored });
    this.#pro.add({ name, map, mask: subset === GOOD ? null : mask, width, height, ...ignored });
    if (regions) this.#spro.add({ name, map, width, height, regions, subset, ...ignored });
  }

  result(): PixelMetrics {
    const { auroc, averagePrecision } = this.#pixels.result();
    const pro = this.#pro.result();
    const { subsets } = this.#spro.result();
    const bySubset = <T>(pick: (subset: SproResult['subsets'][string]) => T): Record<string, T> =>
      Object.fromEntries(Object.entries(subsets).map(([name, subset]) => [name, pick(subset)]));
    return {
      pixelAuroc: auroc,
      pixelAveragePrecision: averagePrecision.value,
      auPro: pro?.area ?? null,
      auSpro: bySubset(({ limits }) => limits),
      auSproByDefect: defectsOf(subsets),
      curves: { pro: pro && thinCurve(pro.curve), spro: bySubset(({ curve }) => thinCurve(curve)) },
    };
  }
}

/** Areas by type of defect; a type that occurs in several subsets has an entry for each, `TYPE (SUBSET)`. */
function defectsOf(subsets: SproResult['subsets']): Record<string, readonly LimitedArea[]> {
  const all = Object.entries(subsets).flatMap(([subset, { byDefect }]) =>
    Object.entries(byDefect).map(([type, areas]) => ({ subset, type, areas })),
  );
  const isShared = (type: string): boolean => all.filter((each) => each.type === type).length > 1;
  return Object.fromEntries(
    all.map(({ subset, type, areas }) => [isShared(type) ? `${type} (${subset})` : type, areas]),
  );
}
