import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encodeImage, writeFileAtomically } from '@dskd/data/node';
import { prepareCategories, readCategories } from './prepare-data.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'dskd categories ü-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Writes a PNG of noise, so that its pixels are most of the file. */
async function write(file: string, seed: number): Promise<string> {
  const data = Uint8Array.from(
    { length: 48 * 48 * 3 },
    (_, index) => (index * (seed + 7) * 2654435761) >>> 9,
  );
  const whole = path.join(root, file);
  await writeFileAtomically(whole, await encodeImage({ data, width: 48, height: 48, channels: 3 }));
  return whole;
}

/** Damages the middle of a file: its head and its end stay. */
async function damage(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes.fill(0x55, bytes.length >> 1, (bytes.length >> 1) + 400);
  await writeFile(file, bytes);
}

test('damaged test images of all categories are found before the first training', async () => {
  const tests: string[] = [];
  for (const [index, category] of ['nut', 'tray'].entries()) {
    await write(`${category}/train/good/0.png`, 10 * index);
    await write(`${category}/train/good/1.png`, 10 * index + 1);
    tests.push(await write(`${category}/test/good/0.png`, 10 * index + 2));
  }
  const config = { data: root, tables: [] };
  const categories = await prepareCategories(config, path.join(root, 'results'));
  const read: [string, number][] = [];
  const onRead = (category: string, done: number): void => void read.push([category, done]);
  await readCategories(categories, { onRead });
  for (const file of tests) await damage(file);
  await expect(readCategories(categories, { onRead })).rejects.toMatchObject({
    code: 'dataset-invalid',
    details: { problems: [{ path: 'nut/test/good/0.png' }, { path: 'tray/test/good/0.png' }] },
  });
  expect(read).toEqual([
    ['nut', 1],
    ['tray', 2],
    ['nut', 1],
    ['tray', 2],
  ]);
  const signal = AbortSignal.abort();
  await expect(readCategories(categories, { signal })).rejects.toMatchObject({ code: 'aborted' });
});
