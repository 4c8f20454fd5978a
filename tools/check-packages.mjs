// Checks each published package: publint, attw, and rules of this repository.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { PACKAGE_LAYERS } from './eslint/package-layers.mjs';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '..');
const EXACT = /^(npm:.+@)?\d+\.\d+\.\d+$/;

/** Rules of this repository that no published tool checks. */
function ruleProblems(folder, manifest) {
  const problems = [];
  const name = manifest.name.replace('@dskd/', '');
  const allowed = PACKAGE_LAYERS[name];
  if (!allowed) return [`${manifest.name} is not in tools/eslint/package-layers.mjs`];
  for (const [dependency, range] of Object.entries(manifest.dependencies ?? {})) {
    const ours = /^@dskd\/(.+)$/.exec(dependency)?.[1];
    if (ours && !allowed.includes(ours)) problems.push(`depends on ${dependency}, against the layers`);
    if (!ours && !EXACT.test(range)) problems.push(`${dependency} is not pinned exactly: ${range}`);
  }
  if (manifest.type !== 'module') problems.push('is not ESM');
  if (manifest.license !== 'Apache-2.0') problems.push('has no Apache-2.0 license');
  for (const file of ['README.md', 'LICENSE']) {
    if (!existsSync(path.join(folder, file))) problems.push(`has no ${file}`);
  }
  return problems;
}

async function commandProblems(folder, command, args) {
  try {
    await run(path.join(root, 'node_modules/.bin', command), args, { cwd: folder });
    return [];
  } catch (error) {
    return [`${command}: ${error.stdout}${error.stderr}`.trim()];
  }
}

let passed = 0;
let failed = 0;
for (const name of readdirSync(path.join(root, 'packages'))) {
  const folder = path.join(root, 'packages', name);
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  if (manifest.private) continue;
  const checks = await Promise.all([
    ruleProblems(folder, manifest),
    commandProblems(folder, 'publint', ['--strict']),
    commandProblems(folder, 'attw', ['--pack', '.', '--profile', 'esm-only']),
  ]);
  const problems = checks.flat();
  if (problems.length === 0) passed++;
  else failed++;
  console.log(
    problems.length === 0 ? `ok ${manifest.name}` : `NOT OK ${manifest.name}\n  ${problems.join('\n  ')}`,
  );
}
console.log(`packages: ${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
