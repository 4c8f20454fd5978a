import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ImageSource, Sample } from '../samples.js';
import { makePng, maskPng, plainPng, temporaryFolder, type TemporaryFolder } from './fabricate.test.util.js';
import { openSource, type OpenSourceOptions } from './open-source.js';

/** The page with the matrix; `DSKD_RENEW=1` writes it. */
const PAGE = new URL('../../../../docs/layouts.md', import.meta.url);

interface Layout {
  readonly name: string;
  /** What it is recognized by. */
  readonly by: string;
  readonly files: readonly string[];
  /** Content of files that are not images. */
  readonly texts?: Readonly<Record<string, string>>;
  readonly open: (root: string) => OpenSourceOptions;
  /** Those of `files` that are masks. */
  readonly masks?: readonly string[];
  /** Files as they are without masks, if they name them. */
  readonly withoutMasks?: Readonly<Record<string, string>>;
}

const MVTEC = ['train/good/0.png', 'train/good/1.png', 'test/good/2.png'];
const KIND = { defect_name: 'x', pixel_value: 255, saturation_threshold: 1, relative_saturation: false };
const VISA = ['o/Data/Images/Normal/0.png', 'o/Data/Images/Normal/1.png', 'o/Data/Images/Anomaly/2.png'];
const visaList = (mask: string): string =>
  [
    'object,split,label,image,mask',
    `o,train,normal,${VISA[0]!},`,
    `o,test,normal,${VISA[1]!},`,
    `o,test,anomaly,${VISA[2]!},${mask}`,
  ].join('\n');
const list = (mask: string): string =>
  `path,label,split,mask\n0.png,good,train,\n1.png,good,test,\n2.png,anomalous,test,${mask}\n`;

/** Names the folder of masks if there is one. */
const masksIn = (root: string): { masks?: string } =>
  existsSync(path.join(root, 'd')) ? { masks: 'd' } : {};

const LAYOUTS: readonly Layout[] = [
  {
    name: 'MVTec AD',
    by: 'a folder `train`',
    files: [...MVTEC, 'test/dent/3.png'],
    masks: ['ground_truth/dent/3_mask.png'],
    open: (root) => ({ root }),
  },
  {
    name: 'MVTec LOCO AD',
    by: '`defects_config.json`, or `test/logical_anomalies` or `test/structural_anomalies`',
    files: [...MVTEC, 'test/logical_anomalies/3.png'],
    masks: ['ground_truth/logical_anomalies/3/000.png'],
    texts: { 'defects_config.json': JSON.stringify([KIND]) },
    open: (root) => ({ root }),
  },
  {
    name: 'BTAD',
    by: 'a folder `train` with one folder in it, of any name, for example `ok`',
    files: MVTEC.map((file) => file.replace('good', 'ok')).concat('test/ko/3.png'),
    masks: ['ground_truth/ko/3.png'],
    open: (root) => ({ root }),
  },
  {
    name: 'VisA, with `split_csv/1cls.csv`',
    by: 'a folder `Data/Images/Normal`',
    files: VISA,
    masks: ['o/Data/Masks/Anomaly/2.png'],
    texts: { 'split_csv/1cls.csv': visaList('o/Data/Masks/Anomaly/2.png') },
    withoutMasks: { 'split_csv/1cls.csv': visaList('') },
    open: (root) => ({ root, category: 'o' }),
  },
  {
    name: 'VisA, without it',
    by: 'the same',
    files: VISA,
    masks: ['o/Data/Masks/Anomaly/2.png'],
    open: (root) => ({ root, category: 'o' }),
  },
  {
    name: 'a manifest',
    by: 'a file `.csv`, `.jsonl` or `.ndjson`',
    files: ['0.png', '1.png', '2.png'],
    masks: ['m.png'],
    texts: { 'list.csv': list('m.png') },
    withoutMasks: { 'list.csv': list('') },
    open: (root) => ({ root: path.join(root, 'list.csv') }),
  },
  {
    name: 'a folder with `good`, `defects` and `masks`',
    by: 'a folder `good` or `defects`',
    files: ['good/0.png', 'good/1.png', 'defects/dent/2.png'],
    masks: ['masks/dent/2.png'],
    open: (root) => ({ root }),
  },
  {
    name: 'a plain folder',
    by: 'images in one folder only',
    files: ['camera/0.png', 'camera/1.png'],
    open: (root) => ({ root }),
  },
  {
    name: 'folders that are named, to train',
    by: '`--good DIR... --bad DIR... --masks DIR`',
    files: ['a/0.png', 'b/1.png', 'c/2.png'],
    masks: ['d/2.png'],
    open: (root) => ({ root, folders: { good: ['a', 'b'], bad: 'c', ...masksIn(root) } }),
  },
  {
    name: 'folders that are named, to evaluate',
    by: 'the same, of `dskd evaluate`',
    files: ['a/0.png', 'b/1.png', 'c/2.png'],
    masks: ['d/2.png'],
    open: (root) => ({ root, folders: { good: ['a', 'b'], bad: 'c', ...masksIn(root), split: 'test' } }),
  },
  {
    name: 'several folders, of any names',
    by: 'images in more than one folder',
    files: ['ok/0.png', 'ko/1.png'],
    open: (root) => ({ root }),
  },
];

