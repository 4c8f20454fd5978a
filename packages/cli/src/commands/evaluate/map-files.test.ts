import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encodeFloatTiff, type ImageSource, type Sample } from '@dskd/data';
import type { EvaluatedImage } from '@dskd/detector';
import { MapFiles } from './map-files.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd maps ü-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const sampleOf = (id: string, split: Sample['split'] = 'test'): Sample => ({
  id,
  split,
  label: 'good',
  defectType: 'good',
  load: () => Promise.reject(new Error('not to be read')),
});
const sourceOf = (...ids: string[]): ImageSource => ({
  name: 'tray',
  samples: [...ids.map((id) => sampleOf(id)), sampleOf('train/good/000.png', 'train')],
  fingerprint: () => Promise.resolve('0'.repeat(64)),
});

function imageOf(id: string): EvaluatedImage {
  const map = (value: number): EvaluatedImage['maps']['fused'] => ({
    data: new Float32Array(6).fill(value),
    width: 3,
    height: 2,
  });
  const maps = { fused: map(1), branches: { local: map(2) } };
  return { sample: sampleOf(id), maps } as unknown as EvaluatedImage;
}

test.each([
  ['fused', 1],
  ['local', 2],
])("maps of %s are where MVTec's scripts expect them, with every bit", async (score, value) => {
  const files = MapFiles.in(
    path.join(folder, score),
    sourceOf('test/good/000.png', 'test/hole/b.c.jpg'),
    score,
  );
  for (const id of ['test/good/000.png', 'test/hole/b.c.jpg']) await files.write(imageOf(id));
  expect((await readdir(path.join(folder, score), { recursive: true })).sort()).toEqual(
    ['tray', 'tray/test', 'tray/test/good', 'tray/test/good/000.tiff', 'tray/test/hole']
      .concat('tray/test/hole/b.c.tiff')
      .map((name) => path.normalize(name)),
  );
  const wanted = encodeFloatTiff({ data: new Float32Array(6).fill(value), width: 3, height: 2 });
  const written = await readFile(path.join(folder, score, 'tray/test/hole/b.c.tiff'));
  expect(Buffer.compare(written, wanted)).toBe(0);
});

test('refuses images with the same map file, or one outside the folder, before it does any work', () => {
  expect(() => MapFiles.in(folder, sourceOf('test/a.png', 'test/a.jpg'), 'fused')).toThrow(
    'The maps of test/a.png and test/a.jpg would be the same file',
  );
  expect(() => MapFiles.in(folder, sourceOf('../../a.png'), 'fused')).toThrow('would be outside');
});

test('refuses a folder that cannot be written, before it does any work', async () => {
  const inTheWay = path.join(folder, 'file');
  await writeFile(inTheWay, '');
  await expect(
    MapFiles.in(inTheWay, sourceOf('test/a.png'), 'fused').assertWritableFor([{ name: 'local', map: true }]),
  ).rejects.toMatchObject({ code: 'file-not-writable' });
});

test('a branch without a map has no map to write', async () => {
  const files = MapFiles.in('x', sourceOf('test/a.png'), 'pooled');
  const branches = [
    { name: 'local', map: true },
    { name: 'pooled', map: false },
  ];
  await expect(files.assertWritableFor(branches)).rejects.toThrow(
    'Got maps of "pooled", wanted one of fused, local.',
  );
});
