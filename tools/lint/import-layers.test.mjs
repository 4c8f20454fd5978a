// The rule as the linter runs it, on files in a copy of the folders it knows.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const OXLINT = path.resolve(import.meta.dirname, '../../node_modules/oxlint/bin/oxlint');

const ALLOWED = [
  ['losses/src/a.ts', "import { x } from '@dskd/core';"],
  ['losses/src/b.ts', "import { x } from './b.js';"],
  ['losses/src/c.ts', "import * as tf from '@tensorflow/tfjs-core';"],
  ['losses/src/a.test.ts', "import { x } from '@dskd/test-support';"],
  ['losses/src/a.test.util.ts', "import { x } from '@dskd/test-support';"],
  ['models/src/a.test.ts', "import { x } from '@dskd/wasm-gradients';"],
  ['training/src/a.test.ts', "import { x } from '@dskd/models';"],
  ['data/src/a.test.ts', "import { x } from '@dskd/synthetic/node';"],
  ['cli/src/a.ts', "const x = await import('@dskd/detector/node');"],
];
const REFUSED = [
  ['losses/src/d.ts', "import { x } from '@dskd/models';", 'may not import @dskd/models'],
  ['core/src/a.ts', "import type { X } from '@dskd/losses';", 'may not import @dskd/losses'],
  ['wasm-gradients/src/a.ts', "import { x } from '@dskd/core';", 'may not import @dskd/core'],
  ['training/src/a.ts', "export { x } from '@dskd/models/anything';", 'may not import @dskd/models'],
  ['training/src/b.ts', "export * from '@dskd/models';", 'may not import @dskd/models'],
  ['data/src/a.ts', "const x = await import('@dskd/cli');", 'may not import @dskd/cli'],
  ['scoring/src/a.ts', "let x: import('@dskd/data').Sample;", 'may not import @dskd/data'],
  ['base/src/a.test.ts', "import { x } from '@dskd/test-support';", 'may not import @dskd/test-support'],
  ['losses/src/e.ts', "import { x } from '../../core/src/index.js';", 'must stay inside its package'],
  ['losses/src/f.ts', "import { x } from '@dskd/nonsense';", 'is not in tools/lint/package-layers.mjs'],
];

describe('import-layers', () => {
  let folder;
  let found;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'dskd-layers-'));
    mkdirSync(path.join(folder, 'tools/lint'), { recursive: true });
    for (const file of ['import-layers.mjs', 'package-layers.mjs']) {
      copyFileSync(path.join(import.meta.dirname, file), path.join(folder, 'tools/lint', file));
    }
    const config = {
      jsPlugins: ['./tools/lint/import-layers.mjs'],
      categories: { correctness: 'off' },
      rules: { 'dskd/import-layers': 'error' },
    };
    writeFileSync(path.join(folder, '.oxlintrc.json'), JSON.stringify(config));
    for (const [file, code] of [...ALLOWED, ...REFUSED]) {
      const name = path.join(folder, 'packages', file);
      mkdirSync(path.dirname(name), { recursive: true });
      writeFileSync(name, `${code}\n`);
    }
    const { stdout, stderr } = spawnSync(process.execPath, [OXLINT, '--format', 'json', 'packages'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    found = new Map();
    for (const { filename, message } of JSON.parse(stdout).diagnostics) {
      const file = path.relative('packages', filename);
      found.set(file, [...(found.get(file) ?? []), message]);
    }
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(ALLOWED)('%s: %s', (file) => {
    expect(found.get(file)).toBeUndefined();
  });

  test.each(REFUSED)('%s: %s is refused', (file, _, message) => {
    expect(found.get(file)).toEqual([expect.stringContaining(message)]);
  });
});
