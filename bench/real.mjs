// The real runs of bench/real.md: `dskd train` and `dskd evaluate` as a user types them, in turn with the same
// mathematics in PyTorch (bench/peers/dskd_torch.py), seed by seed.
//
// node bench/real.mjs transistor|bottle|resnet50|all [--seeds 1,2,3] [--train-flags "--reestimate-batch-norm"]
//                     [--only dskd|torch] [--again] [--results DIR]
// node bench/real.mjs --report [--results DIR]
//
// Each run is written to bench/results/real/<case>-seed<k>-{dskd,torch}.json when it is done; runs that are there
// are kept unless --again is given; a `remark` written into one by hand (what disturbed it) is printed too. Flags of training that PyTorch has too are given to both. Run it on an
// otherwise idle machine: PyTorch's threads wait for each other by spinning and lose most when disturbed.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CASES } from './real-cases.mjs';
import { writeReport } from './real-report.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DATA = '../shared/data/mvtec_ad';
const WEIGHTS = '../shared/weights';
const PYTHON = process.env.PYTHON ?? '/usr/bin/python3';
/** Flags of `dskd train` that dskd_torch.py has too; whether a value follows. */
const SHARED_FLAGS = new Map([
  ['--size', true],
  ['--epochs', true],
  ['--batch-size', true],
  ['--local-objective', true],
  ['--global-objective', true],
  ['--local-learning-rate', true],
  ['--global-learning-rate', true],
  ['--reestimate-batch-norm', false],
]);

// parseArgs refuses a value that begins with a dash unless it is joined to its option.
const args = process.argv.slice(2).join('\0').replace('--train-flags\0', '--train-flags=').split('\0');
const { values: options, positionals } = parseArgs({
  args: args.filter(Boolean),
  allowPositionals: true,
  options: {
    seeds: { type: 'string' },
    'train-flags': { type: 'string', default: '' },
    only: { type: 'string' },
    again: { type: 'boolean', default: false },
    results: { type: 'string', default: path.join(ROOT, 'bench/results/real') },
    report: { type: 'boolean', default: false },
  },
});
const results = path.resolve(options.results);
const trainFlags = options['train-flags'].split(/\s+/).filter(Boolean);

function sharedFlags(flags) {
  return flags.flatMap((flag, index) => {
    const hasValue = SHARED_FLAGS.get(flag);
    if (hasValue === undefined) return [];
    return hasValue ? [flag, flags[index + 1]] : [flag];
  });
}

function trainArguments({ category, teacher, weights, epochs }, seed) {
  return [
    ...['--data', DATA, '--category', category, '--teacher', teacher, '--weights', `${WEIGHTS}/${weights}`],
    ...['--size', '128', '--preset', 'lite', '--epochs', String(epochs), '--batch-size', '16'],
    ...['--local-learning-rate', '0.005', '--global-learning-rate', '0.001', '--seed', String(seed)],
  ];
}

/** Runs a command in the repository's root; its standard error is shown as it comes. */
async function timed(command, args) {
  const shown = [command === process.execPath ? 'node' : command, ...args].join(' ');
  console.log(`$ ${shown}`);
  const start = performance.now();
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
    process.stdout.write(text);
  });
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`exit code ${code}: ${shown}`);
  return { command: shown, seconds: (performance.now() - start) / 1000, output };
}

async function runDskd(item, seed, folder) {
  const model = path.join(folder, `${item.name}-seed${seed}.safetensors`);
  const evaluation = path.join(folder, 'evaluation.json');
  const cli = 'packages/cli/bin/dskd.js';
  const train = await timed(process.execPath, [
    // As the torch side, unless --train-flags, which come later, say otherwise.
    ...[cli, 'train', ...trainArguments(item, seed), '--no-reestimate-batch-norm', ...trainFlags],
    ...['--out', model],
  ]);
  const evaluate = await timed(process.execPath, [
    ...[cli, 'evaluate', model, '--data', DATA, '--category', item.category, '--out', evaluation],
  ]);
  return { commands: { train, evaluate }, evaluation: JSON.parse(await readFile(evaluation, 'utf8')) };
}

async function runTorch(item, seed, folder) {
  const out = path.join(folder, 'torch.json');
  const args = [...trainArguments(item, seed), ...sharedFlags(trainFlags), '--out', out];
  const all = await timed(PYTHON, ['bench/peers/dskd_torch.py', ...args]);
  return { commands: { all }, result: JSON.parse(await readFile(out, 'utf8')) };
}

function machine() {
  const { version } = createRequire(import.meta.url)('@tensorflow/tfjs/package.json');
  const cpus = os.cpus();
  return {
    cores: cpus.length,
    processor: cpus[0].model,
    memoryGigabytes: Math.round(os.totalmem() / 2 ** 30),
    node: process.version,
    tfjs: version,
  };
}

async function runOnce(item, seed, side) {
  const file = path.join(results, `${item.name}-seed${seed}-${side}.json`);
  if (existsSync(file) && !options.again) {
    const { trainFlags: before } = JSON.parse(await readFile(file, 'utf8'));
    const differs = before.join(' ') !== trainFlags.join(' ');
    console.log(
      `${file} is there, kept${differs ? ` although made with other flags: "${before.join(' ')}"` : ''}`,
    );
    return true;
  }
  const loadBefore = os.loadavg()[0];
  const folder = await mkdtemp(path.join(os.tmpdir(), 'dskd-real-'));
  try {
    const run = await (side === 'dskd' ? runDskd : runTorch)(item, seed, folder);
    const record = { case: item.name, seed, side, trainFlags, loadBefore, machine: machine(), ...run };
    // The model's folder is another one each time and says nothing.
    const text = JSON.stringify(record, null, 2).replaceAll(folder, '/tmp/real');
    await mkdir(results, { recursive: true });
    await writeFile(file, `${text}\n`);
    return true;
  } catch (error) {
    console.error(`${item.name}, seed ${seed}, ${side}: ${error.message}`);
    return false;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runCases(names) {
  const unknown = names.filter((name) => !CASES.some((item) => item.name === name));
  if (names.length === 0 || unknown.length > 0) {
    throw new Error(
      `Got the cases [${names.join(', ')}]; wanted ${CASES.map(({ name }) => name).join(', ')} or all.`,
    );
  }
  const missing = [DATA, WEIGHTS].filter((folder) => !existsSync(path.join(ROOT, folder)));
  if (missing.length > 0) {
    console.log(
      `Skipped: ${missing.join(' and ')} not found (relative to the repository). See bench/real.md.`,
    );
    return;
  }
  const sides = ['dskd', 'torch'].filter((side) => options.only === undefined || options.only === side);
  for (const item of CASES.filter(({ name }) => names.includes(name))) {
    for (const seed of options.seeds?.split(',').map(Number) ?? item.seeds) {
      for (const side of sides) if (!(await runOnce(item, seed, side))) process.exitCode = 1;
    }
  }
}

if (options.report) {
  const target = path.join(
    results === path.join(ROOT, 'bench/results/real') ? path.join(ROOT, 'bench') : results,
    'real.md',
  );
  await writeReport(results, target);
  console.log(`wrote ${target}`);
} else {
  await runCases(positionals.includes('all') ? CASES.map(({ name }) => name) : positionals);
}
