// What any method reaches on a set: quality, seconds of the fit, bytes of the file.
//
// node bench/methods.mjs SET METHOD [--size 128] [--profile lite] [--options JSON] [--seed 1] [--data DIR] [--data-seed 101]
//                                   [--teacher NAME --weights FILE [--levels layer1,layer2]]
// node bench/methods.mjs --report                             writes bench/methods.md from all results
//
// A set is a folder of --data (bottle, transistor) or a synthetic category (--data-seed, 100 good images, drawn at --size). --options are laid over those of the profile. Adds a run to bench/results/methods/SET-METHOD.json; one of the
// same profile, options, size, seed and teacher is replaced. Seconds are from the list of images to a calibrated
// detector; evaluation is not counted. Backend wasm; teacher-tiny unless a teacher is named.
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { openSource } from '@dskd/data/node';
import { evaluateDetector, trainDetector } from '@dskd/detector';
import { createMethod } from '@dskd/methods';
import { loadTeacher } from '@dskd/models';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { COUNTS, withDrawnSource } from './drawn-source.mjs';
import { writeMethodsReport } from './methods-report.mjs';

const RESULTS = path.join(import.meta.dirname, 'results/methods');
const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string', default: '128' },
    profile: { type: 'string', default: 'lite' },
    options: { type: 'string', default: '{}' },
    seed: { type: 'string', default: '1' },
    'data-seed': { type: 'string', default: '101' },
    data: { type: 'string', default: path.join(import.meta.dirname, '../../shared/data/mvtec_ad') },
    teacher: { type: 'string' },
    weights: { type: 'string' },
    levels: { type: 'string' },
    report: { type: 'boolean', default: false },
  },
});
const round = (value, digits = 4) => Number(value.toFixed(digits));

const isReal = (set) => existsSync(path.join(given.data, set));

async function withSource(set, size, use) {
  if (isReal(set)) return use(await openSource({ root: given.data, category: set }));
  return withDrawnSource(set, { size, seed: Number(given['data-seed']), ...COUNTS }, use);
}

/** Null for a method without a teacher. */
async function teacherFor({ needs }) {
  if (!needs.teacher) return null;
  if (given.teacher) {
    const levels = given.levels?.split(',');
    return loadTeacher(given.teacher, await readFile(given.weights), levels && { levels });
  }
  const embedded = teacherTiny();
  return loadTeacher(embedded.name, await embedded.load());
}

async function measure(set, name, side) {
  await selectBackend('wasm');
  registerWasmGradients();
  const method = await createMethod(name);
  const teacher = await teacherFor(method);
  const own = JSON.parse(given.options);
  return withSource(set, side, async (source) => {
    const started = performance.now();
    const detector = await trainDetector({
      source,
      method: name,
      options: { ...method.profiles[given.profile], ...own },
      input: { size: [side, side] },
      seed: Number(given.seed),
      ...(teacher && { teacher }),
    });
    const seconds = (performance.now() - started) / 1000;
    const fileBytes = detector.save({ embedTeacher: false }).length;
    const since = performance.now();
    const { fused, branches } = await evaluateDetector(detector, source);
    const images = source.samples.filter(({ split }) => split === 'test').length;
    const { fit } = detector.description.trainings[0];
    detector.dispose();
    return {
      profile: given.profile,
      ...(Object.keys(own).length > 0 && { options: own }),
      size: side,
      seed: Number(given.seed),
      ...(!isReal(set) && { dataSeed: Number(given['data-seed']) }),
      teacher:
        teacher && [teacher.extractor.name, ...teacher.extractor.levels.map((level) => level.name)].join(' '),
      fitSeconds: round(seconds, 1),
      evaluationSecondsPerImage: round((performance.now() - since) / 1000 / images, 3),
      /** Without the teacher. */
      fileBytes,
      imageAuroc: round(fused.imageAuroc),
      pixelAuroc: fused.pixelAuroc === undefined ? null : round(fused.pixelAuroc),
      branches: Object.fromEntries(
        Object.entries(branches).map(([branch, { imageAuroc }]) => [branch, round(imageAuroc)]),
      ),
      fit,
    };
  });
}

async function addRun(set, method) {
  const run = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${os.cpus().length} cores (${os.cpus()[0].model}), Node ${process.version}`,
    loadBefore: round(os.loadavg()[0], 1),
    ...(await measure(set, method, Number(given.size))),
  };
  console.log(set, method, JSON.stringify(run));
  const file = path.join(RESULTS, `${set}-${method}.json`);
  const earlier = existsSync(file) ? JSON.parse(await readFile(file, 'utf8')).runs : [];
  const keyOf = ({ profile, options = {}, size, seed, dataSeed, teacher }) => ({
    profile,
    options,
    size,
    seed,
    dataSeed,
    teacher,
  });
  const others = earlier.filter((each) => !isDeepStrictEqual(keyOf(each), keyOf(run)));
  await mkdir(RESULTS, { recursive: true });
  await writeFile(file, `${JSON.stringify({ set, method, runs: [...others, run] }, null, 2)}\n`);
}

const [set, method] = positionals;
if (!given.report) {
  if (!set || !method) throw new Error('Got no set or no method; wanted for example: bottle vm --size 256.');
  await addRun(set, method);
}
await writeMethodsReport(RESULTS, path.join(import.meta.dirname, 'methods.md'));
