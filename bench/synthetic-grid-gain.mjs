// node bench/synthetic-grid-gain.mjs
//   Reads bench/results/synthetic-grid/single-values.csv, which `dskd benchmark bench/synthetic-grid.yaml --results DIR`
//   wrote, and writes gain.md beside it: what two students are worth beside each of them alone, category by category.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { TextEncoder } from 'node:util';
import { writeFileAtomically } from '@dskd/data/node';

const FOLDER = new URL('results/synthetic-grid/', import.meta.url);
const [header, ...lines] = (await readFile(new URL('single-values.csv', FOLDER), 'utf8')).trim().split('\n');
const columns = header.split(',');
const rows = lines.map((line) => {
  const cells = line.split(',');
  return Object.fromEntries(columns.map((name, index) => [name, cells[index]]));
});

const METRICS = [
  'image-auroc structural',
  'image-auroc logical',
  'image-auroc mean',
  'au-spro structural',
  'au-spro logical',
  'au-spro mean',
];
/** The paper's pair, and the default of trainDetector. */
const PAIRS = [
  { local: 'Pi', global: 'CA' },
  { local: 'flattened', global: 'CA' },
];
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const signed = (value) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;

/** Values of one row of a table, by category and seed. */
function valuesOf(table, row) {
  const found = rows.filter((each) => each.table === table && each.row === row);
  return new Map(found.map((each) => [`${each.category} ${each.seed}`, each]));
}

function gains({ local, global }) {
  const pair = valuesOf('table5', `${local} / ${global}`);
  const categories = [...new Set([...pair.values()].map(({ category }) => category))];
  return [
    ['the local student alone', valuesOf('table4', `local / ${local}`)],
    ['the global student alone', valuesOf('table4', `global / ${global}`)],
  ].flatMap(([name, single]) => {
    const row = (label, isChosen) => {
      const keys = [...pair.keys()].filter((key) => isChosen(pair.get(key).category));
      const differences = METRICS.map((metric) =>
        keys.map((key) => Number(pair.get(key)[metric]) - Number(single.get(key)[metric])),
      );
      const better = differences[2].filter((value) => value > 0).length;
      const cells = differences.map((values) => signed(mean(values)));
      return `| ${name} | ${label} | ${cells.join(' | ')} | ${better} of ${keys.length} |`;
    };
    return [
      ...categories.map((category) => row(category, (each) => each === category)),
      row('**all**', () => true),
    ];
  });
}

const text = `# What two students are worth beside one

Written by \`node bench/synthetic-grid-gain.mjs\` from single-values.csv. Each number is the pair's value (Eq. 8) minus
that of one of its two students alone, the mean over the seeds; the last column counts the trainings in which the pair's
mean image AUROC is the higher one.

${PAIRS.map(
  (pair) => `## Local student by ${pair.local}, global student by ${pair.global}

| beside | category | ${METRICS.join(' | ')} | better |
| --- | --- | ${METRICS.map(() => '---:').join(' | ')} | --- |
${gains(pair).join('\n')}
`,
).join('\n')}`;
await writeFileAtomically(fileURLToPath(new URL('gain.md', FOLDER)), new TextEncoder().encode(text));
