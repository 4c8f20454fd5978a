// How good a teacher @dskd/teacher-tiny is, beside SqueezeNet, ResNet-50 and the same small network at random
// weights: the same students and the same budget for each, on two categories of MVTec AD at two sizes.
//
// node bench/teacher-tiny.mjs [--only teacher-tiny,squeezenet1_1] [--tiny FILE] [--again] [--out FILE]
//   Each cell is written to bench/results/teacher-tiny-quality.json when it is done; cells that are there are kept
//   unless --again is given (a cell of teacher-tiny also when its weights have changed). 16 cells take about an hour.
// node bench/teacher-tiny.mjs --gaussian FILE [--backbone teacher-tiny] [--size 128]
//   A weight file judged in a minute, without students (bench/gaussian-detector.mjs).
// node bench/teacher-tiny.mjs --gaussian all
//   The same of all four teachers at 128 px, into the same JSON.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs, TextEncoder } from 'node:util';
import '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { prepareMask } from '@dskd/data';
import { openSource, writeFileAtomically } from '@dskd/data/node';
import { trainDetector } from '@dskd/detector';
import { auroc, PixelMetricsAccumulator } from '@dskd/metrics';
import { createTrainableBackbone, loadTeacher } from '@dskd/models';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { writeSafetensors } from '@dskd/weights';
import { gaussianAuroc } from './gaussian-detector.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DATA = path.join(ROOT, '../shared/data/mvtec_ad');
const WEIGHTS = path.join(ROOT, '../shared/weights');
const RANDOM_SEED = 1;
const CATEGORIES = ['bottle', 'transistor'];
/** An image costs four times as much at 256 px: fewer of them, in about as many steps (70 and 63). */
const BUDGETS = {
  128: { epochs: 3, batchSize: 8 },
  256: { epochs: 2, batchSize: 6 },
};
const TRAINING = {
  options: { preset: 'nano', reestimateBatchNorm: true },
  execution: { featureCacheBytes: 2 ** 31 },
  seed: 1,
};

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    tiny: {
      type: 'string',
      default: path.join(ROOT, 'packages/teacher-tiny/weights/teacher-tiny.safetensors'),
    },
    again: { type: 'boolean', default: false },
    out: { type: 'string', default: path.join(ROOT, 'bench/results/teacher-tiny-quality.json') },
    gaussian: { type: 'string' },
    backbone: { type: 'string', default: 'teacher-tiny' },
    size: { type: 'string', default: '128' },
  },
});

async function randomTiny() {
  const backbone = createTrainableBackbone('teacher-tiny', { seed: RANDOM_SEED });
  const state = await backbone.stateDict();
  backbone.dispose();
  return writeSafetensors(state);
}

const TEACHERS = [
  { name: 'random', backbone: 'teacher-tiny', bytes: randomTiny },
  {
    name: 'squeezenet1_1',
    backbone: 'squeezenet1_1',
    bytes: () => readFile(path.join(WEIGHTS, 'squeezenet1_1.safetensors')),
  },
  {
    name: 'resnet50_v1',
    backbone: 'resnet50_v1',
    bytes: () => readFile(path.join(WEIGHTS, 'resnet50_keras.safetensors')),
  },
  { name: 'teacher-tiny', backbone: 'teacher-tiny', bytes: () => readFile(options.tiny) },
];

/** AUROCs at the size of the network, so that they do not depend on how images were stored. */
async function measure(detector, source, size) {
  const samples = source.samples.filter(({ split }) => split === 'test');
  const names = [...detector.description.branches.map(({ name }) => name), 'fused'];
  const pixels = Object.fromEntries(names.map((name) => [name, new PixelMetricsAccumulator()]));
  const scores = Object.fromEntries(names.map((name) => [name, []]));
  for (const sample of samples) {
    const [prediction] = await detector.predict([await sample.load()]);
    const mask =
      sample.label === 'good'
        ? new Uint8Array(size * size)
        : prepareMask(await sample.loadMask(), { height: size, width: size, fit: 'stretch' });
    for (const [name, { score, map }] of Object.entries({ ...prediction.branches, fused: prediction })) {
      scores[name].push(score);
      pixels[name].add({ map: map.data, mask });
    }
  }
  const labels = samples.map(({ label }) => (label === 'anomalous' ? 1 : 0));
  const round = (value) => Number(value.toFixed(4));
  const each = (value) => Object.fromEntries(names.map((name) => [name, round(value(name))]));
  return {
    image: each((name) => auroc(scores[name], labels)),
    pixel: each((name) => pixels[name].result().auroc),
  };
}

