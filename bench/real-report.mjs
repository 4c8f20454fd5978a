import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { CASES } from './real-cases.mjs';
import { writePage } from './write-page.mjs';

const mean = (values) => values.reduce((total, value) => total + value, 0) / values.length;
const quality = (value) => value.toFixed(4);
const row = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) => [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

/** What the report needs of one run, the same for both sides. */
function summarize(run) {
  const { fused, branches } = run.side === 'dskd' ? run.evaluation : run.result;
  const { train, evaluate, all } = run.commands;
  const evaluating = evaluate?.seconds ?? run.result.seconds.evaluating;
  const total = all?.seconds ?? train.seconds + evaluate.seconds;
  return {
    ...{ seed: run.seed, side: run.side, loadBefore: run.loadBefore },
    local: branches.local.imageAuroc,
    global: branches.global.imageAuroc,
    fused: fused.imageAuroc,
    pixel: fused.pixelAuroc,
    // Evaluations that name a protocol measure in the images' own pixels.
    ownPixels: run.evaluation?.protocol !== undefined,
    byDefect: fused.imageAurocByDefect,
    training: total - evaluating,
    evaluating,
    total,
  };
}

function averaged(runs) {
  const names = ['local', 'global', 'fused', 'pixel', 'training', 'evaluating', 'total'];
  const means = Object.fromEntries(names.map((name) => [name, mean(runs.map((run) => run[name]))]));
  return { ...means, ownPixels: runs.some(({ ownPixels }) => ownPixels) };
}

function resultRow(label, run, ratio) {
  const seconds = [run.training, run.evaluating, run.total].map((value) => value.toFixed(0));
  const pixel = `${quality(run.pixel)}${run.ownPixels ? ' +' : ''}`;
  return [...label, ...[run.local, run.global, run.fused].map(quality), pixel, ...seconds, ratio ?? ''];
}

function goalRows(goals, runs) {
  const { fused, pixel } = averaged(runs);
  const better = mean(runs.map((run) => Math.max(run.local, run.global)));
  const reached = { imageAuroc: fused, pixelAuroc: pixel, fusedOverBetterBranch: fused - better };
  const names = {
    imageAuroc: 'mean fused image AUROC',
    pixelAuroc: 'mean fused pixel AUROC',
    fusedOverBetterBranch: 'mean fused image AUROC minus mean of the better branch',
  };
  return Object.entries(goals).map(([key, goal]) => [
    names[key],
    `at least ${goal}`,
    quality(reached[key]),
    runs.map(({ seed }) => seed).join(', '),
    reached[key] >= goal ? 'yes' : 'no',
  ]);
}

function describeCase(item, records) {
  const runs = records.map(summarize);
  const of = (side) => runs.filter((run) => run.side === side);
  const ratioOf = (seed) => {
    const [ours, theirs] = ['dskd', 'torch'].map((side) => of(side).find((run) => run.seed === seed));
    return ours && theirs ? ours.total / theirs.total : undefined;
  };
  const rows = runs.map((run) =>
    resultRow([run.seed, run.side], run, run.side === 'dskd' ? ratioOf(run.seed)?.toFixed(2) : undefined),
  );
  for (const side of ['dskd', 'torch']) {
    if (of(side).length < 2) continue;
    const ratios = of(side)
      .map(({ seed }) => ratioOf(seed))
      .filter((ratio) => ratio !== undefined);
    const ratio = side === 'dskd' && ratios.length > 0 ? mean(ratios).toFixed(2) : undefined;
    rows.push(resultRow(['mean', side], averaged(of(side)), ratio));
  }
  const flags = records.filter(({ trainFlags }) => trainFlags.length > 0);
  const ours = of('dskd');
  const goals = ours.length > 0 ? goalRows(item.goals, ours) : [];
  const missing = item.seeds.filter((seed) => ratioOf(seed) === undefined);
  const heads = [
    'local',
    'global',
    'fused',
    'pixel',
    'training, s',
    'evaluating, s',
    'total, s',
    'dskd / torch',
  ];
  const defects = Object.keys(runs[0].byDefect).sort();
  const commandsOf = (side) =>
    Object.values(records.find((record) => record.side === side)?.commands ?? {}).map(
      ({ command }) => command,
    );
  return [
    `## ${item.name}: ${item.category}, teacher ${item.teacher}, ${item.epochs} epochs`,
    ...(flags.length > 0
      ? [
          `Additional flags of training: ${flags
            .map(({ seed, side, trainFlags }) => `seed ${seed} ${side} \`${trainFlags.join(' ')}\``)
            .join(', ')}.`,
        ]
      : []),
    ...(missing.length > 0 ? [`Not both sides are there yet for seeds ${missing.join(', ')}.`] : []),
    table(['seed', 'side', ...heads], rows),
    ...(goals.length > 0 ? [table(['goal (dskd)', 'wanted', 'reached', 'over seeds', 'holds'], goals)] : []),
    'Fused image AUROC by defect:',
    table(
      ['seed', 'side', ...defects],
      runs.map((run) => [run.seed, run.side, ...defects.map((defect) => quality(run.byDefect[defect]))]),
    ),
    `Load average (one minute) before each run: ${runs.map((run) => `${run.side} ${run.seed}: ${run.loadBefore.toFixed(1)}`).join(', ')}.`,
    ...records
      .filter(({ remark }) => remark)
      .map(({ seed, side, remark }) => `Remark on ${side}, seed ${seed}: ${remark}`),
    ['```sh', 'mkdir -p /tmp/real', ...commandsOf('dskd'), ...commandsOf('torch'), '```'].join('\n'),
  ];
}

function describeMachines(records) {
  const machines = new Set(
    records.map(({ machine: { cores, processor, memoryGigabytes, node, tfjs } }) =>
      [`${cores} cores (${processor}), ${memoryGigabytes} GiB, node ${node}, tfjs ${tfjs} (wasm)`].join(),
    ),
  );
  const peers = new Set(
    records
      .filter(({ side }) => side === 'torch')
      .map(({ result: { threads, versions } }) => {
        const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
        return `${list.join(', ')}; ${threads} threads`;
      }),
  );
  return [...machines, ...peers].map((text) => `- ${text}`).join('\n');
}

/** Writes the report of the records in `results`, and of nothing else. */
export async function writeReport(results, target) {
  const files = (await readdir(results)).filter((name) => name.endsWith('.json'));
  const records = await Promise.all(
    files.map(async (name) => JSON.parse(await readFile(path.join(results, name), 'utf8'))),
  );
  records.sort((a, b) => a.seed - b.seed || a.side.localeCompare(b.side));
  const sections = CASES.flatMap((item) => {
    const own = records.filter((record) => record.case === item.name);
    return own.length > 0 ? describeCase(item, own) : [];
  });
  const text = [
    '# Real runs',
    'Made by `node bench/real.mjs --report` from `bench/results/real/`; do not edit. The runs are made by `node bench/real.mjs all`, from the root of the repository, with MVTec AD at `../shared/data/mvtec_ad` and the teachers at `../shared/weights`.',
    'Everything at 128 px, preset lite, batches of 16; scores are AUROC of images by branch and fused, pixel is the fused AUROC of pixels at network size, or, where a + follows, in the images’ own pixels (as `dskd evaluate` has measured since the runs of 24 November 2026). The torch side is the same mathematics in PyTorch (`bench/peers/dskd_torch.py`): same held-out images, same batches, initial weights of the same distributions but other values. Seconds are wall time of whole commands, start included; for torch, one command, training is all but the evaluation. A ratio above 1 means that dskd takes longer. The two sides take turns, seed by seed.',
    describeMachines(records),
    ...sections,
  ].join('\n\n');
  await writePage(target, text);
}
