import type { EvaluationResult, LimitedArea, ScoreMetrics } from '@dskd/detector';
import { meanOverSubsets, scoresOf } from './tables.js';

const COLUMNS = [
  'source',
  'protocol',
  'score',
  'scope',
  'name',
  'metric',
  'limit',
  'value',
  'lower',
  'upper',
] as const;

/** One number. Without bounds where it is exact. */
interface Row {
  /** All test images, the images of one defect type or subset, or the regions of one type. */
  readonly scope: 'all' | 'images' | 'regions';
  /** Name of the type or subset. */
  readonly name?: string;
  readonly metric: string;
  readonly value: number;
  readonly limit?: number;
  readonly lower?: number;
  readonly upper?: number;
}

const IMAGE_METRICS = ['imageAuroc', 'imageAveragePrecision', 'imageF1Max'] as const;
const PIXEL_METRICS = ['pixelAuroc', 'pixelAveragePrecision'] as const;

function rowsOf(quality: ScoreMetrics): Row[] {
  const sproRows = (scope: Row['scope'], areas: readonly LimitedArea[], name?: string): Row[] =>
    areas.map((area) => ({ scope, ...(name !== undefined && { name }), metric: 'auSpro', ...area }));
  return [
    ...[...IMAGE_METRICS, ...PIXEL_METRICS].map(
      (metric): Row => ({ scope: 'all', metric, value: quality[metric] }),
    ),
    ...(quality.auPro ? [{ scope: 'all', metric: 'auPro', ...quality.auPro } as const] : []),
    ...sproRows('all', meanOverSubsets(quality.auSpro)),
    ...Object.entries(quality.imageAurocByDefect).map(
      ([name, value]): Row => ({ scope: 'images', name, metric: 'imageAuroc', value }),
    ),
    ...Object.entries(quality.auSpro).flatMap(([name, areas]) => sproRows('images', areas, name)),
    ...Object.entries(quality.auSproByDefect).flatMap(([name, areas]) => sproRows('regions', areas, name)),
  ];
}

function cell(value: string | number | undefined): string {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  if (value === undefined) return '';
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/**
 * An evaluation as CSV (RFC 4180, with line feeds alone), one number per row: the score (a branch or `fused`), the images or
 * regions it is measured on, the metric named as in the JSON result, and limit and bounds where there are some. The value
 * of a metric that is not defined is empty. Over all images, auSpro is the mean over the subsets.
 */
export function evaluationCsv(result: EvaluationResult): string {
  const { source, protocol, atThreshold } = result;
  const rows = scoresOf(result).flatMap(([score, quality]) =>
    rowsOf(quality).map((row) => ({ source, protocol, score, ...row })),
  );
  const counts = Object.entries(atThreshold).map(([metric, value]) => {
    return { source, protocol, score: 'fused', scope: 'all', metric, value };
  });
  const lines = [...rows, ...counts].map((row: Readonly<Record<string, string | number>>) =>
    COLUMNS.map((column) => cell(row[column])).join(','),
  );
  return `${[COLUMNS.join(','), ...lines].join('\n')}\n`;
}
