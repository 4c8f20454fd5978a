// node .ci/steps.mjs PASSED FAILED: runs every check after the installation, as many at a time as there are cores (two
// at least). The output of a step is printed whole when the step ends. Ends with a table of seconds per package and
// tier, the failed steps, and 'N passed, N failed' over the steps here and the PASSED and FAILED before.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const secondsFile = path.join(mkdtempSync(path.join(tmpdir(), 'dskd-ci-')), 'seconds.jsonl');
const startedAt = performance.now();
let [passed = 0, failed = 0] = process.argv.slice(2).map(Number);
const failures = [];
const stepSeconds = [];

/** Workspaces whose slow tier takes longest: they start first, so that none runs alone at the end. */
const LONGEST_FIRST = [
  'models',
  'cli',
  'training',
  'detector',
  'live',
  'inspector',
  'methods',
  'losses',
  'docs',
  'closed-form',
  'demo',
  'browser-page',
  'report',
];

/** Of one step; the longest takes a quarter of it. */
const MOST_MINUTES = 20;

/** Process groups of the steps that run: a signal to this process does not reach them by itself. */
const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    for (const { pid } of running) process.kill(-pid, 'SIGKILL');
    process.exit(1);
  });
}

/** Runs one step to its end. A step is { name, command, cwd? }. One that does not end is killed, with all that it started. */
function runStep({ name, command, cwd = root }) {
  const started = performance.now();
  const [program, ...args] = command;
  return new Promise((resolve) => {
    const parts = [];
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, DSKD_TEST_SECONDS: secondsFile },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own, to be killed as a whole.
      detached: true,
    });
    if (child.pid !== undefined) running.add(child);
    const limit = setTimeout(() => {
      parts.push(Buffer.from(`\nKILLED: the step did not end in ${MOST_MINUTES} minutes\n`));
      process.kill(-child.pid, 'SIGKILL');
    }, MOST_MINUTES * 60_000);
    child.stdout.on('data', (part) => parts.push(part));
    child.stderr.on('data', (part) => parts.push(part));
    child.on('error', (error) => parts.push(Buffer.from(`${error.message}\n`)));
    child.on('close', (code) => {
      clearTimeout(limit);
      running.delete(child);
      const seconds = (performance.now() - started) / 1000;
      if (code === 0) passed++;
      else failed++;
      if (code !== 0) failures.push(name);
      stepSeconds.push({ name, seconds });
      const verdict = code === 0 ? 'ok' : 'FAILED';
      process.stdout.write(`\n=== ${name}\n`);
      process.stdout.write(Buffer.concat(parts));
      process.stdout.write(`=== ${name}: ${verdict}, ${seconds.toFixed(0)} s\n`);
      resolve();
    });
  });
}

/** Runs the steps in their order, `lanes` at a time. */
async function runSteps(steps, lanes) {
  const left = [...steps];
  const lane = async () => {
    for (let step = left.shift(); step !== undefined; step = left.shift()) await runStep(step);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

const readManifest = (folder) => JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));

function hasSlowTests(folder) {
  const sources = readdirSync(folder, { recursive: true }).map(String);
  return sources.some(
    (file) =>
      !/(^|\/)(node_modules|dist)\//.test(file) &&
      /\.(slow|backends)\.test\.m?ts$|\.slow\.test\.mjs$/.test(file),
  );
}

/** A step for each workspace that has a slow tier, the longest first. */
function slowSteps() {
  const folders = ['packages', 'apps', 'examples'].flatMap((parent) =>
    readdirSync(path.join(root, parent)).map((name) => path.join(root, parent, name)),
  );
  const rank = (folder) => {
    const index = LONGEST_FIRST.indexOf(path.basename(folder));
    return index < 0 ? LONGEST_FIRST.length : index;
  };
  return [...folders, path.join(root, 'tools'), path.join(root, 'docs')]
    .filter((folder) => existsSync(path.join(folder, 'package.json')))
    .filter((folder) => readManifest(folder).scripts?.['test:slow'] && hasSlowTests(folder))
    .sort((a, b) => rank(a) - rank(b))
    .map((folder) => ({
      name: `slow tests: ${path.relative(root, folder)}`,
      command: ['npm', 'run', '--silent', 'test:slow'],
      cwd: folder,
    }));
}

function goldenSteps() {
  if (existsSync('/usr/bin/python3')) {
    return [{ name: 'golden values, made again', command: ['/usr/bin/python3', 'tools/golden/check.py'] }];
  }
  console.log('SKIPPED: golden values; there is no /usr/bin/python3');
  return [];
}

/** Every script `check:*` of the root is a step. */
function checkSteps() {
  const scripts = Object.keys(readManifest(root).scripts).filter((name) => name.startsWith('check:'));
  return scripts.map((name) => ({ name, command: ['npm', 'run', '--silent', name] }));
}

function printTable() {
  const tiers = ['fast', 'slow', 'webgpu'];
  const rows = new Map();
  const lines = existsSync(secondsFile) ? readFileSync(secondsFile, 'utf8').trim().split('\n') : [];
  for (const line of lines) {
    const { package: name, tier, seconds } = JSON.parse(line);
    const row = rows.get(name) ?? {};
    row[tier] = (row[tier] ?? 0) + seconds;
    rows.set(name, row);
  }
  const total = (row) => tiers.reduce((sum, tier) => sum + (row[tier] ?? 0), 0);
  const cell = (value) => (value === undefined ? '-' : value.toFixed(0)).padStart(8);
  const print = (name, row) =>
    console.log(`${name.padEnd(28)}${tiers.map((tier) => cell(row[tier])).join('')}${cell(total(row))}`);
  console.log(
    `\n${'seconds of tests'.padEnd(28)}${[...tiers, 'all'].map((name) => name.padStart(8)).join('')}`,
  );
  const sum = {};
  for (const [name, row] of [...rows].sort(([, a], [, b]) => total(b) - total(a))) {
    print(name, row);
    for (const tier of tiers) sum[tier] = (sum[tier] ?? 0) + (row[tier] ?? 0);
  }
  print('all', sum);
  console.log(`\n${'seconds of other steps'.padEnd(44)}`);
  for (const { name, seconds } of stepSeconds) {
    if (!name.startsWith('slow tests')) console.log(`${name.padEnd(44)}${cell(seconds)}`);
  }
  console.log(`${'all, without the installation'.padEnd(44)}${cell((performance.now() - startedAt) / 1000)}`);
}

const lanes = Math.max(2, availableParallelism());
// `npm test` uses two cores by itself, and everything after needs what these two build.
await runStep({ name: 'types', command: ['npm', 'run', '--silent', 'types'] });
await runStep({ name: 'test (the command of the README)', command: ['npm', 'test'] });
const others = [
  { name: 'lint', command: ['npm', 'run', '--silent', 'lint'] },
  ...checkSteps(),
  ...goldenSteps(),
];
const [longest, ...slow] = slowSteps();
await runSteps([longest, ...others, ...slow], lanes);

printTable();
console.log('');
for (const name of failures) console.log(`FAILED: ${name}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
