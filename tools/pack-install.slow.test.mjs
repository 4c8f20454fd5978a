// Nobody who imports @dskd/losses downloads a codec, a command line or a backend of ours: packs base, core
// and losses, installs them with tfjs into an empty project, looks at what landed there and runs the example.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const PACKAGES = ['base', 'core', 'losses'];

const PROGRAM = `import * as tf from '@tensorflow/tfjs';
import { DskdError } from '@dskd/base';
import type { upsampleBilinear } from '@dskd/core';
import { contextualAffinityLoss, type perPixelCosineLoss, unitVectors } from '@dskd/losses';

const teacher: tf.Tensor4D = unitVectors(tf.randomUniform<tf.Rank.R4>([1, 4, 4, 8], 0, 1, 'float32', 1));
const loss: tf.Scalar = contextualAffinityLoss(teacher, teacher, { temperature: 1 });
export type Same = typeof perPixelCosineLoss;
export type Upsample = typeof upsampleBilinear;
if (loss.dataSync()[0] !== 0) throw new DskdError('numerical-instability', 'A student equal to its teacher has loss 0.');
console.log('ran');
`;

describe('packed base, core and losses', () => {
  let project;

  /** Compiles `source` strictly in the project and runs it in plain node. */
  function typeCheckAndRun(source) {
    writeFileSync(path.join(project, 'program.ts'), source);
    const tsc = path.join(root, 'node_modules/.bin/tsc');
    const flags = ['--module', 'nodenext', '--target', 'es2022', '--strict', '--skipLibCheck', 'program.ts'];
    execFileSync(tsc, flags, { cwd: project, encoding: 'utf8', stdio: 'pipe' });
    return execFileSync(process.execPath, ['program.js'], { cwd: project, encoding: 'utf8', stdio: 'pipe' });
  }

  const npm = (args, cwd = project) => execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: 'pipe' });

  beforeAll(() => {
    project = mkdtempSync(path.join(tmpdir(), 'dskd-pack-'));
    const archives = PACKAGES.map((name) => {
      const folder = path.join(root, 'packages', name);
      const [{ filename }] = JSON.parse(npm(['pack', '--json', '--pack-destination', project], folder));
      return path.join(project, filename);
    });
    writeFileSync(
      path.join(project, 'package.json'),
      JSON.stringify({ name: 'stranger', private: true, type: 'module' }),
    );
    npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', '@tensorflow/tfjs@4.22.0', ...archives]);
  });

  afterAll(() => rmSync(project, { recursive: true, force: true }));

  test('bring tfjs, base, core and losses, and nothing else of ours or of a codec', () => {
    expect(readdirSync(path.join(project, 'node_modules/@dskd')).sort()).toEqual(PACKAGES);
    const lock = JSON.parse(readFileSync(path.join(project, 'package-lock.json'), 'utf8'));
    const installed = Object.keys(lock.packages).map((name) => name.replace(/^.*node_modules\//, ''));
    const unwanted =
      /^(sharp|@img\/|commander|zod|webgpu|@tensorflow\/tfjs-backend-(wasm|webgpu)|@tensorflow\/tfjs-node)/;
    expect(installed.filter((name) => unwanted.test(name))).toEqual([]);
    expect(installed.filter((name) => name === '@tensorflow/tfjs-core')).toHaveLength(1);
  });

  test('ship no tests', () => {
    for (const name of PACKAGES) {
      const files = readdirSync(path.join(project, 'node_modules/@dskd', name), { recursive: true });
      expect(files.filter((file) => /\.test\./.test(String(file)))).toEqual([]);
    }
  });

  test('type-check and run in plain node', () => {
    expect(typeCheckAndRun(PROGRAM).trim()).toBe('ran');
  });

  test('are all that the example losses-only needs', () => {
    const example = path.join(root, 'examples/losses-only');
    const { dependencies } = JSON.parse(readFileSync(path.join(example, 'package.json'), 'utf8'));
    expect(Object.keys(dependencies)).toEqual(['@dskd/losses', '@tensorflow/tfjs']);
    const printed = typeCheckAndRun(readFileSync(path.join(example, 'src/main.ts'), 'utf8'));
    expect(printed.match(/^step \d+: loss \d\.\d{4}$/gm)).toHaveLength(4);
  });
});
