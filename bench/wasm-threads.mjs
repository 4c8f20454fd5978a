// Time with two threads of the wasm kernels, as a part of the time with one: single products, features of the embedded teacher, one
// image through detectors of `instant` and `dskd`, and fits of `instant`, all at 256 px.
//
// node bench/wasm-threads.mjs [PART ...] [--rounds 7]   measures parts and writes them to bench/results/wasm-threads.json
//
// Parts: kernels, teacher, detectors, fits. Default: all.
//
// One thread and two take turns. Each thread is bound to a core of its own by `taskset` (Linux), since the scheduler of a machine with other
// work puts both on one core now and then. `ratio` is the median over the rounds, `best` that of the shortest times: what other work
// of the machine took is in the first, and hardly in the second.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { selectBackend } from '@dskd/core/backends';
import { sourceOf } from '@dskd/data';
import { trainDetector } from '@dskd/detector';
import { loadTeacher } from '@dskd/models';
import { generateScene, planDataset } from '@dskd/synthetic';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients, startWasmThreads } from '@dskd/wasm-gradients';
import * as tf from '@tensorflow/tfjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '7' } },
});
const rounds = Number(options.rounds);
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
    ...{ oneMs: round(median(all.one), 2), twoMs: round(median(all.two), 2), ratio: round(median(ratios)) },
    ...{ bestOneMs: round(bestOne, 2), bestTwoMs: round(bestTwo, 2), best: round(bestTwo / bestOne) },
    ratios: ratios.map((value) => round(value)),
    helped,
  };
  console.log(JSON.stringify(row));
  return row;
}

/**
 * The sum of the shortest time of each operation: what `work` would take if nothing else ran. A busy machine interrupts the whole of it, but
 * not each operation every time.
 */
async function measureOperations(name, repetitions, work) {
  const shortest = async (least) => {
    for (let i = 0; i < repetitions; i++) {
      const { kernels } = await tf.profile(work);
      const own = kernels.filter((kernel) => !kernel.name.endsWith('__op'));
      for (const [index, kernel] of own.entries()) {
        least[index] = Math.min(least[index] ?? Infinity, await kernel.kernelTimeMs);
      }
    }
  };
  const [one, two] = [[], []];
  for (let i = 0; i < rounds; i++) {
    await shortest(one);
    const threads = await startTwo();
    await shortest(two);
    await threads.end();
  }
  const [bestOne, bestTwo] = [one, two].map((times) => times.reduce((sum, time) => sum + time, 0));
  const row = {
    name,
    ...{ bestOneMs: round(bestOne, 2), bestTwoMs: round(bestTwo, 2), best: round(bestTwo / bestOne) },
    operations: { one: one.map((time) => round(time)), two: two.map((time) => round(time)) },
  };
  console.log(JSON.stringify(row));
  return row;
}

bind('0', String(process.pid));
await selectBackend('wasm');
registerWasmGradients();
const { name, load } = teacherTiny();
const teacher = await loadTeacher(name, await load());

const good = planDataset({ category: 'tray', seed: 1, train: 101, validation: 0, test: 1 })
  .filter(({ split }) => split === 'train')
  .map(({ path: id, ...scene }) => ({ id, image: generateScene({ ...scene, size: SIDE }).image }));
const sourceOfFirst = (count) =>
  sourceOf(
    'drawn',
    good.slice(0, count).map(({ id, image }) => ({
      ...{ id, split: 'train', label: 'good', defectType: 'good' },
      load: () => Promise.resolve(image),
    })),
  );
const fit = (count, options) =>
  trainDetector({ source: sourceOfFirst(count), teacher, input: { size: [SIDE, SIDE] }, ...options });

/** Convolutions of the teacher, and products of detectors. */
async function kernels() {
  const rows = [];
  const convolutions = [
    [130, 32, 40, 2],
    [66, 40, 40, 1],
    [34, 80, 80, 1],
    [18, 160, 160, 1],
    [10, 160, 160, 1],
  ];
  for (const [side, inChannels, outChannels, stride] of convolutions) {
    const x = tf.randomNormal([1, side, side, inChannels]);
    const filter = tf.randomNormal([3, 3, inChannels, outChannels]);
    const what = `conv2d 3x3/${stride}, ${side}x${side}x${inChannels} -> ${outChannels}`;
    rows.push(await measure(what, 25, () => tf.conv2d(x, filter, stride, 'valid').dispose()));
    tf.dispose([x, filter]);
  }
  for (const [height, length, columns] of [
    [512, 512, 512],
    [256, 50, 1200],
    [256, 160, 200],
  ]) {
    const [a, b] = [tf.randomNormal([height, length]), tf.randomNormal([length, columns])];
    const what = `matMul ${height} x ${length} x ${columns}`;
    rows.push(await measure(what, 25, () => tf.matMul(a, b).dispose()));
    tf.dispose([a, b]);
  }
  return rows;
}

async function teacherFeatures() {
  const rows = [];
  for (const count of [1, 8]) {
    const batch = tf.randomUniform([count, SIDE, SIDE, 3], 0, 1, 'float32', 1);
    const what = `features of the teacher, ${count} ${count === 1 ? 'image' : 'images'}`;
    const repetitions = count === 1 ? 25 : 4;
    rows.push(
      await measure(what, repetitions, async () => tf.dispose(await teacher.extractor.extract(batch))),
    );
    if (count === 1) {
      rows.push(
        await measureOperations(`${what}: sum of its operations`, repetitions, async () =>
          tf.dispose(await teacher.extractor.extract(batch)),
        ),
      );
    }
    batch.dispose();
  }
  return rows;
}

async function detectors() {
  const rows = [];
  const trained = {
    instant: await fit(20, {}),
    dskd: await fit(10, { method: 'dskd', options: { epochs: 1 } }),
  };
  // One that they have not learned.
  const { image } = good.at(-1);
  for (const [method, detector] of Object.entries(trained)) {
    const what = `detector \`${method}\`, 1 image`;
    const predict = () => detector.predict(image);
    rows.push(await measure(what, 9, predict));
    rows.push(await measureOperations(`${what}: sum of its operations`, 9, predict));
    detector.dispose();
  }
  return rows;
}

async function fits() {
  const fitted = (count, how) => async () => (await fit(count, how)).dispose();
  return [
    // As the page learns: of 40 images 10 give the threshold.
    await measure('fit of `instant`, 40 images', 1, fitted(40, { calibration: { holdOutFraction: 0.25 } })),
    await measure('fit of `instant`, 100 images', 1, fitted(100, {})),
  ];
}

const PARTS = { kernels, teacher: teacherFeatures, detectors, fits };
const file = new URL('results/wasm-threads.json', import.meta.url);
await mkdir(new URL('.', file), { recursive: true });
for (const part of positionals.length > 0 ? positionals : Object.keys(PARTS)) {
  const rows = await PARTS[part]();
  const results = existsSync(file) ? JSON.parse(await readFile(file, 'utf8')) : {};
  results.machine = `${os.cpus()[0].model}, ${os.cpus().length} cores, Node ${process.version}`;
  results.parts = {
    ...results.parts,
    [part]: { rounds, loadAverage: os.loadavg().map((value) => round(value, 1)), rows },
  };
  await writeFile(file, `${JSON.stringify(results, undefined, 2)}\n`);
}
