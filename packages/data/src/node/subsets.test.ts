import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { summarize } from '../index.js';
import {
  errorOf,
  maskPng,
  plainPng,
  problemsOf,
  temporaryFolder,
  type TemporaryFolder,
} from './fabricate.test.util.js';
import { openMvtecAd } from './mvtec-ad.js';
import { openSource } from './open-source.js';
import { subsetsTemplate } from './subsets.js';

let folder: TemporaryFolder;
let list: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  list = path.join(folder.root, 'logical.txt');
  await folder.write({
    'cable/train/good/000.png': plainPng(2, 2, [0, 0, 0]),
    'cable/test/good/000.png': plainPng(2, 2, [1, 0, 0]),
    'cable/test/bent_wire/000.png': plainPng(2, 2, [2, 0, 0]),
    'cable/test/bent_wire/001.png': plainPng(2, 2, [3, 0, 0]),
    'cable/test/cable_swap/000.png': plainPng(2, 2, [4, 0, 0]),
    'cable/test/cable_swap/001.png': plainPng(2, 2, [5, 0, 0]),
    'cable/ground_truth/bent_wire/000_mask.png': maskPng(2, 2),
    'cable/ground_truth/bent_wire/001_mask.png': maskPng(2, 2),
    'cable/ground_truth/cable_swap/000_mask.png': maskPng(2, 2),
    'cable/ground_truth/cable_swap/001_mask.png': maskPng(2, 2),
  });
});
afterEach(() => folder.remove());

const opened = async (text: string): ReturnType<typeof openMvtecAd> => {
  await writeFile(list, text);
  return openMvtecAd({ root: folder.root, category: 'cable', subsets: list });
};
const logicalIn = async (text: string): Promise<string[]> => {
  const { samples } = await opened(text);
  const anomalous = samples.filter(({ label }) => label === 'anomalous');
  expect(anomalous).toHaveLength(4);
  for (const { defectType } of anomalous) expect(defectType).toMatch(/^(logical|structural)_anomalies$/);
  return anomalous.filter(({ defectType }) => defectType === 'logical_anomalies').map(({ id }) => id);
};

test('a list of logical images gives two subsets, named as in MVTec LOCO AD', async () => {
  const source = await opened('cable/test/cable_swap/000.png\ncable/test/bent_wire/001.png\n');
  expect(summarize(source).table).toBe(
    [
      'split  label      defect type           images  masks',
      'train  good       good                       1      0',
      'test   good       good                       1      0',
      'test   anomalous  logical_anomalies          2      2',
      'test   anomalous  structural_anomalies       2      2',
      'total                                        6      4',
    ].join('\n'),
  );
  const whole = await openSource({ root: folder.root, category: 'cable', subsets: list });
  expect(await whole.fingerprint()).toBe(await source.fingerprint());
  const unsorted = await openSource({ root: folder.root, category: 'cable' });
  expect(await unsorted.fingerprint()).not.toBe(await source.fingerprint());
});

test.each([
  ['a folder', 'cable/test/cable_swap', ['test/cable_swap/000.png', 'test/cable_swap/001.png']],
  ['a folder with a slash', 'cable/test/cable_swap/', ['test/cable_swap/000.png', 'test/cable_swap/001.png']],
  ['Windows', '\uFEFF.\\cable\\test\\cable_swap\\001.png\r\n\r\n', ['test/cable_swap/001.png']],
  ['comments', '# logical:\n  cable/test/bent_wire/000.png  # a swap\n', ['test/bent_wire/000.png']],
  [
    'a line twice',
    'cable/test/bent_wire/000.png\ncable/test/bent_wire',
    ['test/bent_wire/000.png', 'test/bent_wire/001.png'],
  ],
  ['another category, which need not be here', 'transistor/test/misplaced', []],
])('%s', async (_, text, logical) => {
  expect(await logicalIn(text)).toEqual(logical);
});

test('reports every problem of the list, together with those of the dataset', async () => {
  await folder.write({ 'cable/train/good/text.png': 'words' });
  const text = ['cable/test/cable_swap/002.png', 'cabel/test/cable_swap', 'cable', 'cable/test/cab'].join(
    '\n',
  );
  expect(problemsOf(await errorOf(opened(text)))).toEqual([
    'logical.txt:1: there is no image cable/test/cable_swap/002.png',
    'logical.txt:2: there is no category cabel',
    'logical.txt:3: there is no image cable/',
    'logical.txt:4: there is no image cable/test/cab',
    'train/good/text.png: unsupported format (text); supported are PNG, JPEG, WebP, TIFF and BMP',
  ]);
  await folder.write({ 'cable/train/good/text.png': plainPng(2, 2, [9, 0, 0]) });
  expect(problemsOf(await errorOf(opened('cable/test/good/000.png')))).toEqual([
    'logical.txt:1: cable/test/good/000.png is good; only anomalous images are logical or structural',
  ]);
  const error = await errorOf(
    openMvtecAd({ root: folder.root, category: 'cable', subsets: path.join(folder.root, 'none.txt') }),
  );
  expect(error.code).toBe('file-not-found');
});

test('the template lists every anomalous image; unedited, it selects none', async () => {
  const template = subsetsTemplate([await openMvtecAd({ root: folder.root, category: 'cable' })]);
  expect(template.split('\n').filter((line) => line.startsWith('#cable/'))).toEqual([
    '#cable/test/bent_wire/000.png',
    '#cable/test/bent_wire/001.png',
    '#cable/test/cable_swap/000.png',
    '#cable/test/cable_swap/001.png',
  ]);
  expect(problemsOf(await errorOf(opened(template)))).toEqual([
    'logical.txt: names no image; remove the # before those whose anomaly is logical',
  ]);
  expect(
    await logicalIn(template.replace('#cable/test/cable_swap/001', 'cable/test/cable_swap/001')),
  ).toEqual(['test/cable_swap/001.png']);
});

test('other layouts refuse a list', async () => {
  await writeFile(list, 'cable/test/cable_swap\n');
  await folder.write({
    'tray/train/good/0.png': plainPng(2, 2, [7, 0, 0]),
    'tray/defects_config.json': '[]',
  });
  for (const root of [path.join(folder.root, 'tray'), path.join(folder.root, 'cable/train/good')]) {
    const error = await errorOf(openSource({ root, subsets: list }));
    expect([error.code, error.message]).toEqual([
      'invalid-argument',
      expect.stringContaining('does not have the layout of MVTec AD'),
    ]);
  }
});
