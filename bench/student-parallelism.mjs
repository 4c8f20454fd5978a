// node bench/student-parallelism.mjs [rounds] [batchSize]: throughput of two equal students in one thread
// against one worker thread each, wasm, one wasm thread per heap. The two ways take turns round by round, so
// that whatever else the machine does falls on both; medians. The teacher is a stand-in (pooling and a random
// projection): the features of a run are cached after its first epoch anyway. Both ways start from the same
// weights and must end with the same bits. As a control two threads that only count are
// measured in each round: on a machine that others use, they gain less than 2 as well. Writes bench/results/student-parallelism.json.
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { performance } from 'node:perf_hooks';
import { Buffer } from 'node:buffer';
import { Worker } from 'node:worker_threads';
import { inProcessRunner, trainStudents } from '@dskd/training';
import { workerRunner } from '@dskd/training/node';
import * as tf from '@tensorflow/tfjs';
import { INPUT_SIZE, LEVELS, setUpStudent } from './student-set-up.mjs';

const rounds = Number(process.argv[2] ?? 5);
const batchSize = Number(process.argv[3] ?? 8);
const IMAGES = batchSize;
const STEPS = 2;
const STUDENTS = [
  { name: 'one', seed: 1 },
  { name: 'two', seed: 2 },
];

const tasks = await Promise.all(STUDENTS.map((options) => setUpStudent(options)));
const oneThread = tasks.map((task) => inProcessRunner(task));
const setUpModule = new URL('./student-set-up.mjs', import.meta.url);
const workers = await Promise.all(
  STUDENTS.map((options) => workerRunner({ name: options.name, setUpModule, options })),
);

const projections = LEVELS.map(({ channels }, level) =>
  tf.randomNormal([3, channels], 0, 1, 'float32', level),
);
const teacher = {
  name: 'stand-in',
  levels: LEVELS,
  extract: async (images) =>
    tf.tidy(() =>
      LEVELS.map(({ stride }, level) => {
        const pooled = tf.avgPool(images, stride, stride, 'valid');
        const [batch, height, width] = pooled.shape;
        return tf
          .relu(tf.matMul(tf.reshape(pooled, [-1, 3]), projections[level]))
          .reshape([batch, height, width, -1]);
      }),
    ),
};
const images = {
  length: IMAGES,
  changesEachEpoch: false,
  batch: async (indices) =>
    tf.tidy(() => tf.stack(indices.map((i) => tf.randomUniform([...INPUT_SIZE, 3], 0, 1, 'float32', i)))),
};

let seed = 0;
/** Seconds from the first step to the last, without start and final states; CPU seconds of all threads. */
async function timed(students) {
  let start, end, cpu, cpuSeconds;
  const { states } = await trainStudents({
    teacher,
    students,
    images,
    epochs: STEPS,
    batchSize,
    seed,
    onEvent({ type }) {
      if (type === 'training-start') {
        start = performance.now();
        cpu = process.cpuUsage();
      }
      if (type !== 'step-end') return;
      end = performance.now();
      const { user, system } = process.cpuUsage(cpu);
      cpuSeconds = (user + system) / 1e6;
    },
  });
  return { seconds: (end - start) / 1000, cpuSeconds, states };
}

function sameBits(a, b) {
  return a.every((state, student) =>
    ['parameters', 'buffers'].every((kind) =>
      [...state[kind]].every(([name, { data }]) =>
        Buffer.from(data.buffer).equals(Buffer.from(b[student][kind].get(name).data.buffer)),
      ),
    ),
  );
}

/** Seconds until `threads` threads have each counted `turns` times as far. */
async function countSeconds(threads, turns) {
  const code = `
    const { parentPort } = require('node:worker_threads');
    parentPort.once('message', (turns) => {
      let x = 0;
      for (let i = 0; i < turns * 5e8; i++) x = (x + i) | 0;
      parentPort.postMessage(x);
    });
    parentPort.postMessage('ready');`;
  const counters = Array.from({ length: threads }, () => new Worker(code, { eval: true }));
  const next = (counter) => new Promise((resolve) => counter.once('message', resolve));
  await Promise.all(counters.map(next));
  const start = performance.now();
  await Promise.all(
    counters.map((counter) => {
      counter.postMessage(turns);
      return next(counter);
    }),
  );
  return (performance.now() - start) / 1000;
}

const controls = [];
const times = { oneThread: [], workers: [] };
const cpuTimes = { oneThread: [], workers: [] };
const loads = [];
for (let round = -1; round < rounds; round++) {
  seed = round + 1;
  const alone = await timed(oneThread);
  const together = await timed(workers);
  if (!sameBits(alone.states, together.states)) throw new Error(`Round ${round}: the bits differ.`);
  if (round < 0) continue; // warming up
  controls.push((await countSeconds(1, 2)) / (await countSeconds(2, 1)));
  times.oneThread.push(alone.seconds);
  times.workers.push(together.seconds);
  cpuTimes.oneThread.push(alone.cpuSeconds);
  cpuTimes.workers.push(together.cpuSeconds);
  loads.push(os.loadavg()[0]);
  console.log(
    `${alone.seconds.toFixed(2)} s in one thread, ${together.seconds.toFixed(2)} s in workers; CPU ${alone.cpuSeconds.toFixed(2)}, ${together.cpuSeconds.toFixed(2)} s`,
  );
}
await Promise.all([...oneThread, ...workers].map((runner) => runner.dispose()));

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const imagesPerSecond = (seconds) => (STEPS * IMAGES) / median(seconds);
const result = {
  what: 'two lite local students, SqueezeNet levels, 128 px, flattenedCosine, wasm, one thread per heap',
  batchSize,
  stepsPerRound: STEPS,
  secondsOneThread: times.oneThread,
  secondsWorkers: times.workers,
  cpuSecondsOneThread: cpuTimes.oneThread,
  cpuSecondsWorkers: cpuTimes.workers,
  imagesPerSecondOneThread: imagesPerSecond(times.oneThread),
  imagesPerSecondWorkers: imagesPerSecond(times.workers),
  speedup: median(times.oneThread) / median(times.workers),
  medianOfRoundSpeedups: median(times.oneThread.map((seconds, round) => seconds / times.workers[round])),
  // What two threads that only count gained over one, round by round: what the machine had to give then.
  speedupOfCounting: controls,
  sameBits: true,
  wanted: 1.6,
  machine: {
    cpu: os.cpus()[0].model,
    cores: os.availableParallelism(),
    node: process.version,
    loadAverages: loads,
  },
};
await mkdir(new URL('results/', import.meta.url), { recursive: true });
await writeFile(
  new URL('results/student-parallelism.json', import.meta.url),
  `${JSON.stringify(result, null, 2)}\n`,
);
console.log(
  `speed-up ${result.speedup.toFixed(2)} (wanted ${result.wanted}); of counting ${median(controls).toFixed(2)}`,
);
