import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnDskd, type Outcome } from './dskd-process.test.util.js';
import { writeDataset } from './made-up-dataset.test.util.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd plugins ü-'));
  await installed('made-up-plugin', "globalThis.loaded = 'yes'; console.error('made-up-plugin is here');");
  await installed('failing-plugin', "throw new Error('it does not work');");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Writes a package with one module to the folder's node_modules. */
async function installed(name: string, code: string, exports: unknown = './index.js'): Promise<void> {
  const root = path.join(folder, 'node_modules', name);
  await mkdir(root, { recursive: true });
  const description = { name, version: '1.0.0', type: 'module', exports };
  await writeFile(path.join(root, 'package.json'), JSON.stringify(description));
  await writeFile(path.join(root, 'index.js'), code);
  await writeFile(path.join(root, 'index.cjs'), code.replace(' here', ' here, required'));
}

// The model does not exist, so the command fails after its plugins have been loaded.
const info = (...args: string[]): Promise<Outcome> =>
  spawnDskd(['predict', 'no-model', 'no-image.png', ...args], { cwd: folder });

test('a package of the working folder is imported before the command runs; a path and a config file work as well', async () => {
  await writeFile(path.join(folder, 'own.mjs'), 'console.error(`own plugin, after ${globalThis.loaded}`);');
  const { code, stderr } = await info('--plugin', 'made-up-plugin', '--plugin', './own.mjs');
  expect(stderr).toMatch(/^made-up-plugin is here\nown plugin, after yes\ndskd: /);
  expect(code).toBe(2);
  await writeFile(path.join(folder, 'dskd.yaml'), 'plugin: [made-up-plugin]\n');
  expect((await info('--config', 'dskd.yaml')).stderr).toMatch(/^made-up-plugin is here\n/);
});

test.each([
  ['import', { import: './index.js' }, 'is here'],
  ['require', { require: './index.cjs' }, 'is here, required'],
  ['import before require', { require: './index.cjs', import: './index.js' }, 'is here'],
])('finds a package whose package.json exports under %s', async (_, conditions, words) => {
  await installed('conditional', "console.error('it is here');", { '.': conditions });
  expect((await info('--plugin', 'conditional')).stderr.split('\n')[0]).toBe(`it ${words}`);
});

test('for a package without usable exports, says what it must export', async () => {
  await installed('for-browsers', '', { '.': { browser: './index.js' } });
  const { code, stderr } = await info('--plugin', 'for-browsers');
  expect(code).toBe(2);
  expect(stderr).toContain('must export "." under "import", "require" or "default"');
});

test('a path is not a URL: spaces, special characters, no extension', async () => {
  await mkdir(path.join(folder, 'own 100%'));
  await writeFile(path.join(folder, 'own 100%', 'plug#in.js'), "console.error('by its path');");
  for (const name of ['./own 100%/plug#in', path.join(folder, 'own 100%', 'plug#in.js')]) {
    expect((await info('--plugin', name)).stderr).toMatch(/^by its path\n/);
  }
});

/** A method that differs from `dskd` only in its name, and an objective for it. */
const OWN_OBJECTIVE = `
  import { isMainThread } from 'node:worker_threads';
  import { createObjective, registerObjective } from '@dskd/losses';
  import { createMethod, registerMethod } from '@dskd/methods';
  console.error(isMainThread ? 'in the program' : 'in a thread of a student');
  registerObjective('own', () => ({ ...createObjective({ name: 'perPixelCosine' }), name: 'own', options: {} }));
  registerMethod({ ...(await createMethod('dskd')), name: 'own-method' });
`;

test('an objective of a plugin trains in worker threads as well', async () => {
  // Links the packages as npm installs them, so that the plugin registers with the packages that the command uses.
  const modules = fileURLToPath(new URL('../../../node_modules/@dskd', import.meta.url));
  await symlink(modules, path.join(folder, 'node_modules/@dskd'), 'junction');
  await installed('own-objective', OWN_OBJECTIVE);
  await writeDataset(path.join(folder, 'data'));
  const branch = { branch: 'local', objective: { name: 'own' }, optimizer: { learningRate: 0.005 } };
  const options = { preset: 'nano', epochs: 1, batchSize: 4, branches: { local: branch } };
  const args = ['--data', 'data', '--size', '32', '--backend', 'wasm'];
  const method = ['--method', 'own-method', '--method-options', JSON.stringify(options)];
  const { code, stderr } = await spawnDskd(['train', '--plugin', 'own-objective', ...method, ...args], {
    cwd: folder,
  });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toContain('in the program');
  expect(stderr.includes('in a thread of a student')).toBe(availableParallelism() > 1);
});

test('a package that is not installed is a usage error', async () => {
  const { code, stderr } = await info('--plugin', 'absent-plugin');
  expect(code).toBe(2);
  expect(stderr).toContain('Cannot find the plugin absent-plugin');
  expect(stderr).toContain('npm install absent-plugin');
});

test('a package that throws gives the reason', async () => {
  const { code, stdout } = await info('--plugin', 'failing-plugin', '--json');
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    type: 'error',
    code: 'plugin-failed',
    message: 'The plugin failing-plugin cannot be loaded: it does not work.',
  });
});
