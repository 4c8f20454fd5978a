import { writeFile } from 'node:fs/promises';

const three = (value) => value.toFixed(3);
const average = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Sets of one kind, in columns. */
function groupsOf(results) {
  const of = (title, keep) => ({ title, results: results.filter(({ set }) => keep(set)) });
  return [
    of('Synthetic, 256 px, seed 101 (chosen on it)', (set) => set.endsWith('-256-101')),
    of('Synthetic, 256 px, seed 202', (set) => set.endsWith('-256-202')),
    of('Synthetic, 128 px, seed 101 (chosen on it)', (set) => set.endsWith('-128-101')),
    of('Synthetic, 128 px, seed 202', (set) => set.endsWith('-128-202')),
    of('MVTec AD, 128 px, two seeds of the training', (set) => /^(transistor|bottle)-/.test(set)),
  ].filter(({ results: list }) => list.length > 0);
}

function table({ title, results }) {
  const rules = Object.keys(results[0].rules);
  const rows = rules.map((rule) => {
    const means = results.map(({ rules: all }) => all[rule].mean);
    const lost = results.map(({ rules: all }) => {
      const best = Math.max(...['local', 'global', 'pooled'].map((branch) => all[branch].mean));
      return all[rule].mean - best;
    });
    return `| ${rule} | ${means.map(three).join(' | ')} | ${three(average(means))} | ${three(Math.min(...lost))} |`;
  });
  return [
    `## ${title}`,
    '',
    `| rule | ${results.map(({ set }) => set).join(' | ')} | mean | worst against the best branch |`,
    `| --- | ${results.map(() => '---').join(' | ')} | --- | --- |`,
    ...rows,
    '',
  ].join('\n');
}

function productTable(results) {
  const rows = results.map(
    ({ set, seconds, bytes, product, pixelAuroc, rules }) =>
      `| ${set} | ${seconds} | ${(bytes / 1e6).toFixed(2)} | ${Object.entries(
        rules['soft maximum on pixels, weighted (the rule of instant)'],
      )
        .filter(([kind]) => kind !== 'mean')
        .map(([kind, value]) => `${kind.replace('_anomalies', '')} ${three(value)}`)
        .join(', ')} | ${three(product)} | ${pixelAuroc === null ? '' : three(pixelAuroc)} |`,
  );
  return [
    '## Each set',
    '',
    'Seconds of the training (with whatever else ran), megabytes of the file with the teacher inside, image AUROC by kind,',
    'image AUROC of all anomalous images together, pixel AUROC.',
    '',
    '| set | s | MB | by kind | image | pixel |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

/** Writes the tables as Markdown. */
export async function writeFusionReport(file, results) {
  const text = [
    '# How the branches of `instant` are combined',
    '',
    'Image AUROC, mean of structural and logical where the set has both. Written by `node bench/fusion.mjs --report` from',
    '`bench/results/fusion`; what each rule does is in `bench/fusion-rules.mjs`. One training per set, embedded teacher,',
    'wasm. The last column: the largest loss against the best single branch of a set (negative is worse).',
    '',
    ...groupsOf(results).map(table),
    productTable(results),
  ].join('\n');
  await writeFile(file, text);
}
