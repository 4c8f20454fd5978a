// What `instant` reaches: quality on real and synthetic images, time, memory, size, few images.
//
// node bench/instant.mjs [PART ...] [--data DIR] [--weights DIR]   measures parts and writes them to
//                                                                  bench/results/instant.json
// node bench/instant.mjs --report                                  writes bench/instant.md from it
//
// Parts: transistor, bottle, demo, resnet50, fit-transistor, fit-256, inference, memory, few-transistor, few-bottle,
// few-tray. Default: all. Each part is a process of its own, so that its peak memory is its own. The synthetic
// categories come from the results of bench/fusion.mjs. Times on an otherwise idle machine; backend wasm, embedded teacher.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { randomStream } from '@dskd/base';
import { selectBackend } from '@dskd/core/backends';
import { preparePixels, sourceOf, toImageTensor } from '@dskd/data';
import { openSource } from '@dskd/data/node';
import { trainDetector } from '@dskd/detector';
import { auroc } from '@dskd/metrics';
import { loadTeacher } from '@dskd/models';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { withDrawnSource } from './drawn-source.mjs';
import { writePage } from './write-page.mjs';

const HERE = import.meta.dirname;
const FILE = path.join(HERE, 'results/instant.json');
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', default: path.join(HERE, '../../shared/data/mvtec_ad') },
    weights: { type: 'string', default: path.join(HERE, '../../shared/weights') },
    inProcess: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
  },
});
const round = (value, digits = 4) => Number(value.toFixed(digits));
const seconds = (from) => round((performance.now() - from) / 1000, 1);
const peakMegabytes = () => Math.round(process.resourceUsage().maxRSS / 1024);
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** As `dskd` and the command line do. */
async function startBackend() {
  await selectBackend('wasm');
  registerWasmGradients();
}

async function tinyTeacher() {
  await startBackend();
  const { name, load } = teacherTiny();
  return loadTeacher(name, await load());
}

const square = (side) => ({ size: [side, side] });
const real = (category) => openSource({ root: options.data, category });

/** Trains, saves, evaluates. */
async function quality(source, teacher, training) {
  const start = performance.now();
  const detector = await trainDetector({ source, teacher, method: 'instant', seed: 1, ...training });
  const bytes = detector.save().length;
  const fit = seconds(start);
  const { evaluateDetector } = await import('@dskd/detector');
  const { fused, branches } = await evaluateDetector(detector, source);
  detector.dispose();
  return {
    imageAuroc: round(fused.imageAuroc),
    pixelAuroc: round(fused.pixelAuroc),
    branches: Object.fromEntries(
      Object.entries(branches).map(([name, { imageAuroc }]) => [name, round(imageAuroc)]),
    ),
    fitSeconds: fit,
    megabytes: round(bytes / 1e6, 2),
    peakMegabytes: peakMegabytes(),
  };
}

/** From the list of images to the bytes of the file. */
async function fitTime(source, side) {
  const teacher = await tinyTeacher();
  const start = performance.now();
  const stages = {};
  let [stage, since] = ['start', start];
  const next = (name) => {
    if (name === stage) return;
    stages[stage] = round(((stages[stage] ?? 0) * 1000 + performance.now() - since) / 1000, 1);
    [stage, since] = [name, performance.now()];
  };
  const detector = await trainDetector({
    source,
    teacher,
    method: 'instant',
    input: square(side),
    seed: 1,
    onEvent: (event) => {
      if (event.type === 'fit-progress') next(event.stage);
      if (event.type === 'calibration-start') next('calibration');
    },
  });
  const bytes = detector.save();
  next('end');
  const images = source.samples.filter(({ split }) => split !== 'test').length;
  return {
    images,
    seconds: seconds(start),
    stages,
    megabytes: round(bytes.length / 1e6, 2),
    peakMegabytes: peakMegabytes(),
  };
}