/** The folder of all masks, which is removed to see what happens without them. */
const MASK_FOLDER = /^(o\/Data\/Masks|[^/]+)/;

let folder: TemporaryFolder;
beforeEach(async () => (folder = await temporaryFolder()));
afterEach(() => folder.remove());

/** White at one pixel, as LOCO wants it, and any other layout accepts it. */
const region = makePng({ width: 2, height: 1, colorType: 0, bitDepth: 8, rows: [[255, 0]] });

async function put({ files, masks = [], texts = {} }: Layout): Promise<void> {
  await folder.write({
    ...Object.fromEntries(files.map((file, index) => [file, plainPng(2, 1, [index, 0, 0])])),
    ...Object.fromEntries(masks.map((file) => [file, file.endsWith('000.png') ? region : maskPng(2, 1)])),
    ...texts,
  });
}

const count = (source: ImageSource, is: (sample: Sample) => boolean): number =>
  source.samples.filter(is).length;

/** What can be done with a source, as the cells of a row. */
function uses(source: ImageSource): string[] {
  const isGood = ({ label }: Sample): boolean => label === 'good';
  const [trained, testGood, testBad] = [
    count(source, (sample) => isGood(sample) && sample.split !== 'test'),
    count(source, (sample) => isGood(sample) && sample.split === 'test'),
    count(source, (sample) => !isGood(sample) && sample.split === 'test'),
  ];
  const evaluate =
    testGood > 0 && testBad > 0
      ? 'yes'
      : testGood + testBad > 0
        ? 'misses only: no good test images'
        : 'no test images';
  return [
    trained > 0 ? 'yes' : 'no',
    evaluate,
    count(source, (sample) => sample.loadMask !== undefined) > 0 ? 'yes' : '-',
  ];
}

async function rowOf(layout: Layout): Promise<string> {
  const cells = [layout.name, layout.by];
  const refused = await openSource(layout.open(folder.root)).then(
    (source) => {
      cells.push(...uses(source));
      return false;
    },
    () => true,
  );
  if (refused) return `| ${[...cells, 'refused', 'refused', '-', '-'].join(' | ')} |`;
  if (!layout.masks) return `| ${[...cells, '-'].join(' | ')} |`;
  for (const mask of layout.masks)
    await rm(path.join(folder.root, path.dirname(mask) === '.' ? mask : MASK_FOLDER.exec(mask)![0]), {
      recursive: true,
    });
  await folder.write(layout.withoutMasks ?? {});
  const withoutMasks = uses(await openSource(layout.open(folder.root)));
  expect(withoutMasks).toEqual([cells[2], cells[3], '-']);
  return `| ${[...cells, 'all but pixel metrics'].join(' | ')} |`;
}

const HEADER = [
  'layout',
  'recognized by',
  'train, calibrate, teach',
  'evaluate',
  'pixel metrics',
  'without masks',
];

test('the matrix of layouts in docs/layouts.md is what happens', async () => {
  const rows = [`| ${HEADER.join(' | ')} |`, `| ${HEADER.map(() => '---').join(' | ')} |`];
  for (const layout of LAYOUTS) {
    await put(layout);
    rows.push(await rowOf(layout));
    await folder.remove();
    folder = await temporaryFolder();
  }
  const page = await readFile(PAGE, 'utf8');
  const marked = /(<!-- layouts -->\n)([^]*?)(\n<!-- end of layouts -->)/;
  if (process.env.DSKD_RENEW) {
    await writeFile(
      PAGE,
      page.replace(
        marked,
        (_, before: string, __, after: string) => `${before}\n${rows.join('\n')}\n${after}`,
      ),
    );
    return;
  }
  const found = marked.exec(page)?.[2]?.trim() ?? '';
  // Prettier pads the cells. DSKD_RENEW=1 in the environment of this test writes the table.
  expect(found.replace(/ +\|/g, ' |').replace(/-{3,}/g, '---')).toBe(rows.join('\n'));
});
