import { mkdir, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { splitBySeed } from '../split-by-seed.js';
import { sourceOf } from '../fingerprint.js';
import { errorOf, maskPng, plainPng, temporaryFolder, type TemporaryFolder } from './fabricate.test.util.js';
import { openManifest, writeManifest } from './manifest.js';
import { openSource } from './open-source.js';

let folder: TemporaryFolder;
beforeEach(async () => (folder = await temporaryFolder()));
afterEach(() => folder.remove());

const files = {
  'cap/train/good/a.png': plainPng(2, 2, [1, 0, 0]),
  'cap/train/good/ b, "2";\u00fc.png': plainPng(2, 2, [2, 0, 0]),
  'cap/validation/good/c.png': plainPng(2, 2, [3, 0, 0]),
  'cap/test/good/d.png': plainPng(2, 2, [4, 0, 0]),
  'cap/test/dent/e.png': plainPng(2, 2, [5, 0, 0]),
  'cap/ground_truth/dent/e_mask.png': maskPng(2, 2),
};

test('CSV and JSON lines, as documented', async () => {
  await folder.write(files);
  const source = await openSource({ root: `${folder.root}/cap` });
  await writeManifest(source, `${folder.root}/cap.csv`);
  expect(await readFile(`${folder.root}/cap.csv`, 'utf8')).toBe(`path,label,split,mask,defect
cap/test/dent/e.png,anomalous,test,cap/ground_truth/dent/e_mask.png,dent
cap/test/good/d.png,good,test,,
"cap/train/good/ b, ""2"";\u00fc.png",good,train,,
cap/train/good/a.png,good,train,,
cap/validation/good/c.png,good,validation,,
`);
  await writeManifest(source, `${folder.root}/cap.jsonl`);
  const [first, second] = (await readFile(`${folder.root}/cap.jsonl`, 'utf8')).split('\n');
  expect(JSON.parse(first!)).toEqual({
    path: 'cap/test/dent/e.png',
    label: 'anomalous',
    split: 'test',
    mask: 'cap/ground_truth/dent/e_mask.png',
    defect: 'dent',
  });
  expect(JSON.parse(second!)).toEqual({ path: 'cap/test/good/d.png', label: 'good', split: 'test' });
});

test.each(['list.csv', 'cap/deep/list.csv', '../list.jsonl', 'list.ndjson'])(
  'a manifest written to %s is read back unchanged, including the fingerprint',
  async (file) => {
    const root = path.join(folder.root, 'data');
    await mkdir(root);
    await folder.write(
      Object.fromEntries(Object.entries(files).map(([name, content]) => [`data/${name}`, content])),
    );
    const source = splitBySeed(await openSource({ root: `${root}/cap` }), {
      validation: 0.2,
      test: 0.3,
      seed: 4,
    });
    await writeManifest(source, path.join(root, file));
    const again = await openManifest({ file: path.join(root, file) });
    const facts = (of: typeof source): unknown[] =>
      of.samples
        .map(({ origin, maskOrigin, split, label, defectType }) => ({
          origin,
          maskOrigin,
          split,
          label,
          defectType,
        }))
        .sort((a, b) => (a.origin!.sha256 < b.origin!.sha256 ? -1 : 1));
    expect(facts(again)).toEqual(facts(source));
    expect(await again.fingerprint()).toBe(await source.fingerprint());
  },
);

test('can be moved together with its data', async () => {
  await folder.write(
    Object.fromEntries(Object.entries(files).map(([name, content]) => [`here/${name}`, content])),
  );
  const source = await openSource({ root: `${folder.root}/here/cap` });
  await writeManifest(source, `${folder.root}/here/list.csv`);
  await rename(`${folder.root}/here`, `${folder.root}/there`);
  const moved = await openSource({ root: `${folder.root}/there/list.csv` });
  expect(await moved.fingerprint()).toBe(await source.fingerprint());
});

test('refuses samples without files, and file names without a manifest extension', async () => {
  const load = (): Promise<never> => Promise.reject(new Error('not read'));
  const source = sourceOf('x', [{ id: 'camera', split: 'train', label: 'good', defectType: 'good', load }]);
  expect((await errorOf(writeManifest(source, `${folder.root}/x.csv`))).message).toContain(
    'camera does not come from a file',
  );
  const error = await errorOf(writeManifest(sourceOf('x', []), `${folder.root}/x.txt`));
  expect([error.code, error.message]).toEqual([
    'invalid-argument',
    expect.stringContaining('.csv or .jsonl'),
  ]);
});
