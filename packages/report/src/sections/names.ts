import type { EvaluationResult, ScoreMetrics } from '@dskd/metrics';

/** The branches and, last, the fused score. */
export function scoresOf({ branches, fused }: EvaluationResult): [name: string, quality: ScoreMetrics][] {
  return [...Object.entries(branches), ['fused', fused]];
}

/** `logical_anomalies` as people say it. */
export function subsetName(subset: string): string {
  return subset.replace(/_anomalies$/, '').replaceAll('_', ' ');
}

/** Number of anomalous images of each type and how many of them were missed. */
export function countByDefect({
  samples,
}: EvaluationResult): Map<string, { readonly images: number; readonly missed: number }> {
  const counts = new Map<string, { images: number; missed: number }>();
  for (const { label, defectType, verdict } of samples) {
    if (label === 'good') continue;
    const before = counts.get(defectType) ?? { images: 0, missed: 0 };
    const missed = before.missed + (verdict === 'normal' ? 1 : 0);
    counts.set(defectType, { images: before.images + 1, missed });
  }
  return new Map([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