async function runCell({ name, backbone }, bytes, category, size) {
  const start = performance.now();
  const source = await openSource({ root: DATA, category });
  const teacher = await loadTeacher(backbone, bytes);
  try {
    const detector = await trainDetector({
      ...TRAINING,
      source,
      teacher,
      method: 'dskd',
      options: { ...TRAINING.options, ...BUDGETS[size] },
      input: { size: [size, size] },
    });
    const trained = performance.now();
    try {
      const { steps, finalLosses } = detector.description.trainings[0].fit;
      const quality = await measure(detector, source, size);
      const seconds = (from, to) => Math.round((to - from) / 1000);
      return {
        teacher: name,
        teacherSha256: teacher.sha256,
        category,
        size,
        ...BUDGETS[size],
        steps,
        finalLosses,
        ...quality,
        seconds: { train: seconds(start, trained), evaluate: seconds(trained, performance.now()) },
      };
    } finally {
      detector.dispose();
    }
  } finally {
    teacher.dispose();
  }
}

async function readRecord(file) {
  if (!existsSync(file)) return { cells: [], gaussian: [] };
  const { cells, gaussian = [] } = JSON.parse(await readFile(file, 'utf8'));
  return { cells, gaussian };
}

async function writeRecord(file, { cells, gaussian }) {
  const record = {
    command: 'node bench/teacher-tiny.mjs',
    remark: 'Seconds are of one thread on a machine that did other things too.',
    training: { ...TRAINING.options, seed: TRAINING.seed },
    randomSeed: RANDOM_SEED,
    cells,
    gaussian,
  };
  await writeFileAtomically(file, new TextEncoder().encode(`${JSON.stringify(record, null, 2)}\n`));
}

async function runCells(teachers) {
  const file = path.resolve(options.out);
  const { cells: kept, gaussian } = await readRecord(file);
  let cells = options.again ? kept.filter(({ teacher }) => !teachers.some((t) => t.name === teacher)) : kept;
  for (const [size, teacher, category] of plan(teachers)) {
    const bytes = new Uint8Array(await teacher.bytes());
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const isThis = (cell) =>
      cell.teacher === teacher.name && cell.category === category && cell.size === size;
    if (cells.some((cell) => isThis(cell) && cell.teacherSha256 === sha256)) continue;
    const cell = await runCell(teacher, bytes, category, size);
    cells = [...cells.filter((other) => !isThis(other)), cell];
    await writeRecord(file, { cells, gaussian });
    console.log(JSON.stringify(cell));
  }
}

/** The small size first: it is the cheaper one. */
const plan = (teachers) =>
  Object.keys(BUDGETS).flatMap((size) =>
    teachers.flatMap((teacher) => CATEGORIES.map((category) => [Number(size), teacher, category])),
  );

/** Image AUROC of a diagonal Gaussian by category. */
async function judge(backbone, bytes, size) {
  const teacher = await loadTeacher(backbone, bytes);
  const imageAuroc = {};
  try {
    for (const category of CATEGORIES) {
      const value = await gaussianAuroc(await openSource({ root: DATA, category }), size, teacher.extractor);
      imageAuroc[category] = Number(value.toFixed(4));
    }
    return { teacherSha256: teacher.sha256, size, imageAuroc };
  } finally {
    teacher.dispose();
  }
}

async function judgeAll() {
  const file = path.resolve(options.out);
  const size = Number(options.size);
  for (const { name, backbone, bytes } of TEACHERS.toReversed()) {
    const result = { teacher: name, ...(await judge(backbone, new Uint8Array(await bytes()), size)) };
    const { cells, gaussian } = await readRecord(file);
    const others = gaussian.filter((other) => other.teacher !== name || other.size !== size);
    await writeRecord(file, { cells, gaussian: [...others, result] });
    console.log(JSON.stringify(result));
  }
}

if (!existsSync(DATA)) {
  console.log(`Skipped: ${DATA} is not there.`);
} else {
  await selectBackend('wasm');
  registerWasmGradients();
  if (options.gaussian === 'all') await judgeAll();
  else if (options.gaussian !== undefined) {
    const bytes = new Uint8Array(await readFile(options.gaussian));
    console.log(JSON.stringify(await judge(options.backbone, bytes, Number(options.size))));
  } else {
    const only = options.only?.split(',') ?? TEACHERS.map(({ name }) => name);
    await runCells(TEACHERS.filter(({ name }) => only.includes(name)));
  }
}
