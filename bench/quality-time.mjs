// Quality against time of the paper's students, with `instant` beside them.
//
// node bench/quality-time.mjs SET CONFIG [--epochs 4,12,24,48] [--data DIR]   measures and writes
//                                                      bench/results/quality-time/SET-CONFIG.json
// node bench/quality-time.mjs --report                 writes bench/quality-time.md from all results
//
// A set is transistor, bottle, or a synthetic category (data seed 101, 100 good images), at 128 px. A config is
// PRESET-BATCH or PRESET-BATCH-settled, where batch-norm statistics are re-estimated at the end, or `instant`. One run is
// trained on from a checkpoint to each number of epochs, so that a longer one has the steps of the shorter. Seconds are
// those of training and calibrating; evaluation is not counted. Backend wasm, embedded teacher, students in this thread.
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { openSource } from '@dskd/data/node';
import { evaluateDetector, trainDetector } from '@dskd/detector';
import { loadTeacher } from '@dskd/models';
import { writeDataset } from '@dskd/synthetic/node';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients } from '@dskd/wasm-gradients';

const RESULTS = path.join(import.meta.dirname, 'results/quality-time');
const COUNTS = { size: 128, seed: 101, train: 100, validation: 40, test: 120 };
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    epochs: { type: 'string', default: '5,15,30,60' },
    seed: { type: 'string', default: '1' },
    data: { type: 'string', default: path.join(import.meta.dirname, '../../shared/data/mvtec_ad') },
    report: { type: 'boolean', default: false },
  },
});
const round = (value, digits = 4) => Number(value.toFixed(digits));

async function withSource(set, use) {
  if (['transistor', 'bottle'].includes(set))
    return use(await openSource({ root: options.data, category: set }));
  const root = await mkdtemp(path.join(os.tmpdir(), 'dskd-quality-time-'));
  try {
    await writeDataset(root, { category: set, ...COUNTS });
    return await use(await openSource({ root, category: set }));
  } finally {
    await rm(root, { recursive: true });
  }
}

async function point(training, source) {
  const started = performance.now();
  const detector = await trainDetector(training);
  const seconds = (performance.now() - started) / 1000;
  const { fused, branches } = await evaluateDetector(detector, source);
  const steps = detector.description.trainings[0].fit.steps ?? 0;
  detector.dispose();
  return {
    seconds,
    steps,
    fused: round(fused.imageAuroc),
    pixelAuroc: round(fused.pixelAuroc),
    branches: Object.fromEntries(
      Object.entries(branches).map(([name, { imageAuroc }]) => [name, round(imageAuroc)]),
    ),
  };
}

async function measure(set, config, save) {
  await selectBackend('wasm');
  registerWasmGradients();
  const embedded = teacherTiny();
  const teacher = await loadTeacher(embedded.name, await embedded.load());
  const seed = Number(options.seed);
  await withSource(set, async (source) => {
    const common = { source, teacher, input: { size: [128, 128] }, seed };
    const points = [];
    if (config === 'instant') {
      const { seconds, ...rest } = await point({ ...common, method: 'instant' }, source);
      await save([{ seconds: round(seconds, 1), ...rest }]);
      return;
    }
    const [preset, batch, settled] = config.split('-');
    let resumeFrom;
    let total = 0;
    for (const epochs of options.epochs.split(',').map(Number)) {
      const { seconds, ...rest } = await point(
        {
          ...common,
          method: 'dskd',
          options: { preset, batchSize: Number(batch), epochs, reestimateBatchNorm: settled !== undefined },
          ...(resumeFrom && { resumeFrom }),
          checkpoint: { everyEpochs: epochs, save: async (bytes) => void (resumeFrom = bytes) },
        },
        source,
      );
      total += seconds;
      points.push({ epochs, seconds: round(total, 1), ...rest });
      console.log(set, config, JSON.stringify(points.at(-1)));
      await save(points);
    }
  });
}

async function writeReport() {
  const rows = [];
  for (const name of (await readdir(RESULTS)).sort()) {
    const { set, config, seed, points } = JSON.parse(await readFile(path.join(RESULTS, name), 'utf8'));
    for (const { epochs = '-', steps, seconds, fused, pixelAuroc, branches } of points) {
      const { local = '-', global = '-' } = branches;
      rows.push(
        `| ${set} | ${config} | ${seed} | ${epochs} | ${steps || '-'} | ${seconds} | ${local} | ${global} | ${fused} | ${pixelAuroc} |`,
      );
    }
  }
  const text = [
    '# Quality against time',
    '',
    'Written by `node bench/quality-time.mjs --report` from results/quality-time. 128 px, embedded teacher, wasm, 2 cores;',
    'image AUROC by branch and fused. Seconds include reading the images, and other jobs ran beside: upper bounds.',
    '',
    '| set | config | seed | epochs | steps | seconds | local | global | fused | pixel AUROC |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ];
  await writeFile(path.join(import.meta.dirname, 'quality-time.md'), `${text.join('\n')}\n`);
}

if (options.report) {
  await writeReport();
} else {
  const [set, config] = positionals;
  if (!set || !config)
    throw new Error('Got no set or no config; wanted for example: transistor nano-8-settled.');
  await mkdir(RESULTS, { recursive: true });
  await measure(set, config, (points) =>
    writeFile(
      path.join(RESULTS, `${set}-${config}-seed${options.seed}.json`),
      `${JSON.stringify({ set, config, seed: Number(options.seed), points }, null, 2)}\n`,
    ),
  );
}
