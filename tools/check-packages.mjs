// Checks each published package as npm would publish it: publint, attw, a dry run of `npm publish`, and rules of this
// repository.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { PACKAGE_LAYERS } from './lint/package-layers.mjs';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '..');
/** What a package that others install asks for: the user's installation chooses the newest version that fits. */
const CARET = /^\^\d+\.\d+\.\d+(-[\w.]+)?$/;
/** Modules only: that TypeScript for CommonJS or of old Node cannot resolve them is intended. */
const OLD_RESOLUTION = new Set(['node10', 'node16-cjs']);

const published = readdirSync(path.join(root, 'packages'))
  .map((name) => path.join(root, 'packages', name))
  .map((folder) => ({
    folder,
    manifest: JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')),
  }))
  .filter(({ manifest }) => !manifest.private);

/** Rules of this repository that no published tool checks. */
function ruleProblems({ folder, manifest }) {
  const problems = [];
  const name = manifest.name.replace('@dskd/', '');
  const allowed = PACKAGE_LAYERS[name];
  if (!allowed) return [`${manifest.name} is not in tools/lint/package-layers.mjs`];
  for (const [dependency, range] of Object.entries(manifest.dependencies ?? {})) {
    const ours = /^@dskd\/(.+)$/.exec(dependency)?.[1];
    if (ours && !allowed.includes(ours)) problems.push(`depends on ${dependency}, against the layers`);
    if (!CARET.test(range)) problems.push(`${dependency} is ${range}; wanted a caret range such as ^1.2.3`);
  }
  if (manifest.type !== 'module') problems.push('is not ESM');
  if (manifest.license !== 'Apache-2.0') problems.push('has no Apache-2.0 license');
  const { url, directory } = manifest.repository ?? {};
  if (!url || directory !== `packages/${path.basename(folder)}`) {
    problems.push(`has no repository with the directory packages/${path.basename(folder)}`);
  }
  for (const file of ['README.md', 'LICENSE']) {
    if (!existsSync(path.join(folder, file))) problems.push(`has no ${file}`);
  }
  return problems;
}

async function publintProblems({ manifest }, tarball) {
  const pack = { tarball: tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength) };
  const { messages } = await publint({ pack, strict: true });
  return messages.map((message) => `publint: ${formatMessage(message, manifest)}`);
}

async function typeProblems(tarball) {
  const { types, problems } = await checkPackage(createPackageFromTarballData(new Uint8Array(tarball)));
  if (!types) return ['attw: the package has no types'];
  return problems
    .filter(({ resolutionKind }) => !OLD_RESOLUTION.has(resolutionKind))
    .map((problem) => `attw: ${JSON.stringify(problem)}`);
}

const scratch = mkdtempSync(path.join(tmpdir(), 'dskd-packages-'));
let passed = 0;
let failed = 0;
try {
  const workspaces = published.flatMap(({ folder }) => ['-w', folder]);
  const npm = (args) => run('npm', [...args, ...workspaces], { cwd: root, maxBuffer: 2 ** 28 });
  const { stdout } = await npm(['pack', '--json', '--pack-destination', scratch]);
  const archives = new Map(JSON.parse(stdout).map(({ name, filename }) => [name, filename]));
  for (const one of published) {
    const tarball = readFileSync(path.join(scratch, archives.get(one.manifest.name)));
    const problems = [
      ...ruleProblems(one),
      ...(await publintProblems(one, tarball)),
      ...(await typeProblems(tarball)),
    ];
    if (problems.length === 0) passed++;
    else failed++;
    const list = problems.map((problem) => `\n  ${problem}`).join('');
    console.log(`${list ? 'NOT OK' : 'ok'} ${one.manifest.name}${list}`);
  }
  await npm(['publish', '--dry-run', '--provenance=false']).catch((error) => {
    failed++;
    console.log(`NOT OK npm publish --dry-run\n${error.stderr}`);
  });
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`packages: ${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
