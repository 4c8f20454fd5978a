// Quality against time of the paper's students, with `instant` beside them.
//
// node bench/quality-time.mjs SET CONFIG [--epochs 4,12,24,48] [--data DIR]   measures and writes
//                                                      bench/results/quality-time/SET-CONFIG.json
// node bench/quality-time.mjs --report                 writes bench/quality-time.md from all results
//
// A set is transistor, bottle, or a synthetic category (100 good images; --data-seed, default 101), at 128 px or --size. A config is a method that
// trains no students, such as `instant`, or PRESET-BATCH with any of -cosine (the rate falls to 0 over the longest run), -kept (a tenth of the images is kept
// back, and their loss recorded), -stage4 (the global student starts from the teacher's stage 4), -contextual (the global student learns
// by contextual affinity, Eq. 3 to 7, in place of its limit, the default), -half and -double (students of half or twice the channels of
// nano). One run is trained on from
// a checkpoint to each number of epochs, so that a longer one has the steps of the shorter. Each point is scored three times:
// with the running statistics of batch norm, with statistics computed again over the training images, and with these and the
// soft maximum of image scores in place of the sum of maps. Seconds are those of training and calibrating. Backend wasm,
// embedded teacher, students in this thread.
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { openSource } from '@dskd/data/node';
import { evaluateDetector, trainDetector } from '@dskd/detector';
import { loadTeacher } from '@dskd/models';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { COUNTS, withDrawnSource } from './drawn-source.mjs';
import { writePage } from './write-page.mjs';

const RESULTS = path.join(import.meta.dirname, 'results/quality-time');
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    epochs: { type: 'string', default: '5,15,30,60' },
    seed: { type: 'string', default: '1' },
    'data-seed': { type: 'string', default: '101' },
    size: { type: 'string', default: '128' },
    data: { type: 'string', default: path.join(import.meta.dirname, '../../shared/data/mvtec_ad') },
    report: { type: 'boolean', default: false },
  },
});
const SIDE = Number(options.size);
const round = (value, digits = 4) => Number(value.toFixed(digits));

async function withSource(set, use) {
  if (['transistor', 'bottle'].includes(set))
    return use(await openSource({ root: options.data, category: set }));
  return withDrawnSource(set, { size: SIDE, seed: Number(options['data-seed']), ...COUNTS }, use);
}

async function qualityOf(detector, source) {
  const { fused, branches } = await evaluateDetector(detector, source);
  return {
    fused: round(fused.imageAuroc),
    pixelAuroc: round(fused.pixelAuroc),
    branches: Object.fromEntries(
      Object.entries(branches).map(([name, { imageAuroc }]) => [name, round(imageAuroc)]),
    ),
  };
}

/** Trains, and evaluates what comes out. */
async function point(training, source) {
  const started = performance.now();
  const cpu = process.cpuUsage();
  const detector = await trainDetector(training);
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const { steps = 0, finalLosses, heldOutLosses } = detector.description.trainings[0].fit;
  const quality = await qualityOf(detector, source);
  detector.dispose();
  return { seconds, cpuSeconds: (user + system) / 1e6, steps, finalLosses, heldOutLosses, ...quality };
}

/** The channels of nano's students times `factor`. */
const scaledNano = (factor) => ({
  decoderWidths: [32, 64, 128].map((width) => width * factor),
  fusionWidths: [32, 64].map((width) => width * factor),
  phiChannels: 256 * factor,
  gccb: { variant: 'full', channels: 64 * factor },
});

/** Options of the students by the name of a config, and the epochs after which a cosine has ended. */
function optionsOf(config, totalSteps) {
  const [preset, batch, ...rest] = config.split('-');
  const has = (name) => rest.includes(name);
  const rate = { local: 0.005, global: 0.001 };
  const schedule = has('cosine') && { kind: 'cosine', steps: totalSteps(Number(batch)) };
  const objective = {
    local: { name: 'flattenedCosine', options: {} },
    global: has('contextual')
      ? { name: 'contextualAffinity', options: { temperature: 1 } }
      : { name: 'covarianceAffinity', options: {} },
  };
  const branch = (name) => ({
    branch: name,
    objective: objective[name],
    optimizer: { learningRate: rate[name], ...(schedule && { schedule }) },
  });
  const factor = has('half') ? 0.5 : has('double') ? 2 : 1;
  return {
    preset,
    ...(factor !== 1 && { architecture: scaledNano(factor) }),
    batchSize: Number(batch),
    reestimateBatchNorm: false,
    branches: { local: branch('local'), global: branch('global') },
    ...(has('stage4') && { initialize: { global: 'teacher-stage4' } }),
    ...(has('kept') && { earlyStopping: { patience: 10_000 } }),
  };
}

