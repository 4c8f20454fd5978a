import type { JSX } from 'preact';
import { significant, t } from '../languages/index.js';
import { branchName } from './parts.js';

const WIDTH = 320;
const HEIGHT = 110;
/** Points of a line: more cannot be seen. */
const MOST_POINTS = 160;

/** Means of neighbors, so that a line has few points. */
function thinned(values: readonly number[]): number[] {
  const group = Math.ceil(values.length / MOST_POINTS);
  return Array.from({ length: Math.ceil(values.length / group) }, (_, index) => {
    const part = values.slice(index * group, (index + 1) * group);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

function pathOf(values: readonly number[]): string {
  const points = thinned(values);
  // Losses of different students have different units: each line has its own axis, from 0.
  const most = Math.max(...points, Number.MIN_VALUE);
  return points
    .map((value, index) => {
      const x = (index / Math.max(1, points.length - 1)) * WIDTH;
      return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${(HEIGHT - (value / most) * (HEIGHT - 4)).toFixed(1)}`;
    })
    .join('');
}

/** The loss of each student by step, while it is trained. */
export function LossCurve({
  losses,
}: {
  readonly losses: Readonly<Record<string, readonly number[]>>;
}): JSX.Element | null {
  const lines = Object.entries(losses).filter(([, values]) => values.length > 1);
  if (lines.length === 0) return null;
  const names = lines
    .map(([name, values]) => `${branchName(name)} ${significant(values.at(-1)!)}`)
    .join(t('separator'));
  return (
    <figure class="loss" data-steps={lines[0]![1].length}>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={t('lossCurve', { names })}
      >
        {lines.map(([name, values], index) => (
          <path key={name} d={pathOf(values)} class={`line-${index}`} />
        ))}
      </svg>
      <figcaption>{t('lossCurve', { names })}</figcaption>
    </figure>
  );
}
