// npm run dev: watches the sources. After each change it compiles the packages that changed and runs, of their fast tests that
// depend on the change, the nearest ones that take a few seconds; then everything is compiled and the other dependent tests run,
// until the next change. `npm test` runs everything.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, watch } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import path from 'node:path';
import { dependentTests, withinBudget } from './dev/choose-tests.mjs';
import { importGraph } from './dev/import-graph.mjs';
import { compactTestSeconds, readTestSeconds } from './dev/test-seconds.mjs';

const root = path.resolve(import.meta.dirname, '..');
const cores = availableParallelism();
/** Editors write a file in several steps, and a checkout changes many files. */
const QUIET_MS = 200;
/** The first answer is planned for this; it should be there after ten. */
const ANSWER_SECONDS = 7;
/** What jest needs before its first test. */
const JEST_SECONDS = 1.5;
/** What a test file is taken to need that never ran. */
const UNKNOWN_SECONDS = 2;
/** On a machine that is busier than that few tests are planned for the first answer, and it may come later. */
const MOST_SLOWNESS = 8;
/** How much longer tests take than they did, because the machine is busier: its load at the start, then learned from the first answers. */
let slowness = Math.min(MOST_SLOWNESS, Math.max(1, loadavg()[0] / cores));
/** Other tests run in parts, so that what an interruption repeats is short. */
const PART_SECONDS = 30;

/** Changed files by package: folder to names such as `src/x.ts`. */
let changed = new Map();
/** Tests that a change calls for and that did not run yet: folder to `{ test, distance }`. */
const open = new Map();
let child;
let timer;
let running = false;
/** Whether the running command may be ended by a change. */
let interruptible = false;
let interrupted = false;

/** @returns whether it succeeded. A group of its own, so that the processes that it starts end with it. */
function run(command, args, cwd = root) {
  return new Promise((resolve) => {
    child = spawn(command, args, { cwd, stdio: 'inherit', detached: process.platform !== 'win32' });
    child.on('error', () => resolve(false));
    child.on('close', (code) => {
      child = undefined;
      resolve(code === 0);
    });
  });
}

function stop() {
  if (child?.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill();
    else process.kill(-child.pid);
  } catch {
    // It has just ended.
  }
}

const secondsSince = (start) => (performance.now() - start) / 1000;
const compile = (...folders) => run(path.join(root, 'node_modules/.bin/tsc'), ['-b', ...folders]);

/** `src/x.ts` as the file that jest runs, below `dist`. */
const compiledName = (file) => path.relative('src', file).replace(/\.ts$/, '.js');

function runTests(folder, tests) {
  const workers = Math.min(cores, tests.length);
  const files = tests.map((test) => path.join('dist', test));
  const jest = [path.join(root, 'tools/jest.mjs'), 'fast', `--maxWorkers=${workers}`, '--runTestsByPath'];
  return run(process.execPath, [...jest, ...files], folder);
}

/**
 * The nearest of the open tests of a package that took so many seconds before, and what they are expected to take on
 * a machine that is as busy as then.
 */
function nearest(folder, seconds) {
  const known = readTestSeconds();
  const secondsOf = (test) => known.get(path.join(folder, 'dist', test)) ?? UNKNOWN_SECONDS;
  const budget = Math.max(0, seconds - JEST_SECONDS) * cores;
  const tests = withinBudget(open.get(folder), secondsOf, budget);
  const sum = tests.map(secondsOf).reduce((a, b) => a + b, 0);
  return { tests, expected: JEST_SECONDS + Math.max(sum / cores, ...tests.map(secondsOf)) };
}

function done(folder, tests) {
  const left = open.get(folder).filter(({ test }) => !tests.includes(test));
  if (left.length > 0) open.set(folder, left);
  else open.delete(folder);
}

/** Adds what changed files call for to the open tests. */
function addTests(folder, files) {
  const graph = importGraph(path.join(folder, 'dist'));
  const exists = (file) => existsSync(path.join(folder, file));
  const found = dependentTests(graph, files.filter(exists).map(compiledName));
  const others = (open.get(folder) ?? []).filter(({ test }) => !found.some((each) => each.test === test));
  if (found.length + others.length > 0) open.set(folder, [...found, ...others]);
  return found.length > 0;
}

const inWords = (tests) => `${tests} test file${tests === 1 ? '' : 's'}`;

/** Compiles what changed and runs the tests nearest to it. @returns false if it does not compile. */
async function answer(changes) {
  const started = performance.now();
  if (!(await compile(...changes.keys()))) return false;
  for (const [folder, files] of changes) {
    console.log(`\n=== ${path.relative(root, folder)}: ${[...files].join(', ')}`);
    if (!addTests(folder, [...files])) continue;
    const { tests, expected } = nearest(folder, (ANSWER_SECONDS - secondsSince(started)) / slowness);
    const testsStarted = performance.now();
    const passed = await runTests(folder, tests);
    slowness = Math.min(
      MOST_SLOWNESS,
      Math.max(0.5, Math.sqrt(slowness * (secondsSince(testsStarted) / expected))),
    );
    done(folder, tests);
    const result = passed ? 'passed' : 'FAILED';
    console.log(`\n${inWords(tests.length)} in ${secondsSince(started).toFixed(1)} s: ${result}`);
  }
  return true;
}

/** Compiles the rest and runs the other tests, until a change interrupts it. */
async function runTheRest() {
  const started = performance.now();
  interruptible = true;
  interrupted = false;
  const count = [...open.values()].flat().length;
  if (count > 0) console.log(`${inWords(count)} that depend on changes follow`);
  const failed = [];
  if (await compile()) {
    while (!interrupted && open.size > 0) {
      const [folder] = open.keys();
      const { tests } = nearest(folder, PART_SECONDS);
      const passed = await runTests(folder, tests);
      if (interrupted) break;
      done(folder, tests);
      if (!passed) failed.push(path.relative(root, folder));
    }
  }
  interruptible = false;
  const result = failed.length > 0 ? `FAILED in ${[...new Set(failed)].join(', ')}` : 'done';
  if (interrupted) console.log('\ninterrupted by a change');
  else console.log(`\n${result} after another ${secondsSince(started).toFixed(1)} s; waiting for changes`);
}

async function checkUntilQuiet() {
  if (running) {
    if (interruptible) {
      interrupted = true;
      stop();
    }
    return;
  }
  running = true;
  while (changed.size > 0) {
    const changes = changed;
    changed = new Map();
    const compiles = await answer(changes);
    if (changed.size > 0) continue;
    if (compiles) await runTheRest();
    else console.log('\nit does not compile; waiting for changes');
  }
  running = false;
}

process.on('exit', stop);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

compactTestSeconds();
const folders = ['packages', 'apps', 'examples'].flatMap((parent) =>
  readdirSync(path.join(root, parent)).map((name) => path.join(root, parent, name)),
);
const watched = folders.filter((name) => existsSync(path.join(name, 'src')));
for (const folder of watched) {
  watch(path.join(folder, 'src'), { recursive: true }, (_, name) => {
    if (!name?.endsWith('.ts')) return;
    changed.set(folder, (changed.get(folder) ?? new Set()).add(path.join('src', name)));
    clearTimeout(timer);
    timer = setTimeout(checkUntilQuiet, QUIET_MS);
  });
}
console.log(`watching ${watched.length} folders; Ctrl+C ends it`);
