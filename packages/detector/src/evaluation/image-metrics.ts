import type { Sample } from '@dskd/data';
import {
  auroc,
  averagePrecision,
  f1Max,
  precisionRecallCurve,
  rocCurve,
  thinCurve,
  type EvaluationResult,
  type ScoreMetrics,
} from '@dskd/metrics';

/** What of a `ScoreMetrics` follows from scores of images alone. */
export type ImageMetrics = Pick<
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
export function imageMetrics(
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
