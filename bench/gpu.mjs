// What a GPU brings: the tests of all packages on WebGPU, the paper's training, and `instant` with ResNet-50, in Node through the
// optional package `webgpu` (Dawn), against PyTorch on the same GPU.
//
// node bench/gpu.mjs [PART ...] [--tiny] [--repeats 3] [--minutes 12] [--out FILE]
//
// Parts: suite, paper, instant; default all, as long as --minutes last (a part that does not fit any more is named). Weights
// come from a formula (tools/golden/integer_fill.py has the same), so that nothing has to be downloaded; both sides must give
// the same first losses and the same features. Writes bench/results/gpu.json, with --tiny (small networks, for SwiftShader)
// bench/results/gpu-tiny.json. Needs a Vulkan driver: where several are installed, VK_ICD_FILENAMES names one; --tiny takes
// that of Debian's chromium. PyTorch is /usr/bin/python3's, or that of PYTHON.
import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs, promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { trainDetector } from '@dskd/detector';
import { createObjective } from '@dskd/losses';
import { backboneInfo, createBackbone, createStudent, loadTeacher } from '@dskd/models';
import { integerFill } from '@dskd/test-support';
import { inProcessRunner, trainStudents } from '@dskd/training';
import { writeSafetensors } from '@dskd/weights';
import { webgpuEnvironment } from '../tools/webgpu-environment.mjs';
import { withDrawnSource } from './drawn-source.mjs';

const ROOT = path.resolve(import.meta.dirname, '..');
const PEER = path.join(import.meta.dirname, 'peers/gpu_torch.py');
const PYTHON = process.env.PYTHON ?? '/usr/bin/python3';
const PARTS = ['suite', 'paper', 'instant'];
const run = promisify(execFile);

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tiny: { type: 'boolean', default: false },
    repeats: { type: 'string', default: '3' },
    minutes: { type: 'string', default: '12' },
    out: { type: 'string' },
  },
});
const parts = positionals.length > 0 ? positionals : PARTS;
const unknown = parts.filter((part) => !PARTS.includes(part));
if (unknown.length > 0) throw new Error(`Got the part ${unknown.join(', ')}; wanted ${PARTS.join(', ')}.`);
const repeats = Number(given.repeats);
const deadline = performance.now() + Number(given.minutes) * 60_000;
const file = given.out ?? path.join(import.meta.dirname, `results/gpu${given.tiny ? '-tiny' : ''}.json`);

/** What is computed: the paper's networks, or the smallest of the same kinds. */
const SIZES = given.tiny
  ? {
      paper: { teacher: 'resnet18', preset: 'nano', side: 32, batch: 2, steps: 3 },
      extract: { teacher: 'resnet18', side: 32, batch: 2, steps: 3 },
      instant: { side: 64, counts: { train: 20, validation: 0, test: 4 } },
      suite: ['core'],
    }
  : {
      paper: { teacher: 'wide_resnet50_2', preset: 'paper', side: 256, batch: 16, steps: 12 },
      extract: { teacher: 'resnet50', side: 256, batch: 16, steps: 12 },
      instant: { side: 256, counts: { train: 200, validation: 0, test: 4 } },
      suite: undefined,
    };
const LEVELS = ['layer1', 'layer2', 'layer3'];
/** Steps whose time does not count: they compile. */
const WARM_UP = given.tiny ? 1 : 3;

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const rounded = (value, digits = 4) => Number(value.toPrecision(digits));

/** Median, extremes and the relative spread of what was measured several times. */
function spread(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return {
    median: rounded(median(values)),
    least: rounded(least),
    most: rounded(most),
    spread: rounded((most - least) / median(values), 2),
  };
}

/** Memory in use on NVIDIA's card, in MiB; undefined without one. */
async function cardMemory() {
  try {
    const { stdout } = await run('nvidia-smi', ['--query-gpu=memory.used', '--format=csv,noheader,nounits']);
    return Number(stdout.split('\n')[0]);
  } catch {
    return undefined;
  }
}

