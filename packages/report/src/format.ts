import type { EvaluationResult, LimitedArea, ScoredSample, ScoreMetrics } from '@dskd/metrics';

/** Text for an unknown number, for example NaN or without a mask. */
export const NOT_KNOWN = 'n/a';

/** A share or metric between 0 and 1, with three decimals. */
export function formatShare(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3) : NOT_KNOWN;
}

/** A score or loss of any magnitude, with at least three significant digits. */
export function formatScore(value: number): string {
  if (!Number.isFinite(value)) return NOT_KNOWN;
  const size = Math.abs(value);
  if (size >= 1e6 || (size < 1e-3 && size > 0)) return value.toExponential(2);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** `1 image`, `2 images`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `12 of 40 (30 %)` with a non-breaking space; `0 of 0` without a percentage. */
export function formatPart(part: number, whole: number): string {
  return whole === 0 ? `${part} of 0` : `${part} of ${whole} (${Math.round((part / whole) * 100)}\u00a0%)`;
}

/** The limit of AU-sPRO used in publications about MVTec LOCO AD. */
export const SPRO_LIMIT = 0.05;

export function areaAt(areas: readonly LimitedArea[] | undefined, limit: number): LimitedArea | undefined {
  return areas?.find((area) => Math.abs(area.limit - limit) < 1e-9);
}

/** The value, with its bounds if they differ in the printed decimals. */
export function formatArea(area: LimitedArea | null | undefined): string {
  if (!area) return formatShare(NaN);
  const [value, lower, upper] = [area.value, area.lower, area.upper].map(formatShare);
  return lower === upper ? value! : `${value} (${lower} to ${upper})`;
}

/** The branches and, last, the fused score. */
export function scoresOf({ branches, fused }: EvaluationResult): [name: string, metrics: ScoreMetrics][] {
  return [...Object.entries(branches), ['fused', fused]];
}

/** Readable name of a subset: `logical` for `logical_anomalies`. */
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

/** Outcome of the verdict on an image, compared with its label. */
export interface Outcome {
  readonly name: 'passed' | 'caught' | 'missed' | 'false alarm';
  /** Shown next to the word, so that the meaning does not depend on color. */
  readonly sign: '✓' | '✗';
  readonly right: boolean;
}

export function outcomeOf({ label, verdict }: Pick<ScoredSample, 'label' | 'verdict'>): Outcome {
  if (label === verdict || (label === 'good' && verdict === 'normal')) {
    return { name: label === 'good' ? 'passed' : 'caught', sign: '✓', right: true };
  }
  return { name: label === 'good' ? 'false alarm' : 'missed', sign: '✗', right: false };
}
