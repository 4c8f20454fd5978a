import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawnDskd, type Outcome } from './dskd-process.test.util.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd plugins ü-'));
  await installed('made-up-plugin', "globalThis.loaded = 'yes'; console.error('made-up-plugin is here');");
  await installed('failing-plugin', "throw new Error('it does not work');");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Writes a package of one module to the node_modules of the folder. */
async function installed(name: string, code: string): Promise<void> {
  const root = path.join(folder, 'node_modules', name);
  await mkdir(root, { recursive: true });
  const description = { name, version: '1.0.0', type: 'module', exports: './index.js' };
  await writeFile(path.join(root, 'package.json'), JSON.stringify(description));
  await writeFile(path.join(root, 'index.js'), code);
}

// There is no such model: the command fails after its plugins have been loaded.
const info = (...args: string[]): Promise<Outcome> =>
  spawnDskd(['predict', 'no-model', 'no-image.png', ...args], { cwd: folder });

test('a package of the working folder is imported before the command runs; a path and a config file work, too', async () => {
  await writeFile(path.join(folder, 'own.mjs'), 'console.error(`own plugin, after ${globalThis.loaded}`);');
  const { code, stderr } = await info('--plugin', 'made-up-plugin', '--plugin', './own.mjs');
  expect(stderr).toMatch(/^made-up-plugin is here\nown plugin, after yes\ndskd: /);
  expect(code).toBe(2);
  await writeFile(path.join(folder, 'dskd.yaml'), 'plugin: [made-up-plugin]\n');
  expect((await info('--config', 'dskd.yaml')).stderr).toMatch(/^made-up-plugin is here\n/);
});

test('one that is not installed is wrong use', async () => {
  const { code, stderr } = await info('--plugin', 'absent-plugin');
  expect(code).toBe(2);
  expect(stderr).toContain('Cannot find the plugin absent-plugin');
  expect(stderr).toContain('npm install absent-plugin');
});

test('one that throws says why', async () => {
  const { code, stdout } = await info('--plugin', 'failing-plugin', '--json');
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    type: 'error',
    code: 'plugin-failed',
    message: 'The plugin failing-plugin cannot be loaded: it does not work.',
  });
});