/** Asks PyTorch in a process of its own. */
async function torch(question) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'dskd-gpu-'));
  try {
    const input = path.join(folder, 'question.json');
    await writeFile(input, JSON.stringify(question));
    const { stdout } = await run(PYTHON, [PEER, input], { maxBuffer: 2 ** 26 });
    return JSON.parse(stdout);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function filledWeights(name) {
  const shapes = backboneInfo(name).weightShapes({ levels: LEVELS });
  return new Map(
    [...shapes].map(([key, shape]) => [key, { dtype: 'F32', shape, data: integerFill(key, shape) }]),
  );
}

const filledTeacher = (name) => createBackbone(name, { weights: filledWeights(name), levels: LEVELS });

/** float32 `[batch, side, side, 3]`, 0 to 1: the images of the peer. */
function filledImages({ batch, side }) {
  const shape = [batch, side, side, 3];
  return tf.tensor4d(
    integerFill('images.running_var', shape).map((value) => value - 0.5),
    shape,
  );
}

async function filledStudent(options) {
  const student = createStudent({ ...options, seed: 1 });
  const state = new Map();
  for (const [name, { dtype, shape }] of await student.stateDict()) {
    state.set(name, { dtype, shape, data: integerFill(name, shape) });
  }
  student.loadStateDict(state);
  return student;
}

const BRANCHES = [
  { branch: 'local', objective: 'flattenedCosine', learningRate: 0.005 },
  { branch: 'global', objective: 'contextualAffinity', learningRate: 0.005 },
];

/** Trains both students for a few steps, the teacher's features computed in each, as augmented images need it. */
async function trainOnce({ teacher: name, preset, side, batch, steps }) {
  const teacher = filledTeacher(name);
  const pictures = filledImages({ batch, side });
  const runners = [];
  const configs = [];
  for (const { branch, objective, learningRate } of BRANCHES) {
    const { levels } = teacher;
    const student = await filledStudent({ preset, branch, levels, inputSize: [side, side] });
    const { architecture, mapSizes } = student.config;
    configs.push({ branch, objective, learningRate, config: { branch, levels, mapSizes, architecture } });
    const options = {
      name: objective,
      options: objective === 'contextualAffinity' ? { temperature: 1 } : {},
    };
    runners.push(
      inProcessRunner({
        name: branch,
        student,
        objective: createObjective(options),
        optimizer: { learningRate, beta1: 0.5, beta2: 0.999 },
      }),
    );
  }
  const seconds = [];
  const losses = [];
  let peakBytes = 0;
  let last;
  await trainStudents({
    teacher,
    students: runners,
    images: { length: batch, changesEachEpoch: true, batch: async () => tf.clone(pictures) },
    epochs: steps,
    batchSize: batch,
    seed: 1,
    onEvent(event) {
      if (event.type === 'training-start') last = performance.now();
      if (event.type !== 'step-end') return;
      const now = performance.now();
      seconds.push((now - last) / 1000);
      last = now;
      losses.push(BRANCHES.map(({ branch }) => event.losses[branch]));
      const { numBytes, numBytesInGPU = numBytes } = tf.memory();
      peakBytes = Math.max(peakBytes, numBytesInGPU);
    },
  });
  for (const runner of runners) await runner.dispose();
  teacher.dispose();
  pictures.dispose();
  return { seconds, losses, peakBytes, configs };
}

/** Whether the losses of a first step are the peer's: the same networks, weights, images and formulas. */
function assertSameLosses(ours, theirs) {
  const differences = ours.map((loss, at) => Math.abs(loss - theirs[at]) / Math.abs(theirs[at]));
  if (!(Math.max(...differences) < 2e-3)) {
    throw new Error(`The losses of the first step are ${ours.join(', ')}, PyTorch's ${theirs.join(', ')}.`);
  }
  return rounded(Math.max(...differences), 2);
}

async function paper() {
  const size = SIZES.paper;
  const ours = [];
  const theirs = [];
  const memoryBefore = await cardMemory();
  let memory;
  let device;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const trained = await trainOnce(size);
    memory ??= { tensors: trained.peakBytes, cardMiB: (await cardMemory()) - memoryBefore || undefined };
    const peer = await torch({
      kind: 'train',
      ...size,
      branches: trained.configs,
    });
    device = { torch: peer.torch, device: peer.device, peakBytes: peer.peakBytes };
    ours.push({ seconds: median(trained.seconds.slice(WARM_UP)), losses: trained.losses });
    theirs.push({ seconds: median(peer.seconds.slice(WARM_UP)), losses: peer.losses });
    console.log(`paper ${repeat + 1}: ${ours.at(-1).seconds} s a step, PyTorch ${theirs.at(-1).seconds} s`);
  }
  const step = spread(ours.map(({ seconds }) => seconds));
  const peerStep = spread(theirs.map(({ seconds }) => seconds));
  const last = ours.map(({ losses }) => losses.at(-1));
  return {
    ...size,
    repeats,
    stepSeconds: step,
    imagesPerSecond: rounded(size.batch / step.median),
    torchStepSeconds: peerStep,
    ratio: rounded(step.median / peerStep.median, 3),
    firstLossesDiffer: assertSameLosses(ours[0].losses[0], theirs[0].losses[0]),
    lastLosses: last[0],
    /** 0: each repeated training is the same, bit by bit. */
    repeatsDiffer: Math.max(
      ...last.flatMap((losses) => losses.map((loss, at) => Math.abs(loss - last[0][at]))),
    ),
    memory,
    peer: device,
  };
}

async function features() {
  const size = SIZES.extract;
  const teacher = filledTeacher(size.teacher);
  const images = filledImages(size);
  const seconds = [];
  let means;
  for (let step = 0; step < size.steps; step++) {
    const begun = performance.now();
    const maps = await teacher.extract(images);
    const averages = tf.tidy(() => maps.map((map) => tf.mean(map)));
    means = await Promise.all(averages.map(async (average) => (await average.data())[0]));
    seconds.push((performance.now() - begun) / 1000);
    tf.dispose([maps, averages]);
  }
  teacher.dispose();
  images.dispose();
  const peer = await torch({ kind: 'extract', ...size });
  const differ = assertSameLosses(means, peer.means);
  const own = median(seconds.slice(WARM_UP));
  const theirs = median(peer.seconds.slice(WARM_UP));
  return {
    ...size,
    seconds: rounded(own),
    torchSeconds: rounded(theirs),
    ratio: rounded(own / theirs, 3),
    meansDiffer: differ,
  };
}

