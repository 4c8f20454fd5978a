import type { EvaluationResult, LimitedArea } from '@dskd/metrics';
import { histogram, type HistogramRow } from '../charts/histogram.js';
import { counted, formatPart, formatScore, formatShare } from '../format.js';
import { markup, type Html, type Insertable } from '../html.js';
import { table } from '../table.js';
import { areaAt, SPRO_LIMIT } from './areas.js';

interface Tile {
  readonly value: string;
  readonly label: string;
  readonly note: string;
}

function tile({ value, label, note }: Tile): Html {
  return markup`<li class="tile"><span class="tile-value">${value}</span> <span class="tile-label">${label}</span> <span class="tile-note">${note}</span></li>`;
}

/** What someone with half a minute wants to know. */
function tilesOf(result: EvaluationResult): Tile[] {
  const { fused, pictures, atThreshold, protocol } = result;
  const spro = Object.values(fused.auSpro)
    .map((areas) => areaAt(areas, SPRO_LIMIT))
    .filter((area): area is LimitedArea => area !== undefined);
  const tiles = [
    {
      value: `${pictures.anomalous - atThreshold.misses} of ${pictures.anomalous}`,
      label: 'anomalous pictures caught',
      note: `${atThreshold.misses} missed`,
    },
    {
      value: `${atThreshold.falseAlarms} of ${pictures.good}`,
      label: 'good pictures raised a false alarm',
      note: `${pictures.good - atThreshold.falseAlarms} passed`,
    },
    {
      value: formatShare(fused.imageAuroc),
      label: 'image AUROC',
      note:
        protocol === 'mvtec-loco-ad'
          ? 'mean of the subsets; 1 is perfect, 0.5 is chance'
          : '1 is perfect, 0.5 is chance',
    },
  ];
  if (spro.length > 0) {
    tiles.push({
      value: formatShare(spro.reduce((sum, { value }) => sum + value, 0) / spro.length),
      label: `AU-sPRO to ${SPRO_LIMIT}`,
      note: 'how well defects are located; mean of the subsets',
    });
  } else if (fused.auPro) {
    tiles.push({
      value: formatShare(fused.auPro.value),
      label: `AU-PRO to ${fused.auPro.limit}`,
      note: 'how well defects are located; 1 is perfect',
    });
  }
  return tiles;
}

/** Finite scores alone can be drawn. */
function rowsOf(
  result: EvaluationResult,
  scoreOf: (sample: EvaluationResult['samples'][number]) => number,
  words: Pick<HistogramRow, 'below' | 'above'>[] = [
    { below: 'passed', above: 'false alarms' },
    { below: 'missed', above: 'caught' },
  ],
): HistogramRow[] {
  return (['good', 'anomalous'] as const)
    .map((label, index) => ({
      name: label,
      style: label,
      scores: result.samples
        .filter((sample) => sample.label === label)
        .map(scoreOf)
        .filter(Number.isFinite),
      ...words[index]!,
    }))
    .filter(({ scores }) => scores.length > 0);
}

function verdictTable({ pictures, atThreshold }: EvaluationResult): Html {
  const passed = pictures.good - atThreshold.falseAlarms;
  const caught = pictures.anomalous - atThreshold.misses;
  const cell = (part: number, whole: number, right: boolean): Insertable =>
    markup`<span class="${right ? 'right' : 'wrong'}">${right ? '✓' : '✗'} ${formatPart(part, whole)}</span>`;
  return table({
    caption: `Verdicts at the threshold ${formatScore(atThreshold.threshold)}`,
    columns: [
      { title: 'In truth' },
      { title: 'Verdict normal', numeric: true },
      { title: 'Verdict anomalous', numeric: true },
    ],
    rows: [
      ['good', cell(passed, pictures.good, true), cell(atThreshold.falseAlarms, pictures.good, false)],
      [
        'anomalous',
        cell(atThreshold.misses, pictures.anomalous, false),
        cell(caught, pictures.anomalous, true),
      ],
    ],
  });
}

/** Headline numbers, verdicts, and where the scores lie. */
export function summarySection(result: EvaluationResult): Html {
  const { pictures, atThreshold } = result;
  const title = 'Scores of the test pictures';
  return markup`<p>${counted(pictures.good, 'good picture')} and ${counted(pictures.anomalous, 'anomalous picture')}, none of them trained on; ${pictures.withMask} with known defect areas. A picture is called anomalous when its score is above the threshold ${formatScore(atThreshold.threshold)}.</p>
<ul class="tiles">${tilesOf(result).map(tile)}</ul>
<div class="columns">
<figure class="card wide">
<h3>${title}</h3>
${histogram({ id: 'scores', title, threshold: atThreshold.threshold, rows: rowsOf(result, ({ score }) => score), xLabel: 'score (fused)' })}
</figure>
<div class="card">${verdictTable(result)}</div>
</div>`;
}
