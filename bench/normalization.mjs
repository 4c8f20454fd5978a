// Does a branch that is off on normal images do less harm when branches are normalized by quantiles instead of mean and
// deviation (Eq. 8)? Both students in each of the drawn categories; the same students scored by either rule.
//
// node bench/normalization.mjs [--seeds 1] [--data-seed 101] [--epochs 12]
//
// Writes bench/results/normalization.json.
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { openSource } from '@dskd/data/node';
import { evaluateDetector, loadDetector, recalibrate, trainDetector } from '@dskd/detector';
import { TRAINING_DEFAULTS } from '@dskd/methods';
import { workerRunnerFor } from '@dskd/methods/node';
import { loadTeacher } from '@dskd/models';
import { CATEGORIES } from '@dskd/synthetic';
import { writeDataset } from '@dskd/synthetic/node';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { editDescription } from './edit-description.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1' },
    'data-seed': { type: 'string', default: '101' },
    epochs: { type: 'string', default: '12' },
    out: { type: 'string', default: path.join(ROOT, 'bench/results/normalization.json') },
  },
});
const SIZE = 128;
const IMAGES = { train: 100, validation: 40, test: 150 };
const SETTINGS = { preset: 'nano', batchSize: 8, epochs: Number(values.epochs), reestimateBatchNorm: true };
const BRANCHES = {
  ...TRAINING_DEFAULTS.dskd.branches,
  global: {
    ...TRAINING_DEFAULTS.dskd.branches.global,
    objective: { name: 'covarianceAffinity', options: {} },
  },
};

await selectBackend('wasm');
registerWasmGradients();
const embedded = teacherTiny();
const teacher = await loadTeacher(embedded.name, await embedded.load());
const rounded = (value) => Number(value.toFixed(4));
const runs = [];
const folder = await mkdtemp(path.join(os.tmpdir(), 'dskd-bench-normalization-'));
try {
  for (const { name: category } of CATEGORIES) {
    const root = path.join(folder, category);
    await writeDataset(root, { category, size: SIZE, seed: Number(values['data-seed']), ...IMAGES });
    const source = await openSource({ root, category });
    for (const seed of values.seeds.split(',').map(Number)) {
      const detector = await trainDetector({
        source,
        teacher,
        method: 'dskd',
        options: { ...SETTINGS, branches: BRANCHES },
        input: { size: [SIZE, SIZE] },
        execution: { runner: workerRunnerFor() },
        seed,
      });
      const moments = await evaluateDetector(detector, source);
      const byQuantiles = editDescription(detector.save(), ({ fusion }) => {
        fusion.normalization = 'quantiles';
      });
      const other = await loadDetector(byQuantiles);
      await recalibrate(other, source, { statistics: true });
      const quantiles = await evaluateDetector(other, source);
      const run = {
        category,
        seed,
        local: rounded(moments.branches.local.imageAuroc),
        global: rounded(moments.branches.global.imageAuroc),
        moments: rounded(moments.fused.imageAuroc),
        quantiles: rounded(quantiles.fused.imageAuroc),
      };
      runs.push(run);
      console.log(JSON.stringify(run));
      other.dispose();
      detector.dispose();
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
  teacher.dispose();
}
const meanOf = (of) => rounded(runs.reduce((sum, run) => sum + run[of], 0) / runs.length);
const result = {
  command: `node bench/normalization.mjs --seeds ${values.seeds} --data-seed ${values['data-seed']} --epochs ${values.epochs}`,
  machine: `${os.availableParallelism()} cores (${os.cpus()[0].model.trim()}), node ${process.version}`,
  settings: { ...SETTINGS, ...IMAGES, globalObjective: 'covarianceAffinity', sha256: embedded.sha256 },
  meanImageAuroc: Object.fromEntries(
    ['local', 'global', 'moments', 'quantiles'].map((what) => [what, meanOf(what)]),
  ),
  runs,
};
await writeFile(`${values.out}.tmp`, `${JSON.stringify(result, null, 2)}\n`);
await rename(`${values.out}.tmp`, values.out);