/** Fits `instant` to drawn images with the same teacher, and predicts; PyTorch's prototype fits the same files. */
async function fit() {
  const { side, counts } = SIZES.instant;
  const { teacher: name } = SIZES.extract;
  const teacher = await loadTeacher(name, writeSafetensors(filledWeights(name)), { levels: LEVELS });
  return withDrawnSource('tray', { size: Math.max(128, side), seed: 101, ...counts }, async (source) => {
    const input = { size: [side, side] };
    const before = performance.now();
    const detector = await trainDetector({ source, teacher, method: 'instant', input, seed: 1 });
    const seconds = (performance.now() - before) / 1000;
    const image = await source.samples[0].load();
    const times = [];
    for (let round = 0; round < 8; round++) {
      const begun = performance.now();
      await detector.predict(image);
      times.push(performance.now() - begun);
    }
    detector.dispose();
    teacher.dispose();
    const files = source.samples.filter(({ split }) => split === 'train').map(({ origin }) => origin.file);
    const peer = await torch({ kind: 'fit', teacher: name, side, files });
    return {
      images: counts.train,
      fitSeconds: rounded(seconds),
      torchFitSeconds: rounded(peer.seconds),
      ratio: rounded(seconds / peer.seconds, 3),
      predictMilliseconds: rounded(median(times.slice(2))),
    };
  });
}

/** The tests of a package on this backend: how many passed, failed and were skipped. */
async function testsOf(name, environment) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'dskd-gpu-'));
  const output = path.join(folder, 'tests.json');
  const jest = path.join(ROOT, 'node_modules/jest/bin/jest.js');
  const flags = ['--single-threaded', '--experimental-vm-modules', '--expose-gc'];
  const begun = performance.now();
  const code = await new Promise((resolve) => {
    spawn(process.execPath, [...flags, jest, '--runInBand', '--json', '--outputFile', output], {
      cwd: path.join(ROOT, 'packages', name),
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, ...environment, DSKD_TEST_TIER: 'webgpu', DSKD_TEST_BACKENDS: 'webgpu' },
    }).once('close', resolve);
  });
  const report = JSON.parse(await readFile(output, 'utf8'));
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = report;
  await rm(folder, { recursive: true });
  const failed = testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
  );
  return {
    name,
    passed: numPassedTests,
    failed: numFailedTests,
    skipped: numPendingTests,
    seconds: rounded((performance.now() - begun) / 1000, 3),
    ...(failed.length > 0 && { failures: failed }),
    ...(code !== 0 && { exitCode: code }),
  };
}

async function suite(environment) {
  const withTests = readdirSync(path.join(ROOT, 'packages')).filter((name) => {
    const folder = path.join(ROOT, 'packages', name, 'dist');
    return (
      existsSync(folder) &&
      readdirSync(folder, { recursive: true }).some((test) => String(test).endsWith('.backends.test.js'))
    );
  });
  const packages = [];
  for (const name of SIZES.suite ?? withTests) {
    packages.push(await testsOf(name, environment));
    console.log(`suite: ${JSON.stringify(packages.at(-1))}`);
  }
  const sum = (key) => packages.reduce((total, each) => total + each[key], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped'), packages };
}

// The small networks run on the driver that a processor emulates; all else on whatever the machine has.
const { environment, reason } = given.tiny ? webgpuEnvironment() : { environment: {} };
if (!environment) throw new Error(`Got no WebGPU here: ${reason}.`);
Object.assign(process.env, environment);
const { adapter, software } = await selectBackend('webgpu');
if (software && !given.tiny) {
  throw new Error(`Got ${adapter}, which a processor emulates; wanted a GPU, or --tiny for small networks.`);
}
console.log(`webgpu: ${adapter}`);

const WORK = {
  suite: () => suite(environment),
  paper,
  instant: async () => ({ features: await features(), fit: await fit() }),
};
const results = {};
const notDone = [];
for (const part of parts) {
  if (performance.now() > deadline) {
    notDone.push(part);
    continue;
  }
  results[part] = await WORK[part]();
  const record = {
    command: `node bench/gpu.mjs ${process.argv.slice(2).join(' ')}`.trim(),
    adapter,
    software,
    node: process.version,
    tfjs: tf.version_core,
    processor: os.cpus()[0]?.model,
    load: rounded(os.loadavg()[0], 2),
    ...results,
    ...(notDone.length > 0 && { notDone }),
  };
  await writeFile(file, `${JSON.stringify(record, null, 2)}\n`);
}
for (const part of notDone) console.log(`${part} was not begun: the ${given.minutes} minutes were over.`);
console.log(`wrote ${path.relative(process.cwd(), file)}`);
// Dawn keeps the process alive.
process.exit(Object.values(results).some((result) => result.failed > 0) ? 1 : 0);
