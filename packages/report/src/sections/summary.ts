import type { EvaluationResult, LimitedArea } from '@dskd/metrics';
import { histogram, type HistogramRow } from '../charts/histogram.js';
import {
  areaAt,
  countByDefect,
  counted,
  formatPart,
  formatScore,
  formatShare,
  outcomeOf,
  SPRO_LIMIT,
} from '../format.js';
import { markup, table, type Html, type Insertable } from '../html.js';

interface Tile {
  readonly value: string;
  readonly label: string;
  readonly note: string;
}

function tile({ value, label, note }: Tile): Html {
  return markup`<li class="tile"><span class="tile-value">${value}</span> <span class="tile-label">${label}</span> <span class="tile-note">${note}</span></li>`;
}

/** The headline numbers. */
function tilesOf(result: EvaluationResult): Tile[] {
  const { fused, images, atThreshold, protocol } = result;
  const spro = Object.values(fused.auSpro)
    .map((areas) => areaAt(areas, SPRO_LIMIT))
    .filter((area): area is LimitedArea => area !== undefined);
  const tiles = [
    {
      value: `${images.anomalous - atThreshold.misses} of ${images.anomalous}`,
      label: 'anomalous images caught',
      note: `${atThreshold.misses} missed`,
    },
    {
      value: `${atThreshold.falseAlarms} of ${images.good}`,
      label: 'good images raised a false alarm',
      note: `${images.good - atThreshold.falseAlarms} passed`,
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

/** Only finite scores can be drawn. */
function rowsOf({ samples }: EvaluationResult): HistogramRow[] {
  const words = [
    { below: ['passed', 'passed'], above: ['false alarm', 'false alarms'] },
    { below: ['missed', 'missed'], above: ['caught', 'caught'] },
  ] as const;
  return (['good', 'anomalous'] as const)
    .map((label, index) => ({
      name: label,
      style: label,
      scores: samples
        .filter((sample) => sample.label === label)
        .map(({ score }) => score)
        .filter(Number.isFinite),
      ...words[index]!,
    }))
    .filter(({ scores }) => scores.length > 0);
}

function verdictTable({ images, atThreshold }: EvaluationResult): Html {
  const passed = images.good - atThreshold.falseAlarms;
  const caught = images.anomalous - atThreshold.misses;
  const cell = (part: number, whole: number, right: boolean): Insertable =>
    part === 0
      ? formatPart(part, whole)
      : markup`<span class="${right ? 'right' : 'wrong'}">${right ? '✓' : '✗'} ${formatPart(part, whole)}</span>`;
  return table({
    caption: `Verdicts at the threshold ${formatScore(atThreshold.threshold)}`,
    columns: [
      { title: 'In truth' },
      { title: 'called normal', numeric: true },
      { title: 'called anomalous', numeric: true },
    ],
    rows: [
      ['good', cell(passed, images.good, true), cell(atThreshold.falseAlarms, images.good, false)],
      ['anomalous', cell(atThreshold.misses, images.anomalous, false), cell(caught, images.anomalous, true)],
    ],
  });
}

/** Misses by type of anomaly, the highest share first. */
function missedTable(result: EvaluationResult): Html {
  const counts = [...countByDefect(result)].sort(([, a], [, b]) => b.missed / b.images - a.missed / a.images);
  return table({
    caption: 'Anomalies caught, by type',
    columns: [{ title: 'Type' }, { title: 'caught', numeric: true }, { title: 'missed', numeric: true }],
    rows: counts.map(([type, { images, missed }]) => [
      markup`<bdi>${type}</bdi>`,
      formatPart(images - missed, images),
      missed === 0 ? 0 : markup`<span class="wrong">✗ ${missed}</span>`,
    ]),
  });
}

/** Headline numbers, verdicts and the distribution of the scores. */
export function summarySection(result: EvaluationResult): Html {
  const { images, atThreshold } = result;
  const title = 'Scores of the test images';
  return markup`<p>${counted(images.good, 'good image')} and ${counted(images.anomalous, 'anomalous image')}, none of them used for training; ${images.withMask} with known defect areas. An image is called anomalous when its score is above the threshold ${formatScore(atThreshold.threshold)}.</p>
<ul class="tiles">${tilesOf(result).map(tile)}</ul>
<div class="columns">
<figure class="card wide">
<h3>${title}</h3>
${histogram({ id: 'scores', title, threshold: atThreshold.threshold, rows: rowsOf(result), xLabel: 'score (fused)' })}
</figure>
<div class="card">${verdictTable(result)}${missedTable(result)}</div>
</div>`;
}

/** Every test image with its scores, the highest first. */
export function scoresSection(result: EvaluationResult): Html {
  const branches = Object.keys(result.branches);
  const samples = [...result.samples].sort((a, b) => b.score - a.score);
  return markup`<details><summary>All ${samples.length} test images, the highest score first</summary>
${table({
  caption: 'Scores of the test images',
  columns: [
    { title: 'Image' },
    { title: 'Type' },
    { title: 'Verdict' },
    { title: 'fused', numeric: true },
    ...branches.map((name) => ({ title: markup`<bdi>${name}</bdi>`, numeric: true })),
  ],
  rows: samples.map((sample) => {
    const outcome = outcomeOf(sample);
    return [
      markup`<bdi>${sample.id}</bdi>`,
      markup`<bdi>${sample.defectType}</bdi>`,
      markup`<span class="${outcome.right ? 'right' : 'wrong'}">${outcome.sign} ${outcome.name}</span>`,
      formatScore(sample.score),
      ...branches.map((name) => formatScore(sample.branchScores[name] ?? NaN)),
    ];
  }),
})}
</details>`;
}
