// Draws how times grow, one panel for each measure, both axes logarithmic, as an SVG that Markdown shows.
const PANEL = { width: 310, height: 220, left: 52, right: 12, top: 30, bottom: 40 };
const COLUMNS = 2;

/** 1, 2 and 5 times the powers of ten around the values. */
function ticks(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const all = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const step of [1, 2, 5]) all.push(step * 10 ** power);
  const inside = all.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
  // With more than these their labels would touch.
  return inside.length > 6 ? inside.filter((tick) => Number.isInteger(Math.log10(tick))) : inside;
}

function panel({ what, along, theory, exponent, points }, [column, row]) {
  const { width, height, left, right, top, bottom } = PANEL;
  const [x0, y0] = [column * width, row * height];
  const times = points.map(({ cpuSeconds, seconds }) => cpuSeconds ?? seconds);
  const places = points.map(({ x }) => x);
  const scale = (values, from, to) => {
    const [low, high] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))];
    return (value) => from + ((Math.log(value) - low) / (high - low || 1)) * (to - from);
  };
  const [low, high] = [Math.min(...times) / 1.5, Math.max(...times) * 1.5];
  const x = scale(places, x0 + left + 8, x0 + width - right - 8);
  const y = scale([low, high], y0 + height - bottom, y0 + top);
  const n = (value) => value.toFixed(1);
  const shown = (value) => String(Number(value.toPrecision(2)));
  return [
    `<text x="${x0 + 8}" y="${y0 + 16}" class="title">${what}</text>`,
    ...ticks([low, high]).map(
      (tick) =>
        `<line class="grid" x1="${x0 + left}" x2="${x0 + width - right}" y1="${n(y(tick))}" y2="${n(y(tick))}"/>` +
        `<text x="${x0 + left - 5}" y="${n(y(tick) + 4)}" text-anchor="end">${shown(tick)} s</text>`,
    ),
    ...places.map(
      (tick) =>
        `<text x="${n(x(tick))}" y="${y0 + height - bottom + 14}" text-anchor="middle">${tick}</text>`,
    ),
    `<text x="${x0 + (left + width) / 2}" y="${y0 + height - 10}" text-anchor="middle">${along}; exponent ${exponent}, theory ${theory}</text>`,
    `<polyline class="line" points="${points.map((point, at) => `${n(x(point.x))},${n(y(times[at]))}`).join(' ')}"/>`,
    ...points.map((point, at) => `<circle class="dot" cx="${n(x(point.x))}" cy="${n(y(times[at]))}" r="3"/>`),
  ].join('\n');
}

/** @param growth results of the part `growth`. */
export function growthPlot(growth) {
  const width = COLUMNS * PANEL.width;
  const height = Math.ceil(growth.length / COLUMNS) * PANEL.height;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>How times grow</title>
<desc>Seconds by image size, rows of a bank, training images and workers; both axes logarithmic.</desc>
<style>
rect { fill: #fff; }
text { font: 10px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; font-size: 11px; }
.grid { stroke: #d0d7de; }
.line { fill: none; stroke: #0969da; }
.dot { fill: #0969da; }
@media (prefers-color-scheme: dark) {
  rect { fill: #0d1117; }
  text { fill: #e6edf3; }
  .grid { stroke: #30363d; }
}
</style>
<rect width="${width}" height="${height}"/>
${growth.map((each, index) => panel(each, [index % COLUMNS, Math.floor(index / COLUMNS)])).join('\n')}
</svg>
`;
}
