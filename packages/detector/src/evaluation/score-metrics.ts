import type { Sample } from '@dskd/data';
import {
  auroc,
  averagePrecision,
  f1Max,
  PixelMetricsAccumulator,
  precisionRecallCurve,
  ProAccumulator,
  rocCurve,
  SproAccumulator,
  thinCurve,
  type EvaluationResult,
  type LimitedArea,
  type ScoreMetrics,
  type SproResult,
} from '@dskd/metrics';
import type { ScoreMap } from '../inference/prediction.js';
import type { GroundTruth } from './ground-truth.js';

/** What of a `ScoreMetrics` follows from scores of images alone. */
type ImageMetrics = Pick<
  ScoreMetrics,
  'imageAuroc' | 'imageAveragePrecision' | 'imageF1Max' | 'imageAurocByDefect'
> & { readonly curves: Pick<ScoreMetrics['curves'], 'roc' | 'precisionRecall'> };

interface Separation {
  readonly auroc: number;
  readonly averagePrecision: number;
  readonly f1Max: number;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** How well scores, one per sample, tell anomalous images from good ones. */
function imageMetrics(
  scores: readonly number[],
  samples: readonly Pick<Sample, 'label' | 'defectType'>[],
  protocol: EvaluationResult['protocol'],
): ImageMetrics {
  const labels = samples.map(({ label }) => (label === 'anomalous' ? 1 : 0));
  /** Of the good images and the anomalous ones of one type, or of all. */
  const separation = (type?: string): Separation => {
    const isChosen = samples.map(
      ({ label, defectType }) => label === 'good' || type === undefined || defectType === type,
    );
    const pick = (values: readonly number[]): number[] => values.filter((_, index) => isChosen[index]);
    const chosen = [pick(scores), pick(labels)] as const;
    return {
      auroc: auroc(...chosen),
      averagePrecision: averagePrecision(...chosen),
      f1Max: f1Max(...chosen).f1,
    };
  };
  const types = new Set(
    samples.filter(({ label }) => label === 'anomalous').map(({ defectType }) => defectType),
  );
  const byType = new Map([...types].map((type) => [type, separation(type)]));
  const parts = protocol === 'mvtec-loco-ad' ? [...byType.values()] : [separation()];
  return {
    imageAuroc: mean(parts.map((part) => part.auroc)),
    imageAveragePrecision: mean(parts.map((part) => part.averagePrecision)),
    imageF1Max: mean(parts.map((part) => part.f1Max)),
    imageAurocByDefect: Object.fromEntries([...byType].map(([type, part]) => [type, part.auroc])),
    curves: {
      roc: thinCurve(rocCurve(scores, labels)),
      precisionRecall: thinCurve(precisionRecallCurve(scores, labels)),
    },
  };
}

const GOOD = 'good';

/** What of a `ScoreMetrics` follows from maps and ground truth. */
type PixelMetrics = Pick<
  ScoreMetrics,
  'pixelAuroc' | 'pixelAveragePrecision' | 'auPro' | 'auSpro' | 'auSproByDefect'
> & { readonly curves: Pick<ScoreMetrics['curves'], 'pro' | 'spro'> };

/** The map of one score for an image whose ground truth is known, all in the image's own pixels. */
interface JudgedMap {
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
class MapMetricsAccumulator {
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

/** Gathers what one score is worth, an image at a time. */
export class MetricsAccumulator {
  readonly #scores: number[] = [];
  readonly pixels = new MapMetricsAccumulator();

  add(score: number): void {
    this.#scores.push(score);
  }

  /** @param samples in the order their scores were added. */
  result(samples: readonly Sample[], protocol: EvaluationResult['protocol']): ScoreMetrics {
    const image = imageMetrics(this.#scores, samples, protocol);
    const pixel = this.pixels.result();
    return { ...image, ...pixel, curves: { ...image.curves, ...pixel.curves } };
  }
}
