import { rename, rm } from 'node:fs/promises';
import { errorOf, maskPng, plainPng, temporaryFolder, type TemporaryFolder } from './fabricate.test.util.js';
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
  (await openMvtecAd({ root, masks: 'optional' })).fingerprint();

describe('fingerprint', () => {
  test('is the same wherever the data lies and in whatever order it was written', async () => {
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

  test('changes with a pixel, a mask, a name, a split and a label', async () => {
    await folder.write(files);
    const seen = new Set([await fingerprint()]);
    const { root } = folder;
    await folder.write({ 'train/good/a.png': plainPng(2, 2, [1, 2, 4]) });
    seen.add(await fingerprint());
    await rm(`${root}/ground_truth/dent/a_mask.png`);
    seen.add(await fingerprint());
    await rename(`${root}/train/good/a.png`, `${root}/train/good/c.png`);
    seen.add(await fingerprint());
    await rename(`${root}/test/dent`, `${root}/test/scratch`);
    seen.add(await fingerprint());
    await rename(`${root}/test/scratch`, `${root}/test/good`);
    seen.add(await fingerprint());
    expect(seen.size).toBe(6);
  });

  test('stops when aborted', async () => {
    await folder.write(files);
    const source = await openMvtecAd({ root: folder.root });
    expect((await errorOf(source.fingerprint({ signal: AbortSignal.abort() }))).code).toBe('aborted');
  });
});
