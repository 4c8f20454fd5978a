import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dskd, jsonLines } from './dskd-process.test.util.js';
import { writeDataset } from './made-up-dataset.test.util.js';

let folder: string;
let data: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd-damaged-ü-'));
  data = path.join(folder, 'parts');
  await writeDataset(data);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Damages pixels: the header and the end of the file stay, so only decoding can tell. */
async function damage(name: string): Promise<void> {
  const bytes = await readFile(path.join(data, name));
  const pixels = bytes.indexOf('IDAT') + 6;
  await writeFile(path.join(data, name), bytes.fill(0xee, pixels, pixels + 5));
}

const train = (...more: string[]): ReturnType<typeof dskd> =>
  dskd('train', '--data', data, '--size', '32', '--out', path.join(folder, 'model.safetensors'), ...more);

test('dskd train refuses a damaged test image with the damaged training images, before the first step', async () => {
  await damage('test/spot/001.png');
  await damage('train/good/002.png');
  const { code, stdout } = await train('--json', '--report', path.join(folder, 'report.html'));
  const events = jsonLines(stdout);
  expect(code).toBe(1);
  expect(events.at(-1)).toMatchObject({
    code: 'dataset-invalid',
    details: { problems: [{ path: 'test/spot/001.png' }, { path: 'train/good/002.png' }] },
  });
  expect(new Set(events.slice(0, -1).map(({ type }) => type))).toEqual(new Set(['image-read']));
  expect(events.at(-2)).toMatchObject({ done: 10, total: 12 });
  expect(await readdir(folder)).toEqual(['parts']);
});

test('dskd train refuses a damaged mask of a test image', async () => {
  await damage('ground_truth/spot/000_mask.png');
  const { code, stdout } = await train('--json');
  expect(code).toBe(1);
  expect(jsonLines(stdout)).toMatchObject([
    { code: 'dataset-invalid', details: { problems: [{ path: 'ground_truth/spot/000_mask.png' }] } },
  ]);
  expect(await readdir(folder)).toEqual(['parts']);
});
