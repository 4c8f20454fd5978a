import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseConfig } from '@dskd/benchmark';
import { dskd } from './dskd-process.test.util.js';
import { readConfigFile } from './options/config-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd benchmark ü-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('reports every problem of a config with its line and key', async () => {
  const file = path.join(folder, 'grid.yaml');
  await writeFile(
    file,
    `data:
  synthetic: { train: 60, validation: 12, test: 30, size: 64 }
tables: [table4, table7]
settings:
  epochs: 0
  epoch: 3
vary:
  preset:
    - nano
    - large
`,
  );
  const { code, stderr } = await dskd('benchmark', file);
  expect(code).toBe(2);
  for (const place of [
    '2:53: data.synthetic.size:',
    '3:18: tables.1:',
    '5:3: settings.epochs:',
    '6:3: settings.epoch: there is no such key here',
    '10:7: vary.preset.1:',
  ]) {
    expect(stderr).toContain(`${file}:${place}`);
  }
});

test('reports a missing config, and one with missing categories', async () => {
  const none = await dskd('benchmark', path.join(folder, 'none.yaml'));
  expect(none.code).toBe(2);
  expect(none.stderr).toContain('See bench/synthetic-grid.yaml in the repository for an example.');
  const file = path.join(folder, 'grid.yaml');
  await writeFile(file, 'data: .\ntables: [table4]\n');
  const { code, stderr } = await dskd('benchmark', file, '--results', path.join(folder, 'results'));
  expect(code).toBe(1);
  expect(stderr).toContain('contains no category: no folder with train/good in it');
});

test('the committed grid is valid', async () => {
  const file = fileURLToPath(new URL('../../../bench/synthetic-grid.yaml', import.meta.url));
  const { values } = await readConfigFile(file);
  expect(parseConfig(values)).toMatchObject({ seeds: [1, 2], tables: ['table4', 'table5'] });
});
