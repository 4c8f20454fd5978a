// Draws quality against time: image AUROC of each method on one set by the seconds of its fit, from results/methods and
// results/quality-time. Called by the reports of both; writes an SVG that Markdown shows.
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

const PANEL = { width: 620, height: 400, left: 58, right: 150, top: 34, bottom: 46 };
const TICKS = [3, 10, 30, 100, 300, 1000, 3000];
const AUROC_TICKS = [0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 1];
const [LOW] = AUROC_TICKS;
/** Added to each error, so that 1 has a place. */
const LEAST_ERROR = 0.005;

async function runsOf(folder) {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(files.map(async (name) => JSON.parse(await readFile(path.join(folder, name), 'utf8'))));
}

/** One point for each training: `{ label, seconds, auroc, isBusy }`. Of the embedded teacher, or without one. */
async function pointsOf(set, results) {
  const points = [];
  for (const { set: own, method, runs } of await runsOf(path.join(results, 'methods'))) {
    if (own !== set) continue;
    for (const { profile, options, size, dataSeed, teacher, fitSeconds, imageAuroc, loadBefore } of runs) {
      if (dataSeed !== undefined && dataSeed !== 101) continue;
      if (profile !== 'lite' || (teacher && !teacher.startsWith('teacher-tiny'))) continue;
      if (options && !('minutes' in options || 'epochs' in options)) continue;
      const label = `${method}${size === 128 ? '' : ` ${size} px`}`;
      points.push({ label, seconds: fitSeconds, auroc: imageAuroc, isBusy: loadBefore > 1 });
    }
  }
  const students = (await runsOf(path.join(results, 'quality-time'))).filter(
    ({ set: own, seed }) => own === set && seed === 1,
  );
  // The default objective where there is a run with it, and the default rule of fusion.
  const isDefault = ({ config }) => !config.includes('contextual');
  const hasDefault = students.some((run) => isDefault(run) && run.points.some(({ steps }) => steps));
  for (const { config, points: trained } of students.filter((run) => isDefault(run) || !hasDefault)) {
    for (const { steps, cpuSeconds, fused, settled, softMaximum } of trained) {
      const label = steps ? `dskd ${config}, ${steps} steps` : config;
      points.push({
        ...{ label, seconds: cpuSeconds, isBusy: true },
        auroc: softMaximum ?? settled?.fused ?? fused,
      });
    }
  }
  return points;
}

/** The labels, moved apart so that none covers another or a point: each goes down to the next free place. */
function placed(points, x, y) {
  const boxes = points.map(({ seconds, auroc }) => ({ x: x(seconds) - 5, y: y(auroc) + 4, width: 10 }));
  const overlaps = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && Math.abs(a.y - b.y) < 11;
  return [...points]
    .sort((a, b) => b.auroc - a.auroc || a.seconds - b.seconds)
    .map((point) => {
      const label = { x: x(point.seconds) + 7, y: y(point.auroc) + 4, width: 6 * point.label.length };
      while (boxes.some((other) => overlaps(label, other))) label.y += 2;
      boxes.push(label);
      return { ...point, at: [x(point.seconds), y(point.auroc)], label: { ...label, text: point.label } };
    });
}

function panel(set, points, top) {
  const { width, height, left, right } = PANEL;
  const [first, last] = [TICKS[0], TICKS.at(-1)].map(Math.log);
  const [upper, lower] = [top + PANEL.top, top + height - PANEL.bottom];
  const x = (seconds) =>
    left + ((Math.log(Math.max(TICKS[0], seconds)) - first) / (last - first)) * (width - left - right);
  // By the remaining error, logarithmic: most methods lie between 0.95 and 1.
  const height01 = (auroc) =>
    Math.log((1 + LEAST_ERROR - LOW) / (1 + LEAST_ERROR - auroc)) /
    Math.log((1 + LEAST_ERROR - LOW) / LEAST_ERROR);
  const y = (auroc) => lower - height01(Math.max(LOW, auroc)) * (lower - upper);
  const n = (value) => value.toFixed(1);
  const lines = [
    `<text x="${left}" y="${top + 20}" class="title">${set}, 128 px where nothing else is said</text>`,
    ...TICKS.map(
      (tick) =>
        `<line class="grid" x1="${n(x(tick))}" x2="${n(x(tick))}" y1="${upper}" y2="${lower}"/>` +
        `<text x="${n(x(tick))}" y="${lower + 16}" text-anchor="middle">${tick}</text>`,
    ),
    ...AUROC_TICKS.map(
      (tick) =>
        `<line class="grid" x1="${left}" x2="${width - right}" y1="${n(y(tick))}" y2="${n(y(tick))}"/>` +
        `<text x="${left - 6}" y="${n(y(tick) + 4)}" text-anchor="end">${tick}</text>`,
    ),
    `<text x="${(left + width - right) / 2}" y="${lower + 34}" text-anchor="middle">seconds of the fit (logarithmic)</text>`,
    `<text x="14" y="${(upper + lower) / 2}" text-anchor="middle" transform="rotate(-90 14 ${(upper + lower) / 2})">image AUROC</text>`,
  ];
  for (const { at, label, isBusy } of placed(points, x, y)) {
    const [px, py] = at.map(n);
    lines.push(
      `<circle class="${isBusy ? 'busy' : 'idle'}" cx="${px}" cy="${py}" r="3.5"/>`,
      label.y - at[1] > 12
        ? `<line class="lead" x1="${px}" y1="${py}" x2="${n(label.x - 1)}" y2="${n(label.y - 4)}"/>`
        : '',
      `<text x="${n(label.x)}" y="${n(label.y)}">${label.text}</text>`,
    );
  }
  return lines.filter(Boolean).join('\n');
}

/** @param sets their names, one panel each, from top to bottom; synthetic ones of data seed 101. */
export async function writeQualityPlot(results, file, sets = ['transistor', 'bottle', 'tray', 'harness']) {
  const panels = [];
  for (const [index, set] of sets.entries())
    panels.push(panel(set, await pointsOf(set, results), index * PANEL.height));
  const height = PANEL.height * sets.length;
  await writeFile(
    file,
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${PANEL.width} ${height}" width="${PANEL.width}" height="${height}" role="img">
<title>Image AUROC by the seconds of the fit</title>
<desc>One point for each training on two cores. Hollow points: other jobs ran beside, so that the time is an upper bound.</desc>
<style>
rect { fill: #fff; }
text { font: 11px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; font-size: 13px; }
.grid { stroke: #d0d7de; }
.lead { stroke: #8c959f; stroke-width: 0.6; }
.idle { fill: #0969da; stroke: #0969da; }
.busy { fill: #fff; stroke: #0969da; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) {
  rect, .busy { fill: #0d1117; }
  text { fill: #e6edf3; }
  .grid { stroke: #30363d; }
}
</style>
<rect width="${PANEL.width}" height="${height}"/>
${panels.join('\n')}
</svg>
`,
  );
}
