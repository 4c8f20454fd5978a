// Does covariance affinity, the limit of contextual affinity at high temperatures, detect as well as the paper's
// T = 1? For MVTec AD's bottle and transistor: two global students with the same initial weights, images and steps,
// one for each loss; and the one that learned by contextual affinity scored by either map.
//
// node bench/covariance-affinity.mjs [--data ../shared/data/mvtec_ad] [--seeds 1,2] [--epochs 10]
//
// Writes bench/results/covariance-affinity.json.
import { rename, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { openSource } from '@dskd/data/node';
import { evaluateDetector, loadDetector, trainDetector } from '@dskd/detector';
import { TRAINING_DEFAULTS } from '@dskd/methods';
import { workerRunnerFor } from '@dskd/methods/node';
import { loadTeacher } from '@dskd/models';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { editDescription } from './edit-description.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    data: { type: 'string', default: path.join(ROOT, '../shared/data/mvtec_ad') },
    seeds: { type: 'string', default: '1,2' },
    epochs: { type: 'string', default: '10' },
    out: { type: 'string', default: path.join(ROOT, 'bench/results/covariance-affinity.json') },
  },
});
const SIZE = 128;
const BATCH = 8;
const COVARIANCE = { name: 'covarianceAffinity', options: {} };
const BRANCHES = {
  contextual: TRAINING_DEFAULTS.dskd.branches.global,
  covariance: { ...TRAINING_DEFAULTS.dskd.branches.global, objective: COVARIANCE },
};

/** The bytes of a detector whose branches are all scored by covariance affinity. */
const scoredByCovariance = (bytes) =>
  editDescription(bytes, ({ config }) => {
    for (const branch of config.branches) branch.objective = COVARIANCE;
  });

const rounded = (value) => Number(value.toFixed(4));
const qualityOf = ({ imageAuroc, pixelAuroc }) => ({
  imageAuroc: rounded(imageAuroc),
  pixelAuroc: rounded(pixelAuroc),
});

await selectBackend('wasm');
registerWasmGradients();
const embedded = teacherTiny();
const teacher = await loadTeacher(embedded.name, await embedded.load());
const runs = [];
for (const category of ['bottle', 'transistor']) {
  for (const seed of values.seeds.split(',').map(Number)) {
    const source = await openSource({ root: values.data, category });
    const detector = await trainDetector({
      source,
      teacher,
      method: 'dskd',
      options: {
        preset: 'nano',
        batchSize: BATCH,
        epochs: Number(values.epochs),
        reestimateBatchNorm: true,
        branches: BRANCHES,
      },
      input: { size: [SIZE, SIZE] },
      execution: { runner: workerRunnerFor() },
      seed,
    });
    const { branches } = await evaluateDetector(detector, source);
    const rescored = await loadDetector(scoredByCovariance(detector.save()));
    const again = await evaluateDetector(rescored, source);
    const run = {
      category,
      seed,
      contextual: qualityOf(branches.contextual),
      covariance: qualityOf(branches.covariance),
      contextualScoredByCovariance: qualityOf(again.branches.contextual),
    };
    runs.push(run);
    console.log(JSON.stringify(run));
    rescored.dispose();
    detector.dispose();
  }
}
teacher.dispose();

const meanOf = (of) => rounded(runs.reduce((sum, run) => sum + of(run), 0) / runs.length);
const largest = (of) => Math.max(...runs.map((run) => Math.abs(rounded(of(run)))));
const result = {
  command: `node bench/covariance-affinity.mjs --seeds ${values.seeds} --epochs ${values.epochs}`,
  machine: `${os.availableParallelism()} cores (${os.cpus()[0].model.trim()}), node ${process.version}`,
  settings: { teacher: embedded.name, sha256: embedded.sha256, size: SIZE, preset: 'nano', batchSize: BATCH },
  meanImageAuroc: {
    contextual: meanOf((run) => run.contextual.imageAuroc),
    covariance: meanOf((run) => run.covariance.imageAuroc),
    contextualScoredByCovariance: meanOf((run) => run.contextualScoredByCovariance.imageAuroc),
  },
  largestChangeByMap: {
    imageAuroc: largest((run) => run.contextualScoredByCovariance.imageAuroc - run.contextual.imageAuroc),
    pixelAuroc: largest((run) => run.contextualScoredByCovariance.pixelAuroc - run.contextual.pixelAuroc),
  },
  runs,
};
await writeFile(`${values.out}.tmp`, `${JSON.stringify(result, null, 2)}\n`);
await rename(`${values.out}.tmp`, values.out);
