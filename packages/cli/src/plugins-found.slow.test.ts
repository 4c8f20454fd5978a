import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawnDskd, type Outcome } from './dskd-process.test.util.js';
import { installPlugin } from './install-plugin.test.util.js';

let folder: string;
const installed = (name: string, code: string, exports?: unknown): Promise<void> =>
  installPlugin(folder, name, code, exports);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd plugins ü-'));
  await installed('made-up-plugin', "globalThis.loaded = 'yes'; console.error('made-up-plugin is here');");
  await installed('failing-plugin', "throw new Error('it does not work');");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

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
