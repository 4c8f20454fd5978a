import { markup, type Html, type Insertable } from '../html.js';

/** Range of an axis and the values of its ticks. */
export interface Axis {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
}

/** About `count` ticks in `low..high`, at multiples of 1, 2 or 5 times a power of ten. */
function niceTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

/** An axis from `low` to `high`, widened if they are equal. */
export function linearAxis(low: number, high: number, count = 5): Axis {
  if (low === high) {
    const margin = Math.max(Math.abs(low) * 0.1, 0.5);
    return linearAxis(low - margin, high + margin, count);
  }
  return { low, high, ticks: niceTicks(low, high, count) };
}

/** An axis from 0 to 1, for rates. */
export const RATE_AXIS = linearAxis(0, 1);

/** Width of a chart in SVG units, which the page scales. About the CSS pixels of a phone. */
export const CHART_WIDTH = 400;
const LEFT = 46;
const RIGHT = CHART_WIDTH - 12;

/** Rounded to a tenth of a unit, to keep the file small. */
export function coordinate(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** Maps a value of the axis to a position between `from` and `to`. */
export function place({ low, high }: Axis, from: number, to: number): (value: number) => number {
  return (value) => from + ((value - low) / (high - low)) * (to - from);
}

/** Maps a value to a position along the width of a chart. */
export function across(axis: Axis): (value: number) => number {
  return place(axis, LEFT, RIGHT);
}

/** The horizontal axis with ticks and label. */
export function bottomAxis(axis: Axis, { y, top, label }: { y: number; top: number; label: string }): Html {
  const x = across(axis);
  return markup`<g class="axis">
${axis.ticks.map((tick) => {
  const at = coordinate(x(tick));
  return markup`<line class="grid" x1="${at}" x2="${at}" y1="${top}" y2="${y}"/><text x="${at}" y="${y + 17}" text-anchor="middle">${tick}</text>`;
})}
<line x1="${LEFT}" x2="${RIGHT}" y1="${y}" y2="${y}"/>
<text class="axis-label" x="${(LEFT + RIGHT) / 2}" y="${y + 35}" text-anchor="middle">${label}</text>
</g>`;
}

/** The vertical axis with ticks and label, from `bottom` up to `top`. */
export function leftAxis(
  axis: Axis,
  { top, bottom, label }: { top: number; bottom: number; label: string },
): Html {
  const y = place(axis, bottom, top);
  const middle = (top + bottom) / 2;
  return markup`<g class="axis">
${axis.ticks.map((tick) => {
  const at = y(tick);
  return markup`<line class="grid" x1="${LEFT}" x2="${RIGHT}" y1="${coordinate(at)}" y2="${coordinate(at)}"/><text x="${LEFT - 6}" y="${coordinate(at + 4)}" text-anchor="end">${tick}</text>`;
})}
<line x1="${LEFT}" x2="${LEFT}" y1="${top}" y2="${bottom}"/>
<text class="axis-label" x="12" y="${middle}" text-anchor="middle" transform="rotate(-90 12 ${middle})">${label}</text>
</g>`;
}

export interface DrawingOptions {
  /** Unique on the page. */
  readonly id: string;
  /** Title for screen readers. */
  readonly title: string;
  /** Description for screen readers. */
  readonly description: string;
  readonly height: number;
}

/** An SVG drawing with title and description for screen readers. */
export function drawing({ id, title, description, height }: DrawingOptions, content: Insertable): Html {
  return markup`<svg class="chart" viewBox="0 0 ${CHART_WIDTH} ${height}" role="img" aria-labelledby="${id}-title ${id}-description">
<title id="${id}-title">${title}</title>
<desc id="${id}-description">${description}</desc>
${content}
</svg>`;
}
