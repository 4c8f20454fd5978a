import type { EvaluationResult, LimitedArea, ScoreMetrics } from '@dskd/detector';

/** A table of text cells. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The false-positive rate up to which AU-sPRO is usually compared. */
const HEADLINE_LIMIT = 0.05;

const number = (value: number | undefined): string => value?.toFixed(4) ?? '-';

/** The metrics of each branch, then those of the fused score. */
export function scoresOf({ branches, fused }: EvaluationResult): [string, ScoreMetrics][] {
  return [...Object.entries(branches), ['fused', fused]];
}

/** The metrics over all test images, one row per score. */
function overall(scores: readonly [string, ScoreMetrics][]): Table {
  return {
    header: ['score', 'image AUROC', 'average precision', 'F1-max', 'pixel AUROC', 'pixel AP', 'AU-PRO'],
    rows: scores.map(([name, quality]) => [
      name,
      number(quality.imageAuroc),
      number(quality.imageAveragePrecision),
      number(quality.imageF1Max),
      number(quality.pixelAuroc),
      number(quality.pixelAveragePrecision),
      number(quality.auPro?.value),
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

function auSpro(scores: readonly [string, ScoreMetrics][]): Table {
  const fused = scores.at(-1)![1];
  const subsets = Object.keys(fused.auSpro).sort();
  const limits = fused.auSpro[subsets[0]!]!.map(({ limit }) => limit);
  return {
    header: ['AU-sPRO up to', 'score', ...limits.map(String)],
    rows: [...subsets, 'mean'].flatMap((subset) =>
      scores.map(([name, quality]) => [
        subset,
        name,
        ...(quality.auSpro[subset] ?? meanOverSubsets(quality.auSpro)).map(({ value }) => number(value)),
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
    overall(scores),
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

/** One line with false alarms and misses at the threshold. */
export function thresholdLine({ images, atThreshold }: EvaluationResult): string {
  return (
    `at threshold ${atThreshold.threshold.toFixed(4)}: ${atThreshold.falseAlarms} of ${images.good} good images ` +
    `raise a false alarm, ${atThreshold.misses} of ${images.anomalous} anomalous ones are missed`
  );
}

const escaped = (cell: string): string => cell.replaceAll('\\', '\\\\').replaceAll('|', '\\|');
const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;

function markdownTable({ header, rows }: Table): string {
  const isNumber = header.map((_, column) => rows.every((row) => /^(-|[-\d.]+|NaN)$/.test(row[column]!)));
  const rule = `| ${isNumber.map((right) => (right ? '---:' : '---')).join(' | ')} |`;
  return [line(header), rule, ...rows.map(line)].join('\n');
}

/** An evaluation as Markdown, with the tables of the text output. */
export function evaluationMarkdown(result: EvaluationResult): string {
  const tables = evaluationTables(result).map(markdownTable);
  return `${[`# ${result.source}`, `${headline(result)}.`, ...tables, `${thresholdLine(result)}.`].join('\n\n')}\n`;
}

/** The mean of subsets' areas at each limit: MVTec LOCO AD's score of a category. */
export function meanOverSubsets(bySubset: Readonly<Record<string, readonly LimitedArea[]>>): LimitedArea[] {
  const subsets = Object.values(bySubset);
  return (subsets[0] ?? []).map(({ limit }, index) => {
    const mean = (key: 'value' | 'lower' | 'upper'): number =>
      subsets.reduce((sum, areas) => sum + areas[index]![key], 0) / subsets.length;
    return { limit, value: mean('value'), lower: mean('lower'), upper: mean('upper') };
  });
}
