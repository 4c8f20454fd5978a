import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnDskd } from './dskd-process.test.util.js';
import { installPlugin } from './install-plugin.test.util.js';
import { writeDataset } from './made-up-dataset.test.util.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd plugins ü-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

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
  await installPlugin(folder, 'own-objective', OWN_OBJECTIVE);
  const modules = fileURLToPath(new URL('../../../node_modules/@dskd', import.meta.url));
  await symlink(modules, path.join(folder, 'node_modules/@dskd'), 'junction');
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
