import { formatScore } from '../format.js';
import { markup, type Html } from '../html.js';
import { linearAxis, type Axis } from './axis.js';
import { binsAround, countInBins, type Bins } from './bins.js';
import { across, bottomAxis, CHART_WIDTH, coordinate, drawing, place } from './frame.js';

const ROW = 96;
const TITLE = 20;

/** Scores of one kind of image, and what it is called when one lies on either side of the threshold. */
export interface HistogramRow {
  readonly name: string;
  readonly style: 'good' | 'anomalous';
  /** Finite. */
  readonly scores: readonly number[];
  /** What it is called below and above the threshold: of one, of several. */
  readonly below: Word;
  readonly above: Word;
}

type Word = readonly [singular: string, plural: string];

export interface HistogramOptions {
  /** Unique on the page. */
  readonly id: string;
  readonly title: string;
  readonly threshold: number;
  readonly rows: readonly HistogramRow[];
  readonly xLabel: string;
}

/** One row per kind of image over the same scale; the threshold goes through all, counts stand on both sides. */
export function histogram({ id, title, threshold, rows, xLabel }: HistogramOptions): Html {
  const all = rows.flatMap(({ scores }) => scores);
  const bins = binsAround(
    threshold,
    all,
    rows.filter(({ style }) => style === 'good').flatMap(({ scores }) => scores),
  );
  const axis = linearAxis(bins.low, bins.low + bins.count * bins.width, 6);
  const x = across(axis);
  const bottom = TITLE + rows.length * (ROW + TITLE);
  const at = coordinate(x(threshold));
  const sides = rows.map((row) => sidesOf(row, threshold));
  const description = `Threshold ${formatScore(threshold)}. ${rows
    .map(
      (row, index) =>
        `${row.name}: ${say(sides[index]!.below, row.below)}, ${say(sides[index]!.above, row.above)}`,
    )
    .join('; ')}.`;
  const content = [
    markup`<rect class="alarm-side" x="${at}" y="${TITLE}" width="${coordinate(x(axis.high) - x(threshold))}" height="${bottom - TITLE}"/>`,
    bottomAxis(axis, { y: bottom, top: TITLE, label: xLabel }),
    rows.map((row, index) =>
      rowOf(row, { bins, axis, top: TITLE + index * (ROW + TITLE), threshold, sides: sides[index]! }),
    ),
    markup`<line class="threshold" x1="${at}" x2="${at}" y1="${TITLE - 4}" y2="${bottom}"/><text class="threshold-label" x="${at}" y="${TITLE - 8}" text-anchor="middle">threshold ${formatScore(threshold)}</text>`,
    bins.cut &&
      markup`<text class="axis-label" x="${CHART_WIDTH - 12}" y="${TITLE - 8}" text-anchor="end">last bar: and above</text>`,
  ];
  return drawing({ id, title, description, height: bottom + 42 }, content);
}

function say(count: number, [singular, plural]: Word): string {
  return `${count} ${count === 1 ? singular : plural}`;
}

interface Sides {
  readonly below: number;
  readonly above: number;
}

function sidesOf({ scores }: HistogramRow, threshold: number): Sides {
  const above = scores.filter((score) => score > threshold).length;
  return { below: scores.length - above, above };
}

interface RowPlace {
  readonly bins: Bins;
  readonly axis: Axis;
  /** Where the row's words stand; its bars stand below them. */
  readonly top: number;
  readonly threshold: number;
  readonly sides: Sides;
}

function rowOf(row: HistogramRow, { bins, axis, top, threshold, sides }: RowPlace): Html {
  const counts = countInBins(bins, row.scores);
  const x = across(axis);
  const base = top + TITLE + ROW;
  const most = Math.max(1, ...counts);
  const height = place({ low: 0, high: most, ticks: [] }, 0, ROW - 38);
  const bars = counts.map((count, index) => {
    if (count === 0) return undefined;
    const left = x(bins.low + index * bins.width);
    const width = x(bins.low + (index + 1) * bins.width) - left - 1;
    return markup`<rect class="bar bar-${row.style}" x="${coordinate(left + 0.5)}" y="${coordinate(base - height(count))}" width="${coordinate(width)}" height="${coordinate(height(count))}"/>`;
  });
  const at = x(threshold);
  const tallest = counts.indexOf(most);
  return markup`<g>
${bars}
${tallest >= 0 && markup`<text class="count-label" x="${coordinate(x(bins.low + (tallest + 0.5) * bins.width))}" y="${coordinate(base - height(most) - 4)}" text-anchor="middle">${most}</text>`}
<line class="axis-line" x1="${coordinate(x(axis.low))}" x2="${coordinate(x(axis.high))}" y1="${base}" y2="${base}"/>
<text class="side" x="${coordinate(at - 7)}" y="${top + TITLE}" text-anchor="end">${say(sides.below, row.below)}</text>
<text class="side" x="${coordinate(at + 7)}" y="${top + TITLE}">${say(sides.above, row.above)}</text>
<text class="row-label" x="${coordinate(x(axis.low) - 8)}" y="${(top + base + TITLE) / 2}" text-anchor="middle" transform="rotate(-90 ${coordinate(x(axis.low) - 8)} ${(top + base + TITLE) / 2})">${row.name}</text>
</g>`;
}
