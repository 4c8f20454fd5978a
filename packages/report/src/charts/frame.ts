import { markup, type Html, type Insertable } from '../html.js';
import type { Axis } from './axis.js';

/** The drawing's own units; the page scales it. A phone shows them about one to one. */
export const CHART_WIDTH = 400;
const LEFT = 46;
const RIGHT = CHART_WIDTH - 12;

/** Rounded: a tenth of a unit cannot be seen, and the file stays small. */
export function coordinate(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** Where a value stands on a line from `from` to `to`. */
export function place({ low, high }: Axis, from: number, to: number): (value: number) => number {
  return (value) => from + ((value - low) / (high - low)) * (to - from);
}

/** Places along the width of a chart. */
export function across(axis: Axis): (value: number) => number {
  return place(axis, LEFT, RIGHT);
}

/** The bottom line with its ticks and what they mean. */
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

/** The left line with its ticks and what they mean, from `bottom` up to `top`. */
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
  /** What is shown, for those who do not see it. */
  readonly title: string;
  /** What it says, for those who do not see it. */
  readonly description: string;
  readonly height: number;
}

/** One drawing with its name and description for screen readers. */
export function drawing({ id, title, description, height }: DrawingOptions, content: Insertable): Html {
  return markup`<svg class="chart" viewBox="0 0 ${CHART_WIDTH} ${height}" role="img" aria-labelledby="${id}-title ${id}-description">
<title id="${id}-title">${title}</title>
<desc id="${id}-description">${description}</desc>
${content}
</svg>`;
}
