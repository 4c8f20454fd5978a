// The paper's Tables 1 and 2 with rows of other methods, on the five synthetic categories, drawn twice.
//
// node bench/method-tables.mjs [--work DIR]   `dskd benchmark bench/method-tables.yaml` for the data seeds 101 and 202, in DIR (it
//                                             resumes there), then the report
// node bench/method-tables.mjs --report       writes bench/method-tables.md from bench/results/method-tables
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { writePage } from './write-page.mjs';

const HERE = import.meta.dirname;
const CONFIG = path.join(HERE, 'method-tables.yaml');
const RESULTS = path.join(HERE, 'results/method-tables');
const FILES = ['results.json', 'tables.md', 'tables.csv', 'single-values.csv'];
const SEEDS = [101, 202];
const { values: options } = parseArgs({
  options: { work: { type: 'string' }, report: { type: 'boolean', default: false } },
});

async function measure(seed, work) {
  const text = await readFile(CONFIG, 'utf8');
  await mkdir(work, { recursive: true });
  const config = path.join(work, `${seed}.yaml`);
  await writeFile(config, text.replace(/seed: \d+ }/, `seed: ${seed} }`));
  const results = path.join(work, String(seed));
  const dskd = path.join(HERE, '../packages/cli/bin/dskd.js');
  execFileSync(process.execPath, [dskd, 'benchmark', config, '--results', results, '--processes', '1'], {
    stdio: 'inherit',
  });
  await mkdir(path.join(RESULTS, String(seed)), { recursive: true });
  for (const file of FILES) await copyFile(path.join(results, file), path.join(RESULTS, String(seed), file));
}

const number = (value) => (value === null || value === undefined ? '–' : value.toFixed(3));
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const row = (cells) => `| ${cells.join(' | ')} |`;

/** One table with the values of both seeds, "first, second", and the mean of the means. */
function tableOf(seeds, name) {
  const tables = seeds.map(({ tables: all }) => all.find((table) => table.name === name));
  const { columns, title } = tables[0];
  const lines = [
    `## ${title}`,
    '',
    row(['method', ...columns, 'both seeds', 'paper, its own images']),
    row(['---', ...columns.map(() => '---:'), '---:', '---:']),
  ];
  for (const [index, { label, published }] of tables[0].rows.entries()) {
    const measured = tables.map(({ rows }) => rows[index].measured?.map((cell) => cell?.mean ?? null));
    if (measured.some((values) => !values || values.every((value) => value === null))) continue;
    const last = columns.length - 1;
    lines.push(
      row([
        label.join(', '),
        ...columns.map((_, column) => measured.map((values) => number(values[column])).join(', ')),
        `**${number(mean(measured.map((values) => values[last])))}**`,
        number(published[last]),
      ]),
    );
  }
  return lines.join('\n');
}

function costsOf([{ tables }]) {
  const costs = tables[0].rows.filter(({ cost }) => cost);
  return [
    row(['method', 'profile', 'training, s', 'file, MB']),
    row(['---', '---', '---:', '---:']),
    ...costs.map(({ label, cost }) =>
      row([label.join(', '), cost.profile, Math.round(cost.seconds), (cost.bytes / 1e6).toFixed(2)]),
    ),
  ].join('\n');
}

async function writeReport() {
  const seeds = await Promise.all(
    SEEDS.map(async (seed) =>
      JSON.parse(await readFile(path.join(RESULTS, String(seed), 'results.json'), 'utf8')),
    ),
  );
  const [{ config }] = seeds;
  const { train, validation, test, size } = config.data.synthetic;
  const students = config.students
    ? `\nThe paper's students are \`${config.settings.preset}\`, ${config.settings.epochs} epochs of batches of ${config.settings.batchSize}.`
    : '';
  const text = `# Tables 1 and 2 with other methods

Written by \`node bench/method-tables.mjs\` from results/method-tables. Five synthetic categories, drawn by the seeds
${SEEDS.join(' and ')} (the two numbers of a cell), ${train} good images to learn from, ${validation} to calibrate on, ${test} to test, ${size} px, embedded
teacher, profile \`lite\`. The last column is the paper's mean over MVTec LOCO AD: other images, so that only the order of
methods can be compared. Trainings ran at the lowest priority beside other jobs: their seconds are upper bounds.${students}

${tableOf(seeds, 'table1')}

${tableOf(seeds, 'table2')}

## Cost

${costsOf(seeds)}
`;
  await writePage(path.join(HERE, 'method-tables.md'), text);
}

if (!options.report) {
  const work = options.work ?? (await mkdtemp(path.join(os.tmpdir(), 'dskd-tables-')));
  for (const seed of SEEDS) await measure(seed, path.resolve(work));
}
await writeReport();
