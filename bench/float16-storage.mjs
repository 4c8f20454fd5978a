// node bench/float16-storage.mjs [MODEL]: what storing students as float16 does to scores, on the test images of
// transistor (../shared). MODEL is a detector trained on it with its teacher inside; without one, `dskd train`
// makes it first, as in bench/real.mjs (lite, 128 px, 10 epochs). Writes bench/results/float16-storage.json.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import '@tensorflow/tfjs-backend-wasm';
import { openSource } from '@dskd/data/node';
import { loadDetector } from '@dskd/detector';
import { predictFiles } from '@dskd/detector/node';
import { auroc } from '@dskd/metrics';
import * as tf from '@tensorflow/tfjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SHARED = path.join(ROOT, '../shared');
const DATA = path.join(SHARED, 'data/mvtec_ad');

/** A model trained on transistor, in a folder of its own. */
async function trainedModel() {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'dskd-float16-'));
  const model = path.join(folder, 'transistor.safetensors');
  const flags = [
    ...['train', '--data', DATA, '--category', 'transistor', '--out', model, '--seed', '1'],
    ...['--teacher', 'squeezenet1_1', '--weights', path.join(SHARED, 'weights/squeezenet1_1.safetensors')],
    ...[
      '--size',
      '128',
      '--preset',
      'lite',
      '--epochs',
      '10',
      '--batch-size',
      '16',
      '--no-reestimate-batch-norm',
    ],
  ];
  const command = path.join(ROOT, 'packages/cli/bin/dskd.js');
  const { status } = spawnSync(process.execPath, [command, ...flags], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`dskd train ended with ${status}.`);
  const bytes = await readFile(model);
  await rm(folder, { recursive: true });
  return bytes;
}

async function measure(bytes) {
  await tf.setBackend('wasm');
  const source = await openSource({ root: DATA, category: 'transistor' });
  const samples = source.samples.filter(({ split }) => split === 'test');
  const [whole] = await loadDetector([bytes]);
  const half = whole.save({ storage: 'float16' });
  const size = {
    float32: whole.save({ embedTeacher: false }).byteLength,
    float16: whole.save({ embedTeacher: false, storage: 'float16' }).byteLength,
  };
  whole.dispose();

  // One teacher for both: they differ in their students alone.
  const [float32, float16] = await loadDetector([bytes, half]);
  const names = ['fused', ...float32.description.branches.map(({ name }) => name)];
  const scores = { float32: [], float16: [] };
  const verdicts = { float32: [], float16: [] };
  const files = samples.map(({ id }) => path.join(DATA, 'transistor', id));
  for (const [storage, detector] of Object.entries({ float32, float16 })) {
    for await (const { prediction } of predictFiles(detector, files)) {
      const { score, verdict, branches } = prediction;
      scores[storage].push([score, ...names.slice(1).map((name) => branches[name].score)]);
      verdicts[storage].push(verdict);
    }
    console.log(`${files.length} images scored with ${storage}`);
  }
  const labels = samples.map(({ label }) => (label === 'anomalous' ? 1 : 0));
  const { inputSize, trainings, config, calibration, threshold } = float32.description;
  const result = {
    images: samples.length,
    inputSize,
    preset: config.branches[0].student.preset,
    epochs: trainings[0].fit.epochs,
    studentBytes: size,
    normalScores: {
      lowest: Math.min(...calibration.scores),
      highest: Math.max(...calibration.scores),
      threshold: threshold.value,
    },
    changedVerdicts: verdicts.float32.filter((verdict, i) => verdict !== verdicts.float16[i]).length,
    scores: Object.fromEntries(
      names.map((name, column) => {
        const [a, b] = [scores.float32, scores.float16].map((rows) => rows.map((row) => row[column]));
        const differences = a.map((score, i) => Math.abs(score - b[i]));
        return [
          name,
          {
            largestDifference: Math.max(...differences),
            largestRelativeDifference: Math.max(...differences.map((d, i) => d / Math.abs(a[i]))),
            imageAuroc: { float32: auroc(a, labels), float16: auroc(b, labels) },
          },
        ];
      }),
    ),
  };
  float32.dispose();
  float16.dispose();
  return result;
}

if (existsSync(DATA)) {
  const model = process.argv[2];
  const result = await measure(model === undefined ? await trainedModel() : await readFile(model));
  const file = path.join(ROOT, 'bench/results/float16-storage.json');
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
  console.log(JSON.stringify(result, null, 2));
} else {
  console.log(`SKIPPED: ${DATA} is not there.`);
}
