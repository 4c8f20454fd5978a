import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeImage, openSource } from '@dskd/data/node';
import { CATEGORIES, GENERATOR_VERSION } from '@dskd/synthetic';
import { synthOptions } from './commands/synth.js';
import { dskd } from './dskd-process.test.util.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd synth ü-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const tiny = ['--size', '128', '--train', '2', '--validation', '1', '--test', '4'];

test('offers every category', () => {
  expect(synthOptions.category.schema.enum).toEqual(CATEGORIES.map(({ name }) => name));
});

test('writes a dataset that can be read back, and prints a summary', async () => {
  const { code, stdout, stderr } = await dskd(
    'synth',
    folder,
    '--category',
    'flask',
    '--level',
    'hard',
    ...tiny,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe(
    `wrote ${path.join(folder, 'flask')}: 2 images to train on, 1 to calibrate, 4 to test with (2 good, 1 logical, 1 structural)
next: dskd train --data ${folder} --category flask …
`,
  );
  const { samples } = await openSource({ root: folder, category: 'flask' });
  expect(samples).toHaveLength(7);
  const record = JSON.parse(await readFile(path.join(folder, 'flask/synthetic.json'), 'utf8')) as object;
  expect(record).toMatchObject({ category: 'flask', size: 128, level: 'hard', seed: 7 });
});

test('--json, --preview, --seed', async () => {
  const preview = path.join(folder, 'sheets', 'tray.png');
  const args = ['synth', folder, '--seed', '3', '--preview', preview, '--json', ...tiny];
  const { code, stdout } = await dskd(...args);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    type: 'dataset-written',
    folder: path.join(folder, 'tray'),
    category: 'tray',
    size: 128,
    seed: 3,
    level: 'standard',
    generatorVersion: GENERATOR_VERSION,
    images: { train: 2, validation: 1, test: { good: 2, logical_anomalies: 1, structural_anomalies: 1 } },
    preview,
  });
  const { width } = await decodeImage(preview);
  expect(width).toBeGreaterThan(6 * 128);
});

test('keeps existing files unless --force is given', async () => {
  const preview = path.join(folder, 'sheet.png');
  await writeFile(preview, 'mine');
  const refused = await dskd('synth', folder, '--preview', preview, ...tiny);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain('--force');
  expect(await readdir(folder)).toEqual(['sheet.png']);

  expect((await dskd('synth', folder, ...tiny)).code).toBe(0);
  const again = await dskd('synth', folder, ...tiny, '--test', '0');
  expect(again.code).toBe(2);
  expect(again.stderr).toMatch(/tray is not empty[\s\S]*--force/);
  expect((await openSource({ root: folder, category: 'tray' })).samples).toHaveLength(7);

  expect((await dskd('synth', folder, ...tiny, '--test', '0', '--preview', preview, '--force')).code).toBe(0);
  expect((await openSource({ root: folder, category: 'tray' })).samples).toHaveLength(3);
  expect(await readFile(preview, 'latin1')).toMatch(/^.PNG/);
  expect((await readdir(folder)).sort()).toEqual(['sheet.png', 'tray']);
});

test.each([
  [['--size', '64'], '--size: got 64, wanted a whole number, 128 or more and at most 1024'],
  [['--category', 'trey'], '--category: got "trey", wanted one of tray, box, bag, harness, flask'],
  [['--train', '0'], '--train: got 0, wanted a whole number, 1 or more'],
  [['--train', '1000000'], 'Got train 1000000'],
])('%j is a usage error', async (args, message) => {
  const { code, stderr } = await dskd('synth', folder, ...args);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(await readdir(folder)).toEqual([]);
});
