import type { EvaluationResult, LimitedArea, ScoreMetrics } from '@dskd/metrics';

const areas = (value: number): LimitedArea[] =>
  [0.05, 0.3].map((limit) => ({ limit, value: value + limit, lower: value, upper: value + 2 * limit }));

function quality(value: number, hasRegions: boolean): ScoreMetrics {
  return {
    imageAuroc: value,
    imageAveragePrecision: value + 0.01,
    imageF1Max: value + 0.02,
    imageAurocByDefect: { structural_anomalies: value + 0.1, logical_anomalies: value - 0.1 },
    pixelAuroc: value + 0.03,
    pixelAveragePrecision: hasRegions ? value + 0.04 : NaN,
    auPro: hasRegions ? { limit: 0.3, value: value + 0.05, lower: value + 0.04, upper: value + 0.06 } : null,
    auSpro: hasRegions ? { structural_anomalies: areas(0.1), logical_anomalies: areas(0.3) } : {},
    auSproByDefect: hasRegions ? { 'cut, "deep"': areas(0.5) } : {},
    curves: { roc: { x: [], y: [] }, precisionRecall: { x: [], y: [] }, pro: null, spro: {} },
  };
}

/** A result in which every number has a different value, so that tests can identify it. */
export function madeUpResult({ hasRegions }: { readonly hasRegions: boolean }): EvaluationResult {
  return {
    source: 'tray|b',
    protocol: 'mvtec-loco-ad',
    images: { good: 3, anomalous: 4, withMask: 4 },
    fused: quality(0.8, hasRegions),
    branches: { local: quality(0.6, hasRegions) },
    atThreshold: { threshold: 2.5, falseAlarms: 1, misses: 2 },
    samples: [],
  };
}
