import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dskd, jsonLines, spawnDskd } from './dskd-process.test.util.js';
import { writeDataset } from './made-up-dataset.test.util.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd nothing ü-'));
  await writeDataset(path.join(folder, 'dataset'));
  await mkdir(path.join(folder, 'good parts'));
  // Four good images in a folder: three to train on, one to calibrate.
  for (const name of (await readdir(path.join(folder, 'dataset/train/good'))).slice(0, 4)) {
    await rename(path.join(folder, 'dataset/train/good', name), path.join(folder, 'good parts', name));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('dskd train --data FOLDER: a calibrated model, what it guarantees, and the next commands', async () => {
  const { code, stdout, stderr } = await spawnDskd(['train', '--data', 'good parts'], { cwd: folder });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toMatch(/^features of 3 images: \d+s$/m);
  for (const branch of ['local', 'global', 'pooled'])
    expect(stderr).toMatch(new RegExp(`^fitted ${branch}: `, 'm'));
  expect(stderr).toContain('calibrating on 1 good images');
  expect(stdout).toMatch(/^method instant at 128 x 128 pixels: trained and calibrated in \d+s, \d\.\d MiB$/m);
  expect(stdout).toContain('saved model.safetensors');
  expect(stdout).toContain("the paper's students instead");
  expect(stdout).toMatch(/for a false-alarm rate of 0\.05 from 1 images? \(held-out\)/);
  // One image is too few to guarantee a rate, and the output says so.
  expect(stdout).toContain('guarantee');
  expect(stdout).toContain('dskd predict model.safetensors NEW_IMAGES --out heat-maps');
  const model = path.join(folder, 'model.safetensors');
  const info = await dskd('info', model);
  expect(info.stdout).toContain('teacher-tiny, in the file');
  expect(info.stdout).toMatch(/input +128 x 128 pixels/);
  const predicted = await dskd('predict', model, path.join(folder, 'dataset/test/good'));
  expect(predicted.code).toBe(0);
  expect(jsonLines(predicted.stdout)).toHaveLength(2);

  const before = await readFile(model);
  const again = await spawnDskd(['train', '--data', 'good parts'], { cwd: folder });
  expect(again).toMatchObject({ code: 2, stdout: '' });
  expect(again.stderr).toContain('There is a file model.safetensors already');
  expect(Buffer.compare(await readFile(model), before)).toBe(0);
});

test('a model that stores only the hash of the embedded teacher does not need its file either', async () => {
  const out = path.join(folder, 'small.safetensors');
  const args = ['--size', '32', '--preset', 'nano', '--epochs', '1', '--no-embed-teacher', '--out', out];
  expect(await spawnDskd(['train', '--data', path.join(folder, 'good parts'), ...args])).toMatchObject({
    code: 0,
  });
  expect(existsSync(out)).toBe(true);
  const { code, stdout } = await dskd('predict', out, path.join(folder, 'dataset/test/spot'));
  expect(code).toBe(0);
  expect(jsonLines(stdout)).toHaveLength(2);
});