/** One image at 256 px: the teacher alone, and the whole prediction, in turn. */
async function inference() {
  return withDrawnSource(
    'tray',
    { size: 256, seed: 101, train: 100, validation: 20, test: 4 },
    async (source) => {
      const teacher = await tinyTeacher();
      const detector = await trainDetector({
        source,
        teacher,
        method: 'instant',
        input: square(256),
        seed: 1,
      });
      const pixels = await source.samples.find(({ split }) => split === 'test').load();
      const times = { teacher: [], predict: [] };
      for (let turn = 0; turn < 45; turn++) {
        const tensor = toImageTensor([preparePixels(pixels, { height: 256, width: 256 })]);
        const start = performance.now();
        const levels = await teacher.extractor.extract(tensor);
        await Promise.all(levels.map((level) => level.data()));
        const between = performance.now();
        await detector.predict(pixels);
        const end = performance.now();
        for (const each of [...levels, tensor]) each.dispose();
        // The first ones compile.
        if (turn < 5) continue;
        times.teacher.push(between - start);
        times.predict.push(end - between);
      }
      // Of each turn: a machine that slows down between two turns slows both times of a turn.
      const more = times.predict.map((time, turn) => time - times.teacher[turn]);
      const ratios = times.predict.map((time, turn) => time / times.teacher[turn]);
      return {
        teacherMilliseconds: round(median(times.teacher), 1),
        predictMilliseconds: round(median(times.predict), 1),
        moreMilliseconds: round(median(more), 1),
        ratio: round(median(ratios), 2),
      };
    },
  );
}

/** 5,000 images: 50 drawn ones, each shifted in a hundred ways. */
async function memory() {
  return withDrawnSource(
    'tray',
    { size: 256, seed: 101, train: 50, validation: 20, test: 1 },
    async (source) => {
      const drawn = await Promise.all(
        source.samples.filter(({ split }) => split === 'train').map((sample) => sample.load()),
      );
      const rolled = ({ data, ...rest }, by) => ({
        ...rest,
        data: Uint8Array.from(data, (_, i) => data[(i + 3 * by) % data.length]),
      });
      const many = Array.from({ length: 5000 }, (_, index) => ({
        ...source.samples[0],
        id: `train/good/${index}`,
        split: 'train',
        label: 'good',
        load: async () => rolled(drawn[index % drawn.length], Math.floor(index / drawn.length)),
      }));
      const others = source.samples.filter(({ split }) => split !== 'train');
      return fitTime(sourceOf('many', [...many, ...others]), 256);
    },
  );
}

const AUGMENTATION = {
  flips: { horizontal: true, vertical: true },
  rotation: { degrees: 5 },
};

/** Few good images: three draws; as they are, and with eight altered copies of each. One image wants copies. */
async function fewShot(source, side) {
  const teacher = await tinyTeacher();
  const prepared = async (sample) => preparePixels(await sample.load(), { height: side, width: side });
  const good = source.samples.filter(({ split, label }) => split === 'train' && label === 'good');
  const test = [];
  for (const sample of source.samples.filter(({ split }) => split === 'test')) {
    test.push({ pixels: await prepared(sample), bad: sample.label === 'anomalous' ? 1 : 0 });
  }
  const result = {};
  for (const count of [1, 2, 4, 8, 16]) {
    for (const [name, input] of [
      ['as they are', {}],
      ['8 copies: flips, 5 degrees', { augmentation: AUGMENTATION, copies: 8 }],
      ['8 copies: 5 degrees', { augmentation: { rotation: { degrees: 5 } }, copies: 8 }],
    ]) {
      if (count === 1 && input.copies === undefined) continue;
      const aurocs = [];
      for (let draw = 1; draw <= 3; draw++) {
        const chosen = randomStream(draw, 'few', count).shuffle(Int32Array.from(good, (_, i) => i));
        const samples = await Promise.all(
          [...chosen.slice(0, count)].map(async (index) => {
            const pixels = await prepared(good[index]);
            return { ...good[index], load: async () => pixels };
          }),
        );
        const detector = await trainDetector({
          source: sourceOf('few', samples),
          teacher,
          method: 'instant',
          input: { ...square(side), ...input },
          seed: draw,
        });
        const scores = [];
        for (const { pixels } of test) scores.push((await detector.predict(pixels)).score);
        detector.dispose();
        aurocs.push(
          round(
            auroc(
              scores,
              test.map(({ bad }) => bad),
            ),
          ),
        );
      }
      (result[count] ??= {})[name] = aurocs;
      console.error(count, name, aurocs.join(' '));
    }
  }
  return result;
}

