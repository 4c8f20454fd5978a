import type { EvaluationResult, ScoreMetrics } from '@dskd/metrics';

/** Image AUROC of one score: 0.5 is guessing, 1 is perfect. */
export interface ImageAuroc {
  readonly structural: number;
  readonly logical: number;
  /** Of the two. */
  readonly mean: number;
}

/** What each branch is worth alone, and both together. */
export function imageAurocs({ branches, fused }: EvaluationResult): Record<string, ImageAuroc> {
  const of = ({ imageAurocByDefect }: ScoreMetrics): ImageAuroc => {
    const structural = imageAurocByDefect['structural_anomalies'] ?? NaN;
    const logical = imageAurocByDefect['logical_anomalies'] ?? NaN;
    return { structural, logical, mean: (structural + logical) / 2 };
  };
  const scores = [...Object.entries(branches), ['fused', fused] as const];
  return Object.fromEntries(scores.map(([name, metrics]) => [name, of(metrics)]));
}

/**
 * The same for people.
 * @param method whose it is.
 */
export function aurocTable(method: string, aurocs: Readonly<Record<string, ImageAuroc>>): string {
  const row = (cells: readonly string[]): string =>
    `  ${cells.map((cell, index) => (index === 0 ? cell.padEnd(22) : cell.padStart(10))).join('')}`;
  const rows = Object.entries(aurocs).map(([name, { structural, logical, mean }]) =>
    row([name, ...[structural, logical, mean].map((value) => value.toFixed(3))]),
  );
  return [row([`${method}, image AUROC`, 'structural', 'logical', 'mean']), ...rows].join('\n');
}
