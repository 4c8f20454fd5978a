// How branches are combined: every rule of the table on the same maps, set by set.
//
// node bench/fusion.mjs [SET ...] [--data ../shared/data/mvtec_ad] [--again]   runs sets that have no result yet
// node bench/fusion.mjs --report                                               writes bench/fusion.md from the results
//
// A set is CATEGORY-SIZE-SEED: a synthetic category (data seed 101 or 202) or transistor, bottle (seed of the training).
// Default: all of SETS. Rules and weights were chosen on seed 101; seed 202 was not looked at before they were fixed.
// Each set is one training of `instant`; its maps of validation and test images are combined by every rule. Results:
// bench/results/fusion/SET.json.
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { randomStream } from '@dskd/base';
import { openSource } from '@dskd/data/node';
import { trainDetector } from 'dskd';
import { CATEGORIES, COUNTS, withDrawnSource } from './drawn-source.mjs';
import { auroc, madeUpAnomalies, RULES } from './fusion-rules.mjs';
import { writeFusionReport } from './fusion-report.mjs';

const SETS = [
  ...[101, 202].flatMap((seed) =>
    [256, 128].flatMap((size) => CATEGORIES.map((name) => `${name}-${size}-${seed}`)),
  ),
  ...['transistor', 'bottle'].flatMap((name) => [`${name}-128-1`, `${name}-128-2`]),
];
const RESULTS = path.join(import.meta.dirname, 'results/fusion');

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', default: path.join(import.meta.dirname, '../../shared/data/mvtec_ad') },
    again: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
  },
});

/** Image scores by rule, and the AUROC of each: of kinds of anomaly apart, and their mean. */
function judge(calibration, test, samples) {
  const good = samples.flatMap(({ label }, index) => (label === 'good' ? [index] : []));
  const kinds = ['structural_anomalies', 'logical_anomalies'].filter((kind) =>
    samples.some(({ id }) => id.includes(kind)),
  );
  const groups = (kinds.length > 0 ? kinds : ['']).map((kind) => ({
    kind,
    bad: samples.flatMap(({ id, label }, index) =>
      label === 'anomalous' && id.includes(kind) ? [index] : [],
    ),
  }));
  const result = {};
  for (const [name, rule] of Object.entries(RULES)) {
    const scores = rule(calibration, test);
    const of = ({ bad }) =>
      auroc(
        good.map((index) => scores[index]),
        bad.map((index) => scores[index]),
      );
    const byKind = Object.fromEntries(groups.map((group) => [group.kind || 'all', of(group)]));
    const mean = Object.values(byKind).reduce((sum, value) => sum + value, 0) / groups.length;
    result[name] = { ...byKind, mean };
  }
  return result;
}

/** What each branch gives for images: its smoothed map (in units of the detector) or its score, one image after another. */
async function outputsOf(detector, images) {
  const outputs = [];
  for await (const { branches } of detector.predictEach(images)) {
    outputs.push(
      Object.fromEntries(
        Object.entries(branches).map(([name, { map, score }]) => [name, { map: map?.data ?? null, score }]),
      ),
    );
  }
  return outputs;
}

async function run(set) {
  const [name, side, seed] = set.split('-');
  const size = Number(side);
  const synthetic = CATEGORIES.includes(name);
  const use = async (source) => {
    const start = performance.now();
    const detector = await trainDetector(source, {
      method: 'instant',
      backend: 'wasm',
      input: { size: [size, size] },
      seed: synthetic ? 1 : Number(seed),
    });
    const seconds = (performance.now() - start) / 1000;
    const bytes = detector.toBytes().length;
    const calibrating = await calibrationImages(detector, source);
    const calibration = await outputsOf(detector, calibrating);
    const anomalies = await outputsOf(
      detector,
      madeUpAnomalies(calibrating, randomStream(Number(seed), 'made up')),
    );
    const samples = source.samples.filter(({ split }) => split === 'test');
    const test = await outputsOf(
      detector,
      (async function* () {
        for (const sample of samples) yield await sample.load();
      })(),
    );
    const evaluation = await detector.evaluate(source);
    detector.dispose();
    return {
      set,
      images: { calibration: calibration.length, test: samples.length },
      seconds: Number(seconds.toFixed(1)),
      bytes,
      pixelAuroc: evaluation.fused.pixelAuroc ?? null,
      product: evaluation.fused.imageAuroc,
      rules: judge({ good: calibration, anomalies }, test, samples),
    };
  };
  return synthetic
    ? withDrawnSource(name, { size, seed: Number(seed), ...COUNTS }, use)
    : use(await openSource({ root: options.data, category: name }));
}

/** The images that calibrated the detector: the validation split, or those that were held out. */
async function calibrationImages(detector, source) {
  const validation = source.samples.filter(({ split }) => split === 'validation');
  if (validation.length > 0) return Promise.all(validation.map((sample) => sample.load()));
  const { calibration } = detector.description;
  const wanted = new Set(calibration.scores);
  const found = [];
  for (const sample of source.samples.filter(({ split }) => split === 'train')) {
    const image = await sample.load();
    if (wanted.has((await detector.predict(image)).score)) found.push(image);
  }
  if (found.length !== calibration.scores.length) throw new Error(`found ${found.length} of ${wanted.size}`);
  return found;
}

if (!options.report) {
  await mkdir(RESULTS, { recursive: true });
  for (const set of positionals.length > 0 ? positionals : SETS) {
    const file = path.join(RESULTS, `${set}.json`);
    if (existsSync(file) && !options.again) continue;
    const result = await run(set);
    await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
    const { rules, seconds, bytes } = result;
    const shown = Object.entries(rules).map(([rule, { mean }]) => `${rule} ${mean.toFixed(3)}`);
    console.log(`${set}: ${seconds} s, ${(bytes / 1e6).toFixed(2)} MB; ${shown.join(', ')}`);
  }
}
const results = [];
for (const file of (await readdir(RESULTS)).sort()) {
  results.push(JSON.parse(await readFile(path.join(RESULTS, file), 'utf8')));
}
await writeFusionReport(path.join(import.meta.dirname, 'fusion.md'), results);
