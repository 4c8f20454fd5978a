import { randomStream, type HistoryEntry } from '@dskd/base';
import type { Curve, EvaluationResult, LimitedArea, ScoredSample, ScoreMetrics } from '@dskd/metrics';

/** A curve of the form `x^power`. */
function risingCurve(power: number): Curve {
  const x = Array.from({ length: 60 }, (_, index) => (index / 59) ** 2);
  return { x, y: x.map((value) => value ** power) };
}

const area = (limit: number, value: number): LimitedArea => ({ limit, value, lower: value, upper: value });

/** Roughly consistent metrics: a better score has a higher `worth` (0..1). */
function madeUpMetrics(worth: number, types: readonly string[], subsets: readonly string[]): ScoreMetrics {
  const power = 1 - worth;
  const limited = (offset: number): LimitedArea[] =>
    [0.01, 0.05, 0.1, 0.3, 1].map((limit) => area(limit, Math.min(0.99, worth - offset + 0.1 * limit)));
  return {
    imageAuroc: worth,
    imageAveragePrecision: worth * 0.98,
    imageF1Max: worth * 0.95,
    imageAurocByDefect: Object.fromEntries(types.map((type, index) => [type, worth - 0.01 * index])),
    pixelAuroc: 0.5 + worth / 2,
    pixelAveragePrecision: worth * 0.6,
    auPro: area(0.3, worth * 0.9),
    auSpro: Object.fromEntries(subsets.map((subset, index) => [subset, limited(0.1 + 0.1 * index)])),
    auSproByDefect:
      subsets.length === 0
        ? {}
        : Object.fromEntries(types.map((type, index) => [type, limited(0.05 * index)])),
    curves: {
      roc: risingCurve(power),
      precisionRecall: { x: [0, 0.4, 0.7, 0.9, 1], y: [1, 1, 0.97, 0.9, 0.5] },
      pro: risingCurve(power * 1.5),
      spro: Object.fromEntries(subsets.map((subset, index) => [subset, risingCurve(power * (1.2 + index))])),
    },
  };
}

export interface MadeUpOptions {
  readonly good: number;
  readonly anomalous: number;
  readonly types: readonly string[];
  /** Subsets as in MVTec LOCO AD; without any the protocol is MVTec AD. */
  readonly subsets?: readonly string[];
  readonly threshold?: number;
  readonly nameOf?: (label: string, type: string, index: number) => string;
}

/** A synthetic evaluation with consistent counts and verdicts and invented areas. */
export function madeUpEvaluation({
  good,
  anomalous,
  types,
  subsets = [],
  threshold = 5,
  nameOf = (_, type, index): string => `test/${type}/${String(index).padStart(3, '0')}.png`,
}: MadeUpOptions): EvaluationResult {
  const random = randomStream(5, 'made-up');
  const sample = (label: 'good' | 'anomalous', defectType: string, index: number): ScoredSample => {
    const middle = label === 'good' ? threshold * 0.7 : threshold * (1.3 + 0.6 * random.uniform());
    const score = middle + threshold * 0.15 * random.normal();
    const share = 0.3 + 0.4 * random.uniform();
    return {
      id: nameOf(label, defectType, index),
      label,
      defectType,
      score,
      branchScores: { local: score * share, global: score * (1 - share) },
      verdict: score > threshold ? 'anomalous' : 'normal',
    };
  };
  const samples = [
    ...Array.from({ length: good }, (_, index) => sample('good', 'good', index)),
    ...Array.from({ length: anomalous }, (_, index) =>
      sample('anomalous', types[index % types.length]!, index),
    ),
  ];
  const count = (label: string, verdict: string): number =>
    samples.filter((each) => each.label === label && each.verdict === verdict).length;
  return {
    source: 'made up',
    protocol: subsets.length > 0 ? 'mvtec-loco-ad' : 'mvtec-ad',
    images: { good, anomalous, withMask: anomalous },
    fused: madeUpMetrics(0.94, types, subsets),
    branches: { local: madeUpMetrics(0.9, types, subsets), global: madeUpMetrics(0.83, types, subsets) },
    atThreshold: { threshold, falseAlarms: count('good', 'anomalous'), misses: count('anomalous', 'normal') },
    samples,
  };
}

export const madeUpHistory: HistoryEntry[] = Array.from({ length: 20 }, (_, epoch) => ({
  epoch,
  losses: { local: 0.9 / (1 + epoch * 0.5), global: 3.2 * 0.88 ** epoch + 0.4 },
}));

/** A PNG of one gray pixel. */
export const DOT =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==';
