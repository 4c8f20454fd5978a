import { createHash } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import {
  errorOf,
  makePng,
  maskPng,
  plainPng,
  problemsOf,
  temporaryFolder,
  type TemporaryFolder,
} from './fabricate.test.util.js';
import { openManifest } from './manifest.js';
import { openMvtecAd } from './mvtec-ad.js';

let folder: TemporaryFolder;
beforeEach(async () => (folder = await temporaryFolder()));
afterEach(() => folder.remove());

const files: Readonly<Record<string, Buffer>> = {
  'train/good/a.png': plainPng(2, 2, [1, 2, 3]),
  'train/good/b.png': plainPng(2, 2, [4, 5, 6]),
  'test/dent/a.png': plainPng(2, 2, [7, 8, 9]),
  'ground_truth/dent/a_mask.png': maskPng(2, 2),
};

const fingerprint = async (root = folder.root): Promise<string> =>
  (await openMvtecAd({ root })).fingerprint();

describe('fingerprint', () => {
  test('does not depend on the location of the data or the order of writing', async () => {
    await folder.write(files);
    const first = await fingerprint();
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    const other = await temporaryFolder();
    try {
      await other.write(Object.fromEntries(Object.entries(files).reverse()));
      await other.write({ 'train/good/.hidden.png': 'x', 'readme.txt': 'x' });
      expect(await fingerprint(other.root)).toBe(first);
    } finally {
      await other.remove();
    }
  });

  test('changes with a pixel, a mask, a type of defect, a label and a split, not with a name', async () => {
    await folder.write(files);
    const seen = new Set([await fingerprint()]);
    const { root } = folder;
    await folder.write({ 'train/good/a.png': plainPng(2, 2, [1, 2, 4]) });
    seen.add(await fingerprint());
    await rm(`${root}/ground_truth`, { recursive: true });
    seen.add(await fingerprint());
    const before = await fingerprint();
    await rename(`${root}/train/good/a.png`, `${root}/train/good/c.png`);
    expect(await fingerprint()).toBe(before);
    await rename(`${root}/test/dent`, `${root}/test/scratch`);
    seen.add(await fingerprint());
    await rename(`${root}/test/scratch`, `${root}/test/good`);
    seen.add(await fingerprint());
    await mkdir(`${root}/validation`);
    await rename(`${root}/test/good`, `${root}/validation/good`);
    seen.add(await fingerprint());
    expect(seen.size).toBe(6);
  });

  test('stops when aborted', async () => {
    await folder.write(files);
    const source = await openMvtecAd({ root: folder.root });
    expect((await errorOf(source.fingerprint({ signal: AbortSignal.abort() }))).code).toBe('aborted');
  });
});

describe('samples', () => {
  test('contain the path and hash of their files', async () => {
    await folder.write(files);
    const { samples } = await openMvtecAd({ root: folder.root });
    const sha256 = (name: string): string => createHash('sha256').update(files[name]!).digest('hex');
    expect(samples[0]).toMatchObject({
      id: 'test/dent/a.png',
      origin: { file: `${folder.root}/test/dent/a.png`, sha256: sha256('test/dent/a.png') },
      maskOrigin: {
        file: `${folder.root}/ground_truth/dent/a_mask.png`,
        sha256: sha256('ground_truth/dent/a_mask.png'),
      },
    });
    expect(samples[1]).toMatchObject({ origin: { file: `${folder.root}/train/good/a.png` } });
    expect('maskOrigin' in samples[1]!).toBe(false);
  });
});

describe('checks when a source is opened', () => {
  const open = (options: object = {}): ReturnType<typeof openMvtecAd> =>
    openMvtecAd({ root: folder.root, ...options });

  test('the same file in two splits, or with two labels', async () => {
    await folder.write({
      ...files,
      'train/good/b copy.png': files['train/good/b.png'],
      'validation/good/1.png': files['train/good/a.png'],
      'test/good/1.png': files['train/good/b.png'],
      'test/good/2.png': files['test/dent/a.png'],
    });
    const error = await errorOf(open());
    expect(problemsOf(error)).toEqual([
      'test/good/1.png: the same file, byte for byte, as train/good/b copy.png, which is in train',
      'test/good/2.png: the same file, byte for byte, as test/dent/a.png, which is anomalous',
      'validation/good/1.png: the same file, byte for byte, as train/good/a.png, which is in train',
    ]);
    expect(error.hint).toContain("duplicates: 'allowed'");
    expect((await open({ duplicates: 'allowed' })).samples).toHaveLength(7);
  });

  test('masks that are empty, mark a good image, or are no masks', async () => {
    const gray = (width: number, value: (x: number) => number): Buffer =>
      makePng({
        width,
        height: 1,
        colorType: 0,
        bitDepth: 8,
        rows: [Array.from({ length: width }, (_, x) => value(x))],
      });
    await folder.write({
      'train/good/a.png': gray(100, () => 1),
      'test/dent/empty.png': gray(100, () => 2),
      'ground_truth/dent/empty_mask.png': gray(100, () => 0),
      'test/dent/photograph.png': gray(100, () => 3),
      'ground_truth/dent/photograph_mask.png': gray(100, (x) => (x * 37) % 256),
      'test/dent/faint.png': gray(100, () => 4),
      'ground_truth/dent/faint_mask.png': gray(100, (x) => Number(x === 3)),
    });
    expect(problemsOf(await errorOf(open()))).toEqual([
      'ground_truth/dent/empty_mask.png: the mask has no marked pixels, but its image test/dent/empty.png is anomalous',
      'ground_truth/dent/photograph_mask.png: it has as many different values as a photograph; in a mask good pixels are 0 (black) and others have one or few other values',
    ]);
  });

  test('a good image may only have an empty mask', async () => {
    await folder.write({
      ...files,
      'empty.png': makePng({
        width: 2,
        height: 2,
        colorType: 0,
        bitDepth: 8,
        rows: [
          [0, 0],
          [0, 0],
        ],
      }),
      'list.csv': 'path,mask\ntrain/good/a.png,empty.png\ntrain/good/b.png,ground_truth/dent/a_mask.png\n',
    });
    expect(problemsOf(await errorOf(openManifest({ file: `${folder.root}/list.csv` })))).toEqual([
      'ground_truth/dent/a_mask.png: the mask has 1 marked pixels, but its image train/good/b.png is good (line 3)',
    ]);
  });

  test('damage in the middle of an image, with `thorough`', async () => {
    const noise = Array.from({ length: 64 }, (_, y) =>
      Array.from({ length: 64 }, (_, x) => (x * x * 31 + y * y * 17) % 251),
    );
    const damaged = makePng({ width: 64, height: 64, colorType: 0, bitDepth: 8, rows: noise });
    damaged.fill(0, damaged.length >> 1, (damaged.length >> 1) + 16);
    await folder.write({ ...files, 'train/good/damaged.png': damaged });
    expect((await open()).samples).toHaveLength(4);
    expect(problemsOf(await errorOf(open({ thorough: true })))).toEqual([
      expect.stringMatching(/^train\/good\/damaged\.png: a damaged or truncated PNG \(.+\)$/),
    ]);
  });
});