const DEMO = { size: 256, seed: 7, train: 200, validation: 40, test: 90 };
const PARTS = {
  'fit-transistor': async () => fitTime(await real('transistor'), 128),
  'fit-256': () =>
    withDrawnSource('tray', { size: 256, seed: 101, train: 200, validation: 20, test: 1 }, (source) =>
      fitTime(source, 256),
    ),
  inference,
  transistor: async () => quality(await real('transistor'), await tinyTeacher(), { input: square(128) }),
  bottle: async () => quality(await real('bottle'), await tinyTeacher(), { input: square(128) }),
  demo: () =>
    withDrawnSource('tray', DEMO, async (source) =>
      quality(source, await tinyTeacher(), { input: square(256) }),
    ),
  resnet50: async () => {
    await startBackend();
    const bytes = await readFile(path.join(options.weights, 'resnet50_keras.safetensors'));
    const teacher = await loadTeacher('resnet50_v1', bytes, { levels: ['layer2', 'layer3'] });
    return quality(await real('transistor'), teacher, { input: square(128) });
  },
  'few-transistor': async () => fewShot(await real('transistor'), 128),
  'few-bottle': async () => fewShot(await real('bottle'), 128),
  'few-tray': () =>
    withDrawnSource('tray', { size: 128, seed: 101, train: 40, validation: 1, test: 90 }, (source) =>
      fewShot(source, 128),
    ),
  memory,
};

async function measure(part) {
  const args = [
    fileURLToPath(import.meta.url),
    part,
    '--inProcess',
    '--data',
    options.data,
    '--weights',
    options.weights,
  ];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 24 });
  if (stderr) console.error(stderr.trim());
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

async function syntheticRows() {
  const folder = path.join(HERE, 'results/fusion');
  const rows = [];
  for (const name of (await readdir(folder)).sort()) {
    const [category, size, seed] = name.replace('.json', '').split('-');
    if (['transistor', 'bottle'].includes(category)) continue;
    const { product, seconds: fit, bytes } = JSON.parse(await readFile(path.join(folder, name), 'utf8'));
    rows.push({ category, size, seed, product, fit, megabytes: bytes / 1e6 });
  }
  return rows;
}

