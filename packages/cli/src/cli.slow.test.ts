import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dskd, jsonLines, spawnDskd } from './dskd-process.test.util.js';
import { writeDataset, writeTeacher } from './made-up-dataset.test.util.js';

let folder: string;
let data: string;

/** Arguments without the number of epochs. */
const train = (out: string, ...more: string[]): string[] =>
  [
    'train',
    '--data',
    data,
    '--teacher',
    'squeezenet1_1',
    '--weights',
    path.join(folder, 'teacher.safetensors'),
  ].concat(['--size', '32', '--batch-size', '3', '--no-workers', '--out', out], more);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd cli ü-'));
  data = path.join(folder, 'good parts');
  await writeDataset(data);
  await writeTeacher(path.join(folder, 'teacher.safetensors'));
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
