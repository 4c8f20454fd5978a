import type { HistoryEntry } from '@dskd/base';
import { linearAxis } from '../charts/axes.js';
import { histogram } from '../charts/histogram.js';
import { lineChart, seriesStyle } from '../charts/line-chart.js';
import { counted, formatScore } from '../format.js';
import { markup, type Html } from '../html.js';

/**
 * The loss of each student by epoch, one chart per student, because losses of different students are not comparable.
 */
export function trainingSection(history: readonly HistoryEntry[]): Html {
  const students = [...new Set(history.flatMap(({ losses }) => Object.keys(losses)))];
  const charts = students.map((name, index) => {
    const points = history
      .map(({ epoch, losses }) => [epoch + 1, losses[name] ?? NaN] as const)
      .filter(([, loss]) => Number.isFinite(loss));
    const losses = points.map(([, loss]) => loss);
    const last = losses.at(-1);
    const kept = history
      .map(({ epoch, heldOut }) => [epoch + 1, heldOut?.[name] ?? NaN] as const)
      .filter(([, loss]) => Number.isFinite(loss));
    const keptLosses = kept.map(([, loss]) => loss);
    return lineChart({
      id: `training-${index}`,
      title: `Loss of the ${name} student`,
      explanation: 'Mean over the steps of each epoch; it should fall and level out.',
      x: linearAxis(points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 1),
      y: linearAxis(Math.min(0, ...losses, ...keptLosses), Math.max(0, ...losses, ...keptLosses)),
      xLabel: 'epoch',
      yLabel: 'loss',
      measure: 'loss, first and last epoch',
      lines: [
        {
          name,
          value: last === undefined ? 'none' : `${formatScore(losses[0]!)} to ${formatScore(last)}`,
          style: seriesStyle(name, index),
          curve: { x: points.map(([epoch]) => epoch), y: losses },
        },
        ...(kept.length > 0
          ? [
              {
                name: 'images kept back from training',
                value: `${formatScore(keptLosses[0]!)} to ${formatScore(keptLosses.at(-1)!)}`,
                style: seriesStyle('held out', index + 1),
                curve: { x: kept.map(([epoch]) => epoch), y: keptLosses },
              },
            ]
          : []),
      ],
    });
  });
  const before = history[0]?.epoch ?? 0;
  return markup`<p>${counted(history.length, 'epoch')}.${before > 0 && ` ${counted(before, 'epoch')} of an earlier run that this run resumed are not shown.`}</p>
<div class="charts">${charts}</div>`;
}

/** The normal images from which the threshold was chosen. */
export interface Calibration {
  readonly scores: readonly number[];
  readonly threshold: number;
  /** The false-alarm rate that the threshold was chosen for; null if it was chosen otherwise. */
  readonly falseAlarmRate: number | null;
  /** Whether the number of images is sufficient to bound that rate. */
  readonly guaranteed: boolean;
  /** Description of the images, such as `held-out`. */
  readonly images: string;
  /** How many of them the model also learned. */
  readonly alsoLearned?: number;
}

/** Why no rate is guaranteed, as a sentence; empty if one is, or if none was asked for. */
function withoutGuarantee({
  falseAlarmRate,
  guaranteed,
  images,
  scores,
  alsoLearned = 0,
}: Calibration): string {
  if (images === 'altered')
    return 'These are altered copies of one image: they say nothing of how good parts differ, and no rate is guaranteed.';
  if (guaranteed || falseAlarmRate === null) return '';
  if (images === 'training') return 'The model was trained on these images, so no rate is guaranteed.';
  if (alsoLearned > 0) return `The model also learned ${alsoLearned} of them, so no rate is guaranteed.`;
  const smallest = (1 / (scores.length + 1)).toPrecision(2);
  return `There are too few images for this rate: the lowest possible rate is ${smallest}, and the threshold is the highest of their scores.`;
}

export function calibrationSection(calibration: Calibration): Html {
  const { scores, threshold, falseAlarmRate, images } = calibration;
  const title = 'Scores of the normal images that gave the threshold';
  return markup`<p>${counted(scores.length, 'normal image')} (${images}). ${
    falseAlarmRate === null
      ? 'The threshold was not chosen for a false-alarm rate.'
      : markup`The threshold is chosen for a false-alarm rate of ${falseAlarmRate}.`
  } ${withoutGuarantee(calibration)}</p>
<div class="columns">
<figure class="card wide">
<h3>${title}</h3>
${histogram({
  id: 'calibration-scores',
  title,
  threshold,
  rows: [
    { name: 'normal', style: 'good', scores, below: ['passes', 'pass'], above: ['above it', 'above it'] },
  ],
  xLabel: 'score (fused)',
})}
</figure>
</div>`;
}
