import type { JSX } from 'preact';
import { changeThreshold } from '../actions/models.js';
import { number, t } from '../languages/index.js';
import { inspected, model, threshold } from '../state.js';

const WIDTH = 480;
const HEIGHT = 96;
const BINS = 40;

interface Range {
  readonly low: number;
  readonly high: number;
}

/** What the slider and the histogram span: all scores and the threshold, and something on both sides. */
function rangeOf(values: readonly number[]): Range {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const margin = (high - low || 1) * 0.08;
  return { low: low - margin, high: high + margin };
}

function countsOf(scores: readonly number[], { low, high }: Range): number[] {
  const counts = Array<number>(BINS).fill(0);
  for (const score of scores) {
    const bin = Math.min(BINS - 1, Math.max(0, Math.floor(((score - low) / (high - low)) * BINS)));
    counts[bin]! += 1;
  }
  return counts;
}

function Bars({
  counts,
  most,
  up,
  name,
}: {
  readonly counts: readonly number[];
  readonly most: number;
  /** Whether the bars grow from the middle upward. */
  readonly up: boolean;
  readonly name: string;
}): JSX.Element {
  const half = HEIGHT / 2;
  return (
    <g class={name}>
      {counts.map((count, bin) => {
        const height = (count / most) * (half - 3);
        const y = up ? half - height : half;
        return (
          count > 0 && (
            <rect key={bin} x={(bin * WIDTH) / BINS + 1} y={y} width={WIDTH / BINS - 2} height={height} />
          )
        );
      })}
    </g>
  );
}

/** Scores of good images of the training above, of inspected images below, and the threshold to move. */
export function ThresholdSlider(): JSX.Element | null {
  const facts = model.value;
  if (!facts) return null;
  const scores = inspected.value.flatMap(({ inspection }) => (inspection ? [inspection.score] : []));
  const range = rangeOf([...facts.goodScores, ...scores, facts.threshold, threshold.value]);
  const good = countsOf(facts.goodScores, range);
  const other = countsOf(scores, range);
  const at = ((threshold.value - range.low) / (range.high - range.low)) * WIDTH;
  const anomalous = scores.filter((score) => score > threshold.value).length;
  return (
    <div class="threshold">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={t('histogram')}
        preserveAspectRatio="none"
      >
        <Bars counts={good} most={Math.max(...good, 1)} up name="bars-good" />
        <Bars counts={other} most={Math.max(...other, 1)} up={false} name="bars-inspected" />
        <line x1={0} x2={WIDTH} y1={HEIGHT / 2} y2={HEIGHT / 2} class="middle" />
        <line x1={at} x2={at} y1={0} y2={HEIGHT} class="limit" />
      </svg>
      <input
        id="threshold"
        type="range"
        aria-label={t('threshold')}
        min={range.low}
        max={range.high}
        step={(range.high - range.low) / 400}
        value={threshold.value}
        onInput={(event) => changeThreshold(Number(event.currentTarget.value))}
      />
      <p class="legend">
        <span class="key bars-good-key">{t('histogramGood')}</span>
        <span class="key bars-inspected-key">{t('histogramInspected')}</span>
        <span>
          {t('threshold')} <b id="threshold-value">{number(threshold.value, 2)}</b>
        </span>
        {scores.length > 0 && (
          <span id="counts" data-anomalous={anomalous}>
            {t('counts', { anomalous, total: scores.length })}
          </span>
        )}
        {threshold.value !== facts.threshold && (
          <button type="button" class="quiet" onClick={() => changeThreshold(facts.threshold)}>
            {t('thresholdReset')}: {number(facts.threshold, 2)}
          </button>
        )}
      </p>
    </div>
  );
}