async function writeReport() {
  const { parts, machine, date } = JSON.parse(await readFile(FILE, 'utf8'));
  const lines = [
    '# What `instant` reaches',
    '',
    `Written by \`node bench/instant.mjs --report\` from results/instant.json (${date}) and results/fusion. ${machine}.`,
    '',
    '| set | image AUROC | pixel AUROC | branches | fit | file | peak memory |',
    '| --- | --- | --- | --- | --- | --- | --- |',
  ];
  for (const [name, title] of [
    ['transistor', 'transistor, 128 px'],
    ['bottle', 'bottle, 128 px'],
    ['demo', "the demo's tray, 256 px"],
    ['resnet50', 'transistor, 128 px, ResNet-50'],
  ]) {
    const row = parts[name];
    if (!row) continue;
    const branches = Object.entries(row.branches).map(([branch, value]) => `${branch} ${value}`);
    lines.push(
      `| ${title} | ${row.imageAuroc} | ${row.pixelAuroc} | ${branches.join(', ')} | ${row.fitSeconds} s | ` +
        `${row.megabytes} MB | ${row.peakMegabytes} MiB |`,
    );
  }
  lines.push(
    '',
    '## Synthetic categories (bench/fusion.mjs)',
    '',
    '100 good images to learn from, 40 to calibrate on. Other jobs ran beside these fits, and some are from before fits',
    'became faster: their times are upper bounds.',
    '',
    '| size | seed | category | image AUROC | fit | file |',
  );
  lines.push('| --- | --- | --- | --- | --- | --- |');
  const rows = await syntheticRows();
  for (const size of ['256', '128']) {
    for (const seed of ['101', '202']) {
      const own = rows.filter((row) => row.size === size && row.seed === seed);
      for (const { category, product, fit, megabytes } of own) {
        lines.push(
          `| ${size} px | ${seed} | ${category} | ${product.toFixed(3)} | ${fit} s | ${megabytes.toFixed(2)} MB |`,
        );
      }
      if (own.length === 0) continue;
      const mean = own.reduce((sum, { product }) => sum + product, 0) / own.length;
      lines.push(`| ${size} px | ${seed} | **mean of ${own.length}** | **${mean.toFixed(3)}** | | |`);
    }
  }
  lines.push('', '## Time and memory', '', '| what | result |', '| --- | --- |');
  for (const [name, title] of [
    ['fit-transistor', 'fit, 1024 px PNG to 128 px, to the bytes of the file'],
    ['fit-256', 'fit, 256 px'],
    ['memory', 'fit, 5,000 images at 256 px'],
  ]) {
    const row = parts[name];
    if (!row) continue;
    const stages = Object.entries(row.stages).map(([stage, value]) => `${stage} ${value}`);
    lines.push(
      `| ${title}: ${row.images} images | ${row.seconds} s (${stages.join(', ')}), ${row.megabytes} MB, peak ${row.peakMegabytes} MiB |`,
    );
  }
  if (parts.inference) {
    const { teacherMilliseconds, predictMilliseconds, moreMilliseconds, ratio } = parts.inference;
    lines.push(
      `| one image at 256 px | ${predictMilliseconds} ms, the teacher alone ${teacherMilliseconds} ms: ${moreMilliseconds} ms more, ${ratio} times |`,
    );
  }
  lines.push(
    '',
    '## Few good images',
    '',
    'Image AUROC of three draws.',
    '',
    '| set | images | learned | draws | mean |',
  );
  lines.push('| --- | --- | --- | --- | --- |');
  for (const set of ['transistor', 'bottle', 'tray']) {
    for (const [count, kinds] of Object.entries(parts[`few-${set}`] ?? {})) {
      for (const [kind, values] of Object.entries(kinds)) {
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        lines.push(`| ${set} | ${count} | ${kind} | ${values.join(', ')} | ${mean.toFixed(3)} |`);
      }
    }
  }
  await writePage(path.join(HERE, 'instant.md'), lines.join('\n'));
}

if (options.report) {
  await writeReport();
} else if (options.inProcess) {
  console.log(JSON.stringify(await PARTS[positionals[0]]()));
} else {
  const wanted = positionals.length > 0 ? positionals : Object.keys(PARTS);
  const unknown = wanted.filter((part) => !(part in PARTS));
  if (unknown.length > 0)
    throw new Error(`No part ${unknown.join(', ')}; there are ${Object.keys(PARTS).join(', ')}.`);
  for (const part of wanted) {
    const load = os.loadavg()[0];
    const result = await measure(part);
    const saved = existsSync(FILE) ? JSON.parse(await readFile(FILE, 'utf8')) : { parts: {} };
    const [cpu] = os.cpus();
    await writeFile(
      FILE,
      `${JSON.stringify(
        {
          date: new Date().toISOString().slice(0, 10),
          machine: `${os.cpus().length} cores (${cpu.model}), Node ${process.version}`,
          parts: {
            ...saved.parts,
            [part]: { ...result, ...(!part.startsWith('few') && { loadBefore: round(load, 1) }) },
          },
        },
        null,
        2,
      )}\n`,
    );
    console.log(part, JSON.stringify(result));
  }
}
