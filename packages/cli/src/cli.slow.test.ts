import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encodeImage } from '@dskd/data/node';
import { dskd, jsonLines, spawnDskd } from './dskd-process.test.util.js';
import { writeDataset, writeTeacher } from './made-up-dataset.test.util.js';

let folder: string;
let data: string;

const weights = (): string => path.join(folder, 'teacher.safetensors');

/** Arguments without the number of epochs. */
const train = (out: string, ...more: string[]): string[] =>
  ['train', '--data', data, '--teacher', 'squeezenet1_1', '--weights', weights()].concat(
    ['--size', '32', '--batch-size', '3', '--no-workers', '--out', out],
    more,
  );

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd cli ü-'));
  data = path.join(folder, 'good parts');
  await writeDataset(data);
  await writeTeacher(weights());
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('students trained separately and combined give the same scores as students trained together', async () => {
  const [both, local, global, combined] = ['both', 'local', 'global', 'combined'].map((name) =>
    path.join(folder, `${name}.safetensors`),
  ) as [string, string, string, string];
  for (const [student, out] of Object.entries({ both, local, global })) {
    const { code } = await spawnDskd(train(out, '--student', student, '--preset', 'nano', '--epochs', '2'));
    expect(code).toBe(0);
  }
  const { code, stdout } = await dskd('combine', local, global, '--data', data, '--out', combined);
  expect(code).toBe(0);
  expect(stdout).toContain(`saved ${combined}`);
  const images = path.join(data, 'test');
  const together = await dskd('predict', both, images);
  expect((await dskd('predict', combined, images)).stdout).toBe(together.stdout);
  const { stdout: told } = await dskd('info', combined);
  expect(told).toContain('trained local\n');
  expect(told).toContain('trained global\n');
});

test('--preset paper prints its cost on this machine; --dry-run does not train', async () => {
  const out = path.join(folder, 'paper.safetensors');
  const { code, stdout } = await spawnDskd(train(out, '--preset', 'paper', '--dry-run', '--json'));
  expect(code).toBe(0);
  const [cost] = jsonLines(stdout);
  // 7 of 8 images are trained on, in batches of 3 (a single remaining image joins the previous batch), for the
  // paper's 200 epochs.
  expect(cost).toMatchObject({ type: 'training-cost', steps: 400 });
  expect(cost!.seconds).toBeGreaterThan(0);
  expect(await readdir(folder)).not.toContain('paper.safetensors');
});

test('letterbox, augmentation, levels, ignored pixels and float16 are stored in the model, its teacher is not', async () => {
  const out = path.join(folder, 'small.safetensors');
  const mask = path.join(folder, 'ignore.png');
  const augmentation = path.join(folder, 'augment.json');
  const pixels = new Uint8Array(40 * 40).fill(255, 0, 40 * 10);
  await writeFile(mask, await encodeImage({ data: pixels, width: 40, height: 40, channels: 1 }));
  await writeFile(augmentation, JSON.stringify({ rotation: { degrees: 2 } }));
  const more = '--no-embed-teacher --epochs 1 --fit letterbox --storage float16'.split(' ');
  const masks = ['--augment', augmentation, '--ignore-mask', mask];
  const forms =
    '--levels features.7,features.12 --normalization quantiles --global-objective covarianceAffinity'.split(
      ' ',
    );
  const { code } = await dskd(...train(out, '--preset', 'nano', ...more, ...masks, ...forms));
  expect(code).toBe(0);
  expect((await readFile(out)).byteLength).toBeLessThan(
    (await readFile(path.join(folder, 'both.safetensors'))).byteLength,
  );
  const { stdout } = await dskd('info', out);
  expect(stdout).toContain('32 x 32 pixels, letterbox');
  expect(stdout).toMatch(/ignored pixels +as the mask in the file says/);
  expect(stdout).toContain('stored as float16');
  expect(stdout).toContain('squeezenet1_1, not in the file');
  expect(stdout).toMatch(/levels +features\.7[^\n]+features\.12/);
  expect(stdout).not.toContain('features.4');
  expect(stdout).toMatch(/fusion +[^\n]+ normalized by quantiles/);
  expect(stdout).toMatch(/branch +weight +0\.9 quantile +to the 0\.995 +normal scores/);
  expect(stdout).toMatch(/branch +student +objective\n/);
  expect(stdout).toContain('covarianceAffinity');
  expect(stdout).toMatch(/augmentation +rotation.degrees 2/);
  const spot = path.join(data, 'test/spot/000.png');
  const without = await dskd('predict', out, spot);
  expect(without.code).toBe(1);
  expect(without.stderr).toContain('--weights FILE');
  const predicted = await dskd('predict', out, spot, '--threshold', '-1000', '--weights', weights());
  expect(predicted.code).toBe(0);
  // With that threshold all pixels that are not ignored form one region; the ignored upper quarter is not part of it.
  expect(jsonLines(predicted.stdout)[0]!.regions).toMatchObject([
    { box: { left: 0, top: 10, width: 40, height: 30 } },
  ]);
  const lowerToo = path.join(folder, 'ignore more.png');
  pixels.fill(255, 40 * 30);
  await writeFile(lowerToo, await encodeImage({ data: pixels, width: 40, height: 40, channels: 1 }));
  const masked = ['--threshold', '-1000', '--weights', weights(), '--ignore-mask', lowerToo];
  expect(jsonLines((await dskd('predict', out, spot, ...masked)).stdout)[0]!.regions).toMatchObject([
    { box: { left: 0, top: 10, width: 40, height: 20 } },
  ]);
});
