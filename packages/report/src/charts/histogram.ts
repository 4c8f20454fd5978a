import { formatScore } from '../format.js';
import { markup, type Html } from '../html.js';
import {
  across,
  bottomAxis,
  CHART_WIDTH,
  coordinate,
  drawing,
  linearAxis,
  place,
  type Axis,
} from './axes.js';

const ROW = 96;
const TITLE = 20;

/** Scores of one class of images, with words for the counts on both sides of the threshold. */
export interface HistogramRow {
  readonly name: string;
  readonly style: 'good' | 'anomalous';
  /** Finite scores. */
  readonly scores: readonly number[];
  /** Words for images below and above the threshold: singular, plural. */
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

/** Histograms of several classes over one scale, with the threshold and the counts on both sides of it. */
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
  /** Top of the row, where its text starts; the bars are below. */
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

/** Bins of equal width with an edge at the threshold, so that no bin lies on both sides of it. */
export interface Bins {
  readonly low: number;
  readonly width: number;
  readonly count: number;
  /** Whether values above the last bin are counted in it. */
  readonly cut: boolean;
  /** Index of the bin of a value. The lower edge does not belong to a bin: a score equal to the threshold is no alarm. */
  indexOf(value: number): number;
}

/** The scale ends at this multiple of the normal spread, so that a long tail does not compress the rest. */
const LONGEST_TAIL = 4;
/** Relative to the magnitude: closer float32 scores are equal, and bins between them would have no width. */
const LEAST_SPREAD = 2 ** -24;
/** Fractions of smaller numbers underflow. */
const LEAST_NUMBER = 2 ** -126;

/** Width of the scale when all values are equal. */
function unitOf(magnitude: number): number {
  return magnitude > LEAST_NUMBER ? magnitude : 1;
}

/**
 * @param values finite, at least one.
 * @param normals scores of normal images; they define the normal spread, beyond which a long tail is cut.
 */
export function binsAround(
  threshold: number,
  values: readonly number[],
  normals: readonly number[],
  wanted = 32,
): Bins {
  const [bottom = threshold, top = threshold] = limits([...values, threshold]);
  const magnitude = Math.max(Math.abs(bottom), Math.abs(top), Math.abs(threshold));
  const spread = Math.max(threshold, ...limits(normals)) - bottom;
  const ordinary = spread > magnitude * LEAST_SPREAD && spread > LEAST_NUMBER ? spread : unitOf(magnitude);
  // The text next to the threshold needs space on both sides.
  const most = Math.max(threshold + ordinary * 0.5, top);
  const high = Math.min(most, bottom + ordinary * LONGEST_TAIL);
  const least = Math.min(bottom, threshold - (high - threshold) * 0.3);
  const width = (high - least) / wanted;
  const below = Math.max(Math.ceil((threshold - least) / width - 1e-9) + 1, 1);
  const above = Math.max(Math.ceil((high - threshold) / width - 1e-9), 1);
  const count = below + above;
  return {
    low: threshold - below * width,
    width,
    count,
    cut: most > threshold + above * width,
    indexOf(value) {
      // The same comparison as the verdict, so that rounding cannot move a score across the threshold.
      const steps = Math.ceil((value - threshold) / width);
      const signed = value > threshold ? Math.max(steps, 1) : Math.min(steps, 0);
      return Math.min(Math.max(below + signed - 1, 0), count - 1);
    },
  };
}

/** Minimum and maximum; also works for arrays too long for an argument list. */
function limits(values: readonly number[]): number[] {
  if (values.length === 0) return [];
  return [
    values.reduce((least, value) => Math.min(least, value), Infinity),
    values.reduce((most, value) => Math.max(most, value), -Infinity),
  ];
}

/** Number of values in each bin. */
export function countInBins(bins: Bins, values: readonly number[]): number[] {
  const counts = new Array<number>(bins.count).fill(0);
  for (const value of values) counts[bins.indexOf(value)]!++;
  return counts;
}
