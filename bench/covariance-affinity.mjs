// Does covariance affinity, the limit of contextual affinity at high temperatures, detect as well as the paper's
// T = 1? Two global students with the same initial weights and images, one for each loss; and the one that learned by
// contextual affinity scored by either map.
//
// node bench/covariance-affinity.mjs [--data ../shared/data/mvtec_ad] [--sets bottle,transistor] [--seeds 1,2] [--size 128]
//                                    [--epochs 10,10] [--out FILE]
//
// A set is a category of the data, or a synthetic one with its data seed, such as tray-202 (100 good images). The epochs are
// those of contextual and of covariance affinity: at 256 px, 8 and 40 take about the same time. A file that
// exists is added to. Default file: bench/results/covariance-affinity.json.
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { openSource } from '@dskd/data/node';
import { evaluateDetector, loadDetector, trainDetector } from '@dskd/detector';
import { TRAINING_DEFAULTS } from '@dskd/methods';
import { loadTeacher } from '@dskd/models';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { COUNTS, withDrawnSource } from './drawn-source.mjs';
import { editDescription } from './edit-description.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    data: { type: 'string', default: path.join(ROOT, '../shared/data/mvtec_ad') },
    sets: { type: 'string', default: 'bottle,transistor' },
    seeds: { type: 'string', default: '1,2' },
    size: { type: 'string', default: '128' },
    epochs: { type: 'string', default: '10,10' },
    out: { type: 'string', default: path.join(ROOT, 'bench/results/covariance-affinity.json') },
  },
});
const SIZE = Number(values.size);
const BATCH = 8;
const CONTEXTUAL = { name: 'contextualAffinity', options: { temperature: 1 } };
const COVARIANCE = { name: 'covarianceAffinity', options: {} };
const [CONTEXTUAL_EPOCHS, COVARIANCE_EPOCHS] = values.epochs.split(',').map(Number);
const GLOBAL = TRAINING_DEFAULTS.dskd.branches.global;
const STUDENTS = {
  contextual: { branch: { ...GLOBAL, objective: CONTEXTUAL }, epochs: CONTEXTUAL_EPOCHS },
  covariance: { branch: { ...GLOBAL, objective: COVARIANCE }, epochs: COVARIANCE_EPOCHS },
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
/** Runs `use` with the images of a set. */
async function withSource(set, use) {
  const [category, seed] = set.split('-');
  if (seed) return withDrawnSource(category, { size: SIZE, seed: Number(seed), ...COUNTS }, use);
  return use(await openSource({ root: values.data, category }));
}

/** A detector with the one student, and the seconds of the processor that its training took. */
async function trained({ branch, epochs }, source, seed) {
  const cpu = process.cpuUsage();
  const detector = await trainDetector({
    source,
    teacher,
    method: 'dskd',
    options: {
      preset: 'nano',
      batchSize: BATCH,
      epochs,
      reestimateBatchNorm: true,
      branches: { global: branch },
    },
    input: { size: [SIZE, SIZE] },
    seed,
  });
  const { user, system } = process.cpuUsage(cpu);
  const { steps } = detector.description.trainings[0].fit;
  return { detector, steps, cpuSeconds: Math.round((user + system) / 1e6) };
}

const runs = existsSync(values.out) ? JSON.parse(await readFile(values.out, 'utf8')).runs : [];

const meanOf = (of) => rounded(runs.reduce((sum, run) => sum + of(run), 0) / runs.length);
const largest = (of) => Math.max(...runs.map((run) => Math.abs(rounded(of(run)))));
/** Writes the runs so far, and what they say together. */
async function save() {
  const result = {
    command: `node bench/covariance-affinity.mjs --sets ${values.sets} --seeds ${values.seeds} --size ${SIZE} --epochs ${values.epochs}`,
    machine: `${os.availableParallelism()} cores (${os.cpus()[0].model.trim()}), node ${process.version}`,
    settings: {
      teacher: embedded.name,
      sha256: embedded.sha256,
      size: SIZE,
      preset: 'nano',
      batchSize: BATCH,
    },
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
}

for (const set of values.sets.split(',')) {
  for (const seed of values.seeds.split(',').map(Number)) {
    if (runs.some((run) => run.set === set && run.seed === seed)) continue;
    await withSource(set, async (source) => {
      const run = { set, seed };
      for (const [name, student] of Object.entries(STUDENTS)) {
        const { detector, steps, cpuSeconds } = await trained(student, source, seed);
        run[name] = { ...qualityOf((await evaluateDetector(detector, source)).fused), steps, cpuSeconds };
        if (name === 'contextual') {
          const rescored = await loadDetector(scoredByCovariance(detector.save()));
          run.contextualScoredByCovariance = qualityOf((await evaluateDetector(rescored, source)).fused);
          rescored.dispose();
        }
        detector.dispose();
      }
      runs.push(run);
      console.log(JSON.stringify(run));
      await save();
    });
  }
}
await save();
teacher.dispose();
