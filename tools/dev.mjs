// npm run dev: watches the sources; after each change compiles, and runs the fast tests that depend on what changed, in the
// packages that changed. `npm test` runs everything.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, watch } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
/** Editors write a file in several steps, and a checkout changes many files. */
const QUIET_MS = 200;
const changed = new Set();
let timer;
let running = false;

function run(command, args, cwd = root) {
  return new Promise((resolve) => {
    spawn(command, args, { cwd, stdio: 'inherit' }).on('close', (code) => resolve(code === 0));
  });
}

/** `packages/NAME/src/x.ts` as the file that jest runs. */
const compiledName = (file) => file.replace(/^src/, 'dist').replace(/\.ts$/, '.js');

async function checkChanges() {
  const files = [...changed];
  changed.clear();
  const started = performance.now();
  if (!(await run(path.join(root, 'node_modules/.bin/tsc'), ['-b']))) return;
  const byPackage = new Map();
  for (const { folder, file } of files) byPackage.set(folder, [...(byPackage.get(folder) ?? []), file]);
  for (const [folder, list] of byPackage) {
    const related = list.map(compiledName).filter((name) => existsSync(path.join(folder, name)));
    console.log(`\n=== ${path.relative(root, folder)}: ${list.join(', ')}`);
    const jest = [path.join(root, 'tools/jest.mjs'), 'fast', `--maxWorkers=${availableParallelism()}`];
    if (related.length > 0) await run(process.execPath, [...jest, '--findRelatedTests', ...related], folder);
  }
  console.log(`\n${((performance.now() - started) / 1000).toFixed(1)} s; waiting for changes`);
}

async function checkUntilQuiet() {
  if (running) return;
  running = true;
  while (changed.size > 0) await checkChanges();
  running = false;
}

const folders = ['packages', 'examples'].flatMap((parent) =>
  readdirSync(path.join(root, parent)).map((name) => path.join(root, parent, name)),
);
for (const folder of folders.filter((name) => existsSync(path.join(name, 'src')))) {
  watch(path.join(folder, 'src'), { recursive: true }, (_, name) => {
    if (!name?.endsWith('.ts')) return;
    const file = path.join('src', name);
    if (![...changed].some((one) => one.folder === folder && one.file === file))
      changed.add({ folder, file });
    clearTimeout(timer);
    timer = setTimeout(checkUntilQuiet, QUIET_MS);
  });
}
console.log(`watching ${folders.length} folders; Ctrl+C ends it`);
