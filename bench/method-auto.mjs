// Could `--method auto` choose a method? Each quick method is fitted on the training images and told apart from the others by
// how it separates held-out good images from anomalies that are made up of them. The choice is compared with what the test
// images say.
//
// node bench/method-auto.mjs [SET ...] [--data DIR] [--again]   runs sets that have no result yet
// node bench/method-auto.mjs --report                           writes bench/method-auto.md from the results
//
// A set is CATEGORY-SEED: a synthetic category at 128 px (data seed 101 or 202), or transistor-1, bottle-1. Default: all. The
// methods are those in closed form that fit within a minute; patchcore, fre and gaussian are the branches of `instant`, which
// have their defaults. Results: bench/results/method-auto/SET.json.
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { randomStream } from '@dskd/base';
import { sourceOf } from '@dskd/data';
import { openSource } from '@dskd/data/node';
import { trainDetector } from 'dskd';
import { CATEGORIES, COUNTS, withDrawnSource } from './drawn-source.mjs';
import { auroc, madeUpAnomalies } from './fusion-rules.mjs';

const SETS = [
  ...[101, 202].flatMap((seed) => CATEGORIES.map((name) => `${name}-${seed}`)),
  'transistor-1',
  'bottle-1',
];
/** Each held-out image gives so many anomalies. */
const ROUNDS = 3;
const WITHIN = 0.02;
const RESULTS = path.join(import.meta.dirname, 'results/method-auto');
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', default: path.join(import.meta.dirname, '../../shared/data/mvtec_ad') },
    again: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
  },
});
const round = (value) => Number(value.toFixed(4));

/** Names by which the branches of a method stand for methods of their own. */
const STANDS_FOR = {
  instant: { local: 'patchcore', global: 'fre', pooled: 'gaussian' },
  padim: {},
  spade: {},
};

/** Image scores of the method, and of those that its branches stand for. */
async function scoresOf(detector, method, images) {
  const scores = {};
  for await (const { score, branches } of detector.predictEach(images)) {
    (scores[method] ??= []).push(score);
    for (const [branch, name] of Object.entries(STANDS_FOR[method]))
      (scores[name] ??= []).push(branches[branch].score);
  }
  return scores;
}

const loaded = async function* (samples) {
  for (const sample of samples) yield await sample.load();
};

async function withSource(set, use) {
  const [name, seed] = set.split('-');
  if (!CATEGORIES.includes(name)) return use(await openSource({ root: options.data, category: name }));
  return withDrawnSource(name, { size: 128, seed: Number(seed), ...COUNTS }, use);
}

/** A source whose validation images are a fifth of its good training images, where it has none. */
function withValidation(source) {
  if (source.samples.some(({ split }) => split === 'validation')) return source;
  const good = source.samples.filter(({ split }) => split === 'train');
  const held = new Set(good.filter((_, index) => index % 5 === 0));
  const samples = source.samples.map((each) => (held.has(each) ? { ...each, split: 'validation' } : each));
  return sourceOf('with validation', samples);
}

async function run(set) {
  return withSource(set, async (given) => {
    const source = withValidation(given);
    const of = (wanted) => source.samples.filter(({ split }) => split === wanted);
    const held = await Promise.all(of('validation').map((sample) => sample.load()));
    const test = of('test');
    const isBad = test.map(({ label }) => label === 'anomalous');
    const methods = {};
    for (const method of Object.keys(STANDS_FOR)) {
      const detector = await trainDetector(source, {
        method,
        backend: 'wasm',
        input: { size: [128, 128] },
        seed: 1,
      });
      const good = await scoresOf(detector, method, held);
      const made = [];
      for (let turn = 0; turn < ROUNDS; turn++)
        made.push(...madeUpAnomalies(held, randomStream(turn, 'made up')));
      const anomalies = await scoresOf(detector, method, made);
      const tested = await scoresOf(detector, method, loaded(test));
      detector.dispose();
      for (const [name, scores] of Object.entries(tested)) {
        const [normal, bad] = [false, true].map((wanted) => scores.filter((_, i) => isBad[i] === wanted));
        methods[name] = {
          madeUp: round(auroc(good[name], anomalies[name])),
          test: round(auroc(normal, bad)),
        };
      }
    }
    return { set, heldOut: held.length, madeUp: held.length * ROUNDS, methods };
  });
}

async function writeReport() {
  const results = [];
  for (const set of SETS) {
    const file = path.join(RESULTS, `${set}.json`);
    if (existsSync(file)) results.push(JSON.parse(await readFile(file, 'utf8')));
  }
  const names = Object.keys(results[0].methods);
  const bestBy = (methods, key) =>
    names.reduce((best, name) => (methods[name][key] > methods[best][key] ? name : best), 'instant');
  const lines = [
    '# Could a method be chosen by made-up anomalies?',
    '',
    'Written by `node bench/method-auto.mjs --report` from results/method-auto. 128 px, embedded teacher, wasm, one training a',
    'method. Each cell: AUROC of held-out good images against anomalies made up of them, then image AUROC of the test images.',
    'The choice is the method with the highest first number.',
    '',
    `| set | ${names.map((name) => `\`${name}\``).join(' | ')} | choice | best | below the best |`,
    `| --- | ${names.map(() => '---').join(' | ')} | --- | --- | --- |`,
  ];
  const kept = Object.fromEntries(['choice', ...names].map((name) => [name, []]));
  for (const { set, methods } of results) {
    const [choice, best] = [bestBy(methods, 'madeUp'), bestBy(methods, 'test')];
    const below = (name) => methods[best].test - methods[name].test;
    kept.choice.push(below(choice));
    for (const name of names) kept[name].push(below(name));
    const cells = names.map((name) => `${methods[name].madeUp.toFixed(3)}, ${methods[name].test.toFixed(3)}`);
    lines.push(`| ${set} | ${cells.join(' | ')} | ${choice} | ${best} | ${below(choice).toFixed(3)} |`);
  }
  lines.push(
    '',
    '| what is taken | sets within 0.02 of the best | mean below the best | most below the best |',
    '| --- | --- | --- | --- |',
    ...Object.entries(kept).map(([name, values]) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const label = name === 'choice' ? 'the choice' : `always \`${name}\``;
      const within = values.filter((value) => value <= WITHIN).length;
      return `| ${label} | ${within} of ${values.length} | ${mean.toFixed(3)} | ${Math.max(...values).toFixed(3)} |`;
    }),
  );
  await writeFile(path.join(import.meta.dirname, 'method-auto.md'), `${lines.join('\n')}\n`);
}

if (!options.report) {
  await mkdir(RESULTS, { recursive: true });
  for (const set of positionals.length > 0 ? positionals : SETS) {
    const file = path.join(RESULTS, `${set}.json`);
    if (existsSync(file) && !options.again) continue;
    const result = await run(set);
    await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
    console.log(set, JSON.stringify(result.methods));
  }
}
await writeReport();
