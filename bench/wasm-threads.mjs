// Time with two threads of the wasm kernels, as a part of the time with one: features of the embedded teacher, one image through detectors
// of `instant` and `dskd`, and fits of `instant`, all at 256 px.
//
// node bench/wasm-threads.mjs [rounds]   measures and writes bench/results/wasm-threads.json
//
// One thread and two take turns. Each thread is bound to a core of its own by `taskset` (Linux), since the scheduler of a machine with other
// work puts both on one core now and then. `ratio` is the median over the rounds, `best` that of the shortest times: what other work
// of the machine took is in the first, and hardly in the second.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { performance } from 'node:perf_hooks';
import { selectBackend } from '@dskd/core/backends';
import { sourceOf } from '@dskd/data';
import { trainDetector } from '@dskd/detector';
import { loadTeacher } from '@dskd/models';
import { generateScene, planDataset } from '@dskd/synthetic';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients, startWasmThreads } from '@dskd/wasm-gradients';
import * as tf from '@tensorflow/tfjs';

const rounds = Number(process.argv[2] ?? 7);
const SIDE = 256;
const round = (value, digits = 3) => Number(value.toFixed(digits));
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

const tasks = () => readdirSync('/proc/self/task');
const bind = (core, task) => execFileSync('taskset', ['-cp', core, task], { stdio: 'ignore' });

/** Two threads, each on a core of its own. */
async function startTwo() {
  const before = new Set(tasks());
  const threads = await startWasmThreads({ threads: 2 });
  for (const task of tasks()) if (!before.has(task)) bind('1', task);
  return threads;
}

/** @param repetitions of `work` in each round, with one thread and with two. */
async function measure(name, repetitions, work) {
  const times = async () => {
    const found = [];
    for (let i = 0; i < repetitions; i++) {
      const start = performance.now();
      await work();
      found.push(performance.now() - start);
    }
    return found;
  };
  await work();
  const all = { one: [], two: [] };
  const ratios = [];
  let helped = 0;
  for (let i = 0; i < rounds; i++) {
    const one = await times();
    const threads = await startTwo();
    if (repetitions > 1) await work();
    const two = await times();
    helped += threads.helped;
    await threads.end();
    all.one.push(...one);
    all.two.push(...two);
    ratios.push(median(two) / median(one));
  }
  const [bestOne, bestTwo] = [all.one, all.two].map((values) => Math.min(...values));
  const row = {
    name,
    ...{ oneMs: round(median(all.one), 1), twoMs: round(median(all.two), 1), ratio: round(median(ratios)) },
    ...{ bestOneMs: round(bestOne, 1), bestTwoMs: round(bestTwo, 1), best: round(bestTwo / bestOne) },
    ratios: ratios.map((value) => round(value)),
    helped,
  };
  console.log(JSON.stringify(row));
  return row;
}

bind('0', String(process.pid));
await selectBackend('wasm');
registerWasmGradients();
const { name, load } = teacherTiny();
const teacher = await loadTeacher(name, await load());

const scenes = planDataset({ category: 'tray', size: SIDE, seed: 1, train: 110, validation: 0, test: 1 }).map(
  (scene) => ({ scene, image: generateScene({ ...scene, size: SIDE }).image }),
);
const good = scenes.filter(({ scene }) => scene.split === 'train');
const sourceOfFirst = (count) =>
  sourceOf(
    'drawn',
    good.slice(0, count).map(({ scene, image }) => ({
      ...{ id: scene.path, split: 'train', label: 'good', defectType: 'good' },
      load: () => Promise.resolve(image),
    })),
  );
const fit = (count, options) =>
  trainDetector({ source: sourceOfFirst(count), teacher, input: { size: [SIDE, SIDE] }, ...options });

const rows = [];
const images = (count) => tf.randomUniform([count, SIDE, SIDE, 3], 0, 1, 'float32', 1);
for (const count of [1, 8]) {
  const batch = images(count);
  rows.push(
    await measure(`teacher, ${count} ${count === 1 ? 'image' : 'images'}`, count === 1 ? 9 : 3, async () =>
      tf.dispose(await teacher.extractor.extract(batch)),
    ),
  );
  batch.dispose();
}
const detectors = {
  instant: await fit(20, {}),
  dskd: await fit(10, { method: 'dskd', options: { epochs: 1 } }),
};
for (const [method, detector] of Object.entries(detectors)) {
  const { image } = good.at(-1);
  rows.push(await measure(`${method}, 1 image`, 7, () => detector.predict(image)));
  detector.dispose();
}
// As the page learns, of 40 images 10 give the threshold.
const fitted = (count, options) => async () => (await fit(count, options)).dispose();
rows.push(
  await measure('fit of instant, 40 images', 1, fitted(40, { calibration: { holdOutFraction: 0.25 } })),
);
rows.push(await measure('fit of instant, 100 images', 1, fitted(100, {})));

const results = new URL('results/', import.meta.url);
await mkdir(results, { recursive: true });
await writeFile(
  new URL('wasm-threads.json', results),
  `${JSON.stringify(
    {
      command: `node bench/wasm-threads.mjs ${rounds}`,
      machine: `${os.cpus()[0].model}, ${os.cpus().length} cores, node ${process.version}`,
      loadAverage: os.loadavg().map((value) => round(value, 1)),
      side: SIDE,
      rounds,
      rows,
    },
    undefined,
    2,
  )}\n`,
);
