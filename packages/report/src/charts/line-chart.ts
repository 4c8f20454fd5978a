import type { Curve } from '@dskd/metrics';
import { markup, type Html } from '../html.js';
import { across, bottomAxis, coordinate, drawing, leftAxis, place, type Axis } from './axes.js';

const TOP = 10;
const BOTTOM = 240;
const HEIGHT = 282;

/** One line of a chart. */
export interface Line {
  readonly name: string;
  /** Shown next to the name: an area or a last value. */
  readonly value: string;
  /** CSS class of the line; see {@link seriesStyle}. */
  readonly style: string;
  readonly curve: Curve;
}

export interface LineChartOptions {
  /** Unique on the page. */
  readonly id: string;
  readonly title: string;
  /** Meaning of the lines, in one sentence. */
  readonly explanation: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Name of the lines' values, for example of an area. */
  readonly measure: string;
  readonly lines: readonly Line[];
  /** A vertical line at this value of x, with a label. */
  readonly mark?: { readonly at: number; readonly label: string };
}

/** CSS class of a score's line. The classes differ in color and in dashes. */
export function seriesStyle(name: string, index: number): string {
  return name === 'fused' ? 'series-fused' : `series-${index % 4}`;
}

/** The part of a curve with x in `low..high`, interpolated at the end. */
function clip({ x, y }: Curve, { low, high }: Axis): [number, number][] {
  const points: [number, number][] = [];
  for (let i = 0; i < x.length; i++) {
    const [at, value] = [x[i]!, y[i]!];
    if (at > high) {
      if (i > 0 && x[i - 1]! < high) {
        const share = (high - x[i - 1]!) / (at - x[i - 1]!);
        points.push([high, y[i - 1]! + (value - y[i - 1]!) * share]);
      }
      break;
    }
    if (at >= low) points.push([at, value]);
  }
  return points;
}

/** A figure with axes, one line per series, and a legend with the name and value of each. */
export function lineChart(options: LineChartOptions): Html {
  const { id, title, explanation, x: xAxis, y: yAxis, lines, mark } = options;
  const x = across(xAxis);
  const y = place(yAxis, BOTTOM, TOP);
  const description = `${explanation} ${options.measure}: ${lines.map(({ name, value }) => `${name} ${value}`).join('; ')}.`;
  const content = [
    leftAxis(yAxis, { top: TOP, bottom: BOTTOM, label: options.yLabel }),
    bottomAxis(xAxis, { y: BOTTOM, top: TOP, label: options.xLabel }),
    mark &&
      markup`<line class="mark" x1="${coordinate(x(mark.at))}" x2="${coordinate(x(mark.at))}" y1="${TOP}" y2="${BOTTOM}"/><text class="mark-label" x="${coordinate(x(mark.at) + 5)}" y="${BOTTOM - 8}">${mark.label}</text>`,
    lines.map(({ style, curve }) => {
      const points = clip(curve, xAxis).map(([px, py]) => `${coordinate(x(px))},${coordinate(y(py))}`);
      return markup`<polyline class="line ${style}" points="${points.join(' ')}"/>`;
    }),
  ];
  return markup`<figure class="card">
<h3><bdi>${title}</bdi></h3>
${drawing({ id, title, description, height: HEIGHT }, content)}
<figcaption>
<p class="measure">${options.measure}</p>
<ul class="legend">${lines.map(legendEntry)}</ul>
<p class="note">${explanation}</p>
</figcaption>
</figure>`;
}

function legendEntry({ name, value, style }: Line): Html {
  return markup`<li><svg class="swatch" viewBox="0 0 28 8" aria-hidden="true"><line class="line ${style}" x1="0" x2="28" y1="4" y2="4"/></svg> <bdi>${name}</bdi> <strong>${value}</strong></li>`;
}