async function measure(set, config, save) {
  await selectBackend('wasm');
  registerWasmGradients();
  const embedded = teacherTiny();
  const teacher = await loadTeacher(embedded.name, await embedded.load());
  const seed = Number(options.seed);
  await withSource(set, async (source) => {
    const common = { source, teacher, input: { size: [SIDE, SIDE] }, seed };
    if (!config.includes('-')) {
      await save([rounded(await point({ ...common, method: config }, source))]);
      return;
    }
    const epochsOf = options.epochs.split(',').map(Number);
    const images = source.samples.filter(({ split, label }) => split === 'train' && label === 'good').length;
    const held = source.samples.some(({ split }) => split === 'validation') ? 0 : Math.round(0.1 * images);
    const students = optionsOf(config, (batch) => Math.ceil((images - held) / batch) * epochsOf.at(-1));
    const points = [];
    let resumeFrom;
    let seconds = 0;
    let cpuSeconds = 0;
    for (const epochs of epochsOf) {
      const training = {
        ...common,
        method: 'dskd',
        options: { ...students, epochs },
        calibration: { normalization: 'moments', fusion: 'sum' },
        ...(resumeFrom && { resumeFrom }),
        checkpoint: { everyEpochs: epochs, save: async (bytes) => void (resumeFrom = bytes) },
      };
      const result = await point(training, source);
      // From the same checkpoint: no step is added, but the statistics of batch norm are those of the whole set.
      const settledOptions = { ...training.options, reestimateBatchNorm: true };
      const settled = await point({ ...training, options: settledOptions, resumeFrom }, source);
      const softMaximum = await point(
        {
          ...training,
          options: settledOptions,
          resumeFrom,
          calibration: { normalization: 'image-scores', fusion: 'soft-maximum' },
        },
        source,
      );
      seconds += result.seconds;
      cpuSeconds += result.cpuSeconds;
      points.push({
        epochs,
        ...rounded({ ...result, seconds, cpuSeconds }),
        settled: { fused: settled.fused, pixelAuroc: settled.pixelAuroc, branches: settled.branches },
        softMaximum: softMaximum.fused,
        softMaximumPixelAuroc: softMaximum.pixelAuroc,
      });
      console.log(set, config, JSON.stringify(points.at(-1)));
      await save(points);
    }
  });
}

function rounded({ seconds, cpuSeconds, ...rest }) {
  return { seconds: round(seconds, 1), cpuSeconds: round(cpuSeconds, 1), ...rest };
}

const shown = (value) => value?.toFixed(3) ?? '-';
const signed = (value) => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(3)}`;

async function writeReport() {
  const rows = [];
  const trained = [];
  for (const name of (await readdir(RESULTS)).sort()) {
    const { set, config, seed, points } = JSON.parse(await readFile(path.join(RESULTS, name), 'utf8'));
    trained.push(
      ...points.filter(
        ({ steps, softMaximum }) => steps >= 300 && softMaximum && !config.includes('contextual'),
      ),
    );
    for (const { steps, cpuSeconds, fused, pixelAuroc, branches, settled, ...rest } of points) {
      const { softMaximum, heldOutLosses } = rest;
      const best = settled ?? { fused, branches };
      const { local, global } = best.branches;
      const heldOut = heldOutLosses
        ? `${shown(heldOutLosses.local)}, ${heldOutLosses.global.toFixed(5)}`
        : '-';
      // Equal in all digits: most were computed again in both, which was the default of these runs.
      const isApart = settled && (settled.fused !== fused || settled.pixelAuroc !== pixelAuroc);
      const running = settled && !isApart ? '-' : shown(fused);
      const cells = [set, config, seed, steps || '-', Math.round(cpuSeconds), steps ? running : '-'];
      const scores = [steps ? settled?.fused : fused, local, global, softMaximum].map(shown);
      rows.push(`| ${[...cells, ...scores, heldOut].join(' | ')} |`);
    }
  }
  /** Image AUROC of a fused score less that of the better student, over trainings of 300 steps or more by the default objectives. */
  const against = (fusedOf) => {
    const differences = trained.map(
      (point) => fusedOf(point) - Math.max(...Object.values(point.settled.branches)),
    );
    const mean = differences.reduce((sum, value) => sum + value, 0) / differences.length;
    return `${signed(mean)} | ${signed(Math.min(...differences))}`;
  };
  const text = [
    '# Quality against time',
    '',
    'Written by `node bench/quality-time.mjs --report` from results/quality-time. 128 px where the set says no other, embedded teacher, wasm; image',
    'AUROC. A config is the preset of the students and the images in a step. The time is that of the processor, all threads',
    'together, for training and calibrating, both students in one thread; other jobs ran beside. `dskd train` gives each',
    'student a thread of its own, which takes about half as long on two cores. "Running" is fused with the running statistics of',
    'batch norm (a dash: computed again there, too, or equal in all digits); the columns after it are with statistics',
    'computed again over the training images at the end, but for the',
    'branches of a row that has no such fused score. The method `rd` is the local student alone: it has the values of the column',
    '"local", for somewhat more than half of the time.',
    '',
    '![Image AUROC by the seconds of the fit](quality-against-time.svg)',
    '',
    'The same beside the other methods; see [methods.md](methods.md).',
    '',
    '| set | config | seed | steps | CPU seconds | running | fused | local | global | soft maximum | loss of held-out images: local, global |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    '## The fused score against the better student',
    '',
    `Image AUROC of the fused score less that of the better of both students, over the ${trained.length} trainings above of 300 steps or more with the`,
    'default objectives. "Soft maximum" is the default of the presets nano and lite',
    '([decision 0054](../docs/decisions/0054-the-soft-maximum-for-small-students.md)).',
    '',
    '| rule | mean | worst |',
    '| --- | --- | --- |',
    `| Eq. 8 | ${against(({ settled }) => settled.fused)} |`,
    `| soft maximum | ${against(({ softMaximum }) => softMaximum)} |`,
  ];
  await writePage(path.join(import.meta.dirname, 'quality-time.md'), text.join('\n'));
}

if (options.report) {
  await writeReport();
} else {
  const [set, config] = positionals;
  if (!set || !config)
    throw new Error('Got no set or no config; wanted for example: transistor nano-8-settled.');
  await mkdir(RESULTS, { recursive: true });
  const dataSeed = options['data-seed'];
  const name = `${set}${dataSeed === '101' ? '' : `-${dataSeed}`}${SIDE === 128 ? '' : `-${SIDE}px`}`;
  await measure(set, config, (points) =>
    writeFile(
      path.join(RESULTS, `${name}-${config}-seed${options.seed}.json`),
      `${JSON.stringify({ set: name, config, seed: Number(options.seed), points }, null, 2)}\n`,
    ),
  );
}
