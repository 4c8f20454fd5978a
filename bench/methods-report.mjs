// Writes bench/methods.md from all results of bench/methods.mjs.
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { writeQualityPlot } from './quality-plot.mjs';
import { writePage } from './write-page.mjs';

/** Image AUROC below which a build is suspect, of bottle and transistor, whatever the profile. */
const GATES = {
  patchcore: { bottle: 0.99, transistor: 0.97 },
  padim: { bottle: 0.98, transistor: 0.9 },
  spade: { bottle: 0.95, transistor: 0.87 },
  stfpm: { bottle: 0.97, transistor: 0.85 },
  efficientad: { bottle: 0.95, transistor: 0.88 },
  puad: { bottle: 0.92, transistor: 0.85 },
  vm: { bottle: 0.7, transistor: 0.6 },
};
const LEAST = { bottle: 0.6, transistor: 0.6 };
const WITH_LEAST_GATE = ['ae', 'ae-ssim', 'vae', 'mnad', 'us', 'gcad', 'fanogan'];

const digits = (value) => (value === null || value === undefined ? '–' : value.toFixed(3));

function gateOf(set, method, auroc) {
  const gate = GATES[method]?.[set] ?? (WITH_LEAST_GATE.includes(method) ? LEAST[set] : undefined);
  if (gate === undefined) return '–';
  return `${gate.toFixed(2)}: ${auroc >= gate ? 'met' : '**missed**'}`;
}

function lineOf({ set, method, run }) {
  const { profile, options, size, seed, dataSeed, teacher } = run;
  const own = options ? ` ${JSON.stringify(options)}` : '';
  // A method without a map has the same value everywhere.
  const pixels = run.pixelAuroc === 0.5 ? null : run.pixelAuroc;
  return [
    dataSeed === undefined ? set : `${set} ${dataSeed}`,
    `\`${method}\``,
    `${profile}${own && `, \`${own.trim()}\``}`,
    `${size} px`,
    teacher?.split(' ')[0] ?? 'none',
    digits(run.imageAuroc),
    gateOf(set, method, run.imageAuroc),
    digits(pixels),
    Object.entries(run.branches)
      .map(([name, value]) => `${name} ${digits(value)}`)
      .join(', '),
    `${run.fitSeconds.toFixed(0)} s${run.loadBefore > 1 ? ' (busy)' : ''}`,
    `${(run.fileBytes / 1e6).toFixed(2)} MB`,
    seed,
  ];
}

export async function writeMethodsReport(results, file) {
  const runs = [];
  for (const name of (await readdir(results)).sort()) {
    const { set, method, runs: own } = JSON.parse(await readFile(path.join(results, name), 'utf8'));
    for (const run of own) runs.push({ set, method, run });
  }
  runs.sort(
    (a, b) =>
      a.set.localeCompare(b.set) ||
      (a.run.dataSeed ?? 0) - (b.run.dataSeed ?? 0) ||
      a.run.fitSeconds - b.run.fitSeconds,
  );
  const columns = [
    'set',
    'method',
    'profile',
    'size',
    'teacher',
    'image AUROC',
    'gate',
    'pixel AUROC',
    'branches',
    'fit',
    'file',
    'seed',
  ];
  const text = `# What each method reaches, by the time of its fit

Written by \`node bench/methods.mjs --report\` from results/methods. A run is \`node bench/methods.mjs SET METHOD\`; within a set
the fastest fit comes first. Seconds are from the list of images to a calibrated detector, on 2 cores with wasm; where the
machine was busy with other jobs they are upper bounds. Files are without the teacher. The gate is the image AUROC of
bottle and transistor below which a build is suspect. A limit of minutes or epochs in the profile means that the method was not
trained to its end.

![Image AUROC by the seconds of the fit](quality-against-time.svg)

One point for each training with the embedded teacher, or without one; of \`dskd\` the points of
[quality-time.md](quality-time.md), by the soft maximum, and of runs with the default objective where there are some. Hollow points: other jobs ran beside, and the time is an upper bound.

| ${columns.join(' | ')} |
| ${columns.map(() => '---').join(' | ')} |
${runs.map((each) => `| ${lineOf(each).join(' | ')} |`).join('\n')}
`;
  await writePage(file, text);
  await writeQualityPlot(path.dirname(results), path.join(path.dirname(file), 'quality-against-time.svg'));
}
