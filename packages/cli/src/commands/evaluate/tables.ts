import { SproAccumulator, type EvaluationResult, type LimitedArea, type ScoreMetrics } from '@dskd/metrics';

/** A table of text cells. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The false-positive rate up to which AU-sPRO is usually compared. */
const HEADLINE_LIMIT = 0.05;

/** A dash for what is not known, because there is no map, or because one of the two classes is missing. */
const number = (value: number | undefined): string =>
  value === undefined || Number.isNaN(value) ? '-' : value.toFixed(4);

/** The metrics of each branch, then those of the fused score. */
function scoresOf({ branches, fused }: EvaluationResult): [string, ScoreMetrics][] {
  return [...Object.entries(branches), ['fused', fused]];
}

/** Whether a branch has no maps although the fused score has them. */
function hasNoMap({ auPro }: ScoreMetrics, scores: readonly [string, ScoreMetrics][]): boolean {
  return auPro === null && scores.at(-1)![1].auPro !== null;
}

/** The metrics over all test images, one row per score; those of pixels only if there are masks. */
function overall(scores: readonly [string, ScoreMetrics][], hasMasks: boolean): Table {
  const ofPixels = (quality: ScoreMetrics): string[] => [
    number(hasNoMap(quality, scores) ? undefined : quality.pixelAuroc),
    number(hasNoMap(quality, scores) ? undefined : quality.pixelAveragePrecision),
    number(quality.auPro?.value),
  ];
  return {
    header: [
      ...['score', 'image AUROC', 'average precision', 'F1-max'],
      ...(hasMasks ? ['pixel AUROC', 'pixel AP', 'AU-PRO'] : []),
    ],
    rows: scores.map(([name, quality]) => [
      name,
      number(quality.imageAuroc),
      number(quality.imageAveragePrecision),
      number(quality.imageF1Max),
      ...(hasMasks ? ofPixels(quality) : []),
    ]),
  };
}

function imageAurocByDefect(scores: readonly [string, ScoreMetrics][], hasSubsets: boolean): Table {
  const defects = Object.keys(scores.at(-1)![1].imageAurocByDefect).sort();
  const rows = defects.map((defect) => [
    defect,
    ...scores.map(([, quality]) => number(quality.imageAurocByDefect[defect])),
  ]);
  if (hasSubsets) rows.push(['mean', ...scores.map(([, quality]) => number(quality.imageAuroc))]);
  return { header: ['image AUROC by defect', ...scores.map(([name]) => name)], rows };
}

/** Branches without a map have no areas and are left out. */
function auSpro(all: readonly [string, ScoreMetrics][]): Table {
  const scores = all.filter(([, quality]) => Object.keys(quality.auSpro).length > 0);
  const fused = scores.at(-1)![1];
  const subsets = Object.keys(fused.auSpro).sort();
  const limits = fused.auSpro[subsets[0]!]!.map(({ limit }) => limit);
  return {
    header: ['AU-sPRO up to', 'score', ...limits.map(String)],
    rows: [...subsets, 'mean'].flatMap((subset) =>
      scores.map(([name, quality]) => [
        subset,
        name,
        ...(quality.auSpro[subset] ?? SproAccumulator.meanOverSubsets(quality.auSpro)).map(({ value }) =>
          number(value),
        ),
      ]),
    ),
  };
}

function auSproByDefect(scores: readonly [string, ScoreMetrics][]): Table {
  const types = Object.keys(scores.at(-1)![1].auSproByDefect).sort();
  const at = (quality: ScoreMetrics, type: string): number | undefined =>
    quality.auSproByDefect[type]?.find(({ limit }) => limit === HEADLINE_LIMIT)?.value;
  return {
    header: [`AU-sPRO up to ${HEADLINE_LIMIT} by region`, ...scores.map(([name]) => name)],
    rows: types.map((type) => [type, ...scores.map(([, quality]) => number(at(quality, type)))]),
  };
}

/** An evaluation as tables. */
export function evaluationTables(result: EvaluationResult): Table[] {
  const scores = scoresOf(result);
  const hasRegions = Object.keys(result.fused.auSpro).length > 0;
  return [
    overall(scores, result.images.withMask > 0),
    imageAurocByDefect(scores, result.protocol === 'mvtec-loco-ad'),
    ...(hasRegions ? [auSpro(scores), auSproByDefect(scores)] : []),
  ].filter(({ rows }) => rows.length > 0);
}

/** One line with the number of images and the protocol. */
export function headline({ source, images, protocol }: EvaluationResult): string {
  const rules = { 'mvtec-ad': 'MVTec AD', 'mvtec-loco-ad': 'MVTec LOCO AD' }[protocol];
  return (
    `${source}: ${images.good} good and ${images.anomalous} anomalous test images, ` +
    `${images.withMask} with a mask; protocol of ${rules}`
  );
}

/** A line about anomalous images without a mask, if there are any. */
export function masksLine({ images: { anomalous, withMask } }: EvaluationResult): string[] {
  if (withMask === anomalous) return [];
  if (withMask === 0) return ['no masks, so pixel AUROC, pixel AP and AU-PRO were not measured'];
  return [`pixel metrics are those of the good images and the ${withMask} anomalous ones with a mask`];
}

/** One line with false alarms and misses at the threshold. */
export function thresholdLine({ images, atThreshold }: EvaluationResult): string {
  return (
    `at threshold ${atThreshold.threshold.toFixed(4)}: ${atThreshold.falseAlarms} of ${images.good} good images ` +
    `raise a false alarm, ${atThreshold.misses} of ${images.anomalous} anomalous ones are missed`
  );
}

const escaped = (cell: string): string => cell.replaceAll('\\', '\\\\').replaceAll('|', '\\|');
const markdownRow = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;

function markdownTable({ header, rows }: Table): string {
  const isNumber = header.map((_, column) => rows.every((row) => /^(-|[-\d.]+|NaN)$/.test(row[column]!)));
  const rule = `| ${isNumber.map((right) => (right ? '---:' : '---')).join(' | ')} |`;
  return [markdownRow(header), rule, ...rows.map(markdownRow)].join('\n');
}

/** An evaluation as Markdown, with the tables of the text output. */
export function evaluationMarkdown(result: EvaluationResult): string {
  const tables = evaluationTables(result).map(markdownTable);
  const sentences = [...masksLine(result), thresholdLine(result)].map((line) => `${line}.`);
  return `${[`# ${result.source}`, `${headline(result)}.`, ...tables, ...sentences].join('\n\n')}\n`;
}

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

/** One number. Without bounds if it is exact. */
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
    ...sproRows('all', SproAccumulator.meanOverSubsets(quality.auSpro)),
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
 * Formats an evaluation as CSV (RFC 4180, but with line feeds only), one number per row: the score (a branch or
 * `fused`), the images or regions it is measured on, the metric named as in the JSON result, and limit and bounds if
 * there are any. The value of an undefined metric is empty. For all images, auSpro is the mean over the subsets.
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
