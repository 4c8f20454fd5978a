import path from 'node:path';
import {
  errorOf,
  maskPng,
  plainPng,
  problemsOf,
  temporaryFolder,
  type TemporaryFolder,
} from './fabricate.test.util.js';
import { openManifest } from './manifest.js';
import { openSource } from './open-source.js';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
  await folder.write({
    'images/a.png': plainPng(2, 2, [1, 0, 0]),
    'images/b, "2".png': plainPng(2, 2, [2, 0, 0]),
    'images/c.png': plainPng(2, 2, [3, 0, 0]),
    'images/d.png': plainPng(2, 2, [4, 0, 0]),
    'truth/c.png': maskPng(2, 2),
    'truth/d.png': maskPng(2, 2),
  });
});
afterEach(() => folder.remove());

const seen = (source: Awaited<ReturnType<typeof openManifest>>): unknown[] =>
  source.samples.map((sample) => [
    sample.id,
    sample.split,
    sample.label,
    sample.defectType,
    'loadMask' in sample,
  ]);

async function open(
  content: string | Uint8Array,
  options: Partial<Parameters<typeof openManifest>[0]> = {},
  name = 'lists/list.csv',
): ReturnType<typeof openManifest> {
  await folder.write({ [name]: content });
  return openManifest({ file: path.join(folder.root, name), ...options });
}

const wanted = [
  ['../images/a.png', 'train', 'good', 'good', false],
  ['../images/b, "2".png', 'validation', 'good', 'good', false],
  ['../images/c.png', 'test', 'anomalous', 'dent', true],
  ['../images/d.png', 'test', 'anomalous', 'defect', true],
];

const CSV = `path,label,split,mask,defect
../images/a.png,good,train,,
"../images/b, ""2"".png",good,validation,,
../images/c.png,anomalous,test,../truth/c.png,dent
../images/d.png,anomalous,test,../truth/d.png,
`;

const ROWS = [
  { path: '../images/a.png', label: 'good', split: 'train' },
  { path: '../images/b, "2".png', label: 'good', split: 'validation', mask: null },
  { path: '../images/c.png', label: 'anomalous', split: 'test', mask: '../truth/c.png', defect: 'dent' },
  { path: '../images/d.png', label: 1, split: 'test', mask: '../truth/d.png', defect: '' },
];
const JSONL = ROWS.map((row) => JSON.stringify(row)).join('\n');

describe('the same list', () => {
  test.each([
    ['CSV', CSV, 'list.csv'],
    ['CSV with a byte order mark and CRLF', `\uFEFF${CSV.replaceAll('\n', '\r\n')}`, 'list.csv'],
    ['CSV with lone carriage returns', CSV.replaceAll('\n', '\r'), 'list.csv'],
    [
      'CSV with all cells quoted and empty lines',
      CSV.replace(/^([^"\n]+)$/gm, (line) =>
        line
          .split(',')
          .map((cell) => `"${cell}"`)
          .join(','),
      ).replaceAll('\n', '\n\n'),
      'list.csv',
    ],
    ['CSV as Excel writes it in Europe', CSV.replaceAll(/,(?! )/g, ';'), 'LIST.CSV'],
    ['CSV with tabs and spaces', CSV.replaceAll(/,(?! )/g, ' \t '), 'list.csv'],
    [
      'columns in another order and case',
      `Split,PATH,label,Defect,mask\n${CSV.split('\n')
        .slice(1, -1)
        .map((line) => /^(".*"|[^,]*),(.*),(.*),(.*),(.*)$/.exec(line)!)
        .map(([, file, label, split, mask, defect]) => [split, file, label, defect, mask].join(','))
        .join('\n')}`,
      'list.csv',
    ],
    [
      'other words for label and split',
      CSV.replaceAll(',good,', ',OK,').replaceAll(',anomalous,', ',1,').replace('validation', 'val'),
      'list.csv',
    ],
    ['backslashes', CSV.replaceAll('/', '\\'), 'list.csv'],
    ['JSON lines', JSONL, 'list.jsonl'],
    [
      'JSON lines with a byte order mark, CRLF and empty lines',
      `\uFEFF${JSONL.replaceAll('\n', '\r\n\r\n')}\r\n`,
      'list.ndjson',
    ],
  ])('%s', async (_, content, name) => {
    const source = await open(content, {}, `lists/${name}`);
    expect(seen(source)).toEqual(wanted);
    expect(source.name).toBe(name);
    expect((await source.samples[1]!.load()).data[0]).toBe(2);
    expect([...(await source.samples[2]!.loadMask!()).data]).toEqual([255, 0, 0, 0]);
  });

  test('absolute paths', async () => {
    const source = await open(CSV.replaceAll('../', `${folder.root}/`), {}, 'lists/list.csv');
    expect(seen(source)).toEqual(wanted);
  });

  test('can be opened by openSource', async () => {
    await folder.write({ 'lists/list.csv': CSV });
    expect(seen(await openSource({ root: path.join(folder.root, 'lists/list.csv') }))).toEqual(wanted);
  });
});

test('with paths only, all images are good and train; with labels only, anomalous images are test', async () => {
  expect(seen(await open('path\n../images/a.png\n'))).toEqual([wanted[0]]);
  const labeled = 'path,label\n../images/a.png,good\n../images/c.png,bad\n';
  expect(seen(await open(labeled))).toEqual([
    wanted[0],
    ['../images/c.png', 'test', 'anomalous', 'defect', false],
  ]);
});

test('reports every problem in one error, with its line', async () => {
  await folder.write({ 'lists/words.png': 'words', 'lists/sub': undefined });
  const error = await errorOf(
    open(`path,label,split,mask,lable
../images/a.png,good,train,,
../images/a.png,good,test,,
none.png,anomalous,test,../truth/none.png,
words.png,good,train,,
sub,good,train,,
../images/c.png,scratched,test,,
../images/c.png,,test,,
../images/d.png,anomalous,tset,,
../images/d.png,good,,,
,good,train,,
../images/c.png,anomalous,train,../truth/none.png,
"../images/b, ""2"".png",anomalous,test,,
too,few
`),
  );
  expect(problemsOf(error)).toEqual([
    '../truth/none.png: there is no such file (line 4)',
    'list.csv:1: unknown column "lable"; known are path, label, split, mask, defect, object',
    'list.csv:10: names ../images/d.png again; it is already in line 9',
    'list.csv:10: no split; wanted train, validation or test',
    'list.csv:11: names no image: its path is empty',
    'list.csv:12: an anomalous image in train; only good ones are trained on',
    'list.csv:12: names ../images/c.png again; it is already in line 7',
    'list.csv:14: has 2 cells, but the header has 5',
    'list.csv:3: names ../images/a.png again; it is already in line 2',
    'list.csv:7: unknown label "scratched"; wanted good or anomalous (the type of defect belongs in the column defect)',
    'list.csv:8: names ../images/c.png again; it is already in line 7',
    'list.csv:8: no label; wanted good or anomalous (the type of defect belongs in the column defect)',
    'list.csv:9: unknown split "tset"; wanted train, validation or test',
    'none.png: there is no such file (line 4)',
    'sub: it is a folder (line 6)',
    'words.png: unsupported format (text); supported are PNG, JPEG, WebP, TIFF and BMP (line 5)',
  ]);
  expect(error.message).toContain(`The dataset ${path.join(folder.root, 'lists/list.csv')} has`);
  expect(error.hint).toContain('path, label, split, mask and defect');
});

test('problems of JSON lines', async () => {
  const lines = [
    '{"path": "../images/a.png", "weight": 1}',
    '[1]',
    '{"path": ',
    '{"path": ["a"]}',
    '{"weight": 2}',
  ];
  expect(problemsOf(await errorOf(open(lines.join('\n'), {}, 'lists/list.jsonl')))).toEqual([
    'list.jsonl:1: unknown column "weight"; known are path, label, split, mask, defect, object',
    'list.jsonl:2: not an object; wanted one such as {"path": "a.png", "label": "good"}',
    expect.stringMatching(/^list\.jsonl:3: not JSON \(.+\)$/),
    'list.jsonl:4: names no image: its path is empty',
    'list.jsonl:4: path is ["a"]; wanted a string',
    'list.jsonl:5: names no image: its path is empty',
  ]);
});

test('unknown columns are ignored on request', async () => {
  const csv = 'path,camera\n../images/a.png,3\n';
  expect(problemsOf(await errorOf(open(csv)))).toEqual([
    'list.csv:1: unknown column "camera"; known are path, label, split, mask, defect, object',
  ]);
  expect(seen(await open(csv, { ignoreUnknownColumns: true }))).toEqual([wanted[0]]);
});

test('masks are optional; if some images have one, the others are named', async () => {
  const partly = `path,label,mask
../images/c.png,anomalous,../truth/c.png
../images/d.png,anomalous,
`;
  const source = await open(partly);
  expect(source.samples.map((sample) => 'loadMask' in sample)).toEqual([true, false]);
  expect(source.warnings).toEqual([
    '1 of 2 anomalous images have no mask, so pixel metrics leave them out: ../images/d.png',
  ]);
  expect(problemsOf(await errorOf(open(partly, { masks: 'required' })))).toEqual([
    'list.csv:3: the mask of ../images/d.png is missing',
  ]);
  const none = await open(partly.replace('../truth/c.png', ''));
  expect([none.samples.length, none.warnings]).toEqual([2, []]);
});

test('a name in another Unicode form than on disk is the file that looks the same, once', async () => {
  const [nfd, nfc] = ['u\u0308ber', '\u00fcber'];
  await folder.write({
    [`images/${nfd}.png`]: plainPng(2, 2, [9, 0, 0]),
    [`truth/${nfc}.png`]: maskPng(2, 2),
  });
  const list = `path,label,mask\nimages/${nfc}.png,1,truth/${nfd}.png\n`;
  const { samples } = await open(list, {}, 'list.csv');
  expect(samples.map(({ id, maskOrigin }) => [id, maskOrigin?.file])).toEqual([
    [`images/${nfd}.png`, path.join(folder.root, `truth/${nfc}.png`)],
  ]);
  expect((await samples[0]!.load()).data[0]).toBe(9);
  expect(
    problemsOf(await errorOf(open(`path\nimages/${nfc}.png\nimages/${nfd}.png\n`, {}, 'list.csv'))),
  ).toEqual([`list.csv:3: names images/${nfd}.png again; it is already in line 2`]);
});

describe('lists of other programs', () => {
  const VISA = `object,split,label,image,mask
cap,train,normal,images/a.png,
cap,test,normal,images/c.png,
cap,test,anomaly,images/d.png,truth/d.png
box,train,normal,images/none.png,
`;
  const wantedOfCap = [
    ['images/a.png', 'train', 'good', 'good', false],
    ['images/c.png', 'test', 'good', 'good', false],
    ['images/d.png', 'test', 'anomalous', 'defect', true],
  ];

  test('VisA: its columns, one object of several, paths relative to the folder above', async () => {
    await folder.write({ 'split_csv/1cls.csv': VISA });
    const root = path.join(folder.root, 'split_csv/1cls.csv');
    const source = await openSource({ root, category: 'cap' });
    expect([source.name, seen(source)]).toEqual(['cap', wantedOfCap]);
    expect(problemsOf(await errorOf(openSource({ root })))).toEqual([
      `${root}: contains the objects box, cap; choose one as the category`,
    ]);
    expect(problemsOf(await errorOf(openSource({ root, category: 'pin' })))).toEqual([
      `${root}: a list without the category pin; it holds box, cap`,
    ]);
  });

  test('names of columns such as image_path and mask_path; a single object needs no choice', async () => {
    const csv = VISA.replace('image,mask', 'image_path,mask_path').replace('object', 'category');
    expect(seen(await open(csv.replace(/^box.*\n/m, ''), {}, 'list.csv'))).toEqual(wantedOfCap);
    expect(problemsOf(await errorOf(open('image,path\n../images/a.png,../images/a.png\n')))).toEqual([
      'list.csv:1: two columns are called path, or mean it',
    ]);
    const plain = await open('path\nimages/a.png\n', {}, 'list.csv');
    expect(plain.samples).toHaveLength(1);
    const named = openSource({ root: path.join(folder.root, 'list.csv'), category: 'cap' });
    expect(problemsOf(await errorOf(named))).toEqual([
      `${folder.root}/list.csv: a list without the category cap; it has no column object`,
    ]);
  });
});

test('a label and its type of defect must agree', async () => {
  const csv = 'path,label,defect\n../images/a.png,good,dent\n../images/c.png,anomalous,good\n';
  expect(problemsOf(await errorOf(open(csv)))).toEqual([
    'list.csv:2: an image labeled good with the defect "dent"',
    'list.csv:3: an image labeled anomalous with the defect "good"',
  ]);
});

test.each([
  ['no header', '../images/a.png,good\n', /^list\.csv:1: the first line must name the columns, path among/],
  ['a column twice', 'path,path\n../images/a.png,x\n', /^list\.csv:1: two columns are called path/],
  ['an open quote', 'path\n"../images/a.png\n', /^list\.csv:\d+: not CSV \(.*[Qq]uote.*\)/],
  ['nothing', '', /^list\.csv:1: the manifest names no images$/],
  ['a header only', 'path,label\n', /^list\.csv:1: the manifest names no images$/],
  ['UTF-16', Buffer.from('\uFEFFpath\na.png\n', 'utf16le'), /^list\.csv:1: not UTF-8 text/],
  ['names that every object has', 'path,label\n../images/a.png,constructor\n', /unknown label "constructor"/],
])('reports what is wrong: %s', async (_, content, wanted) => {
  expect(problemsOf(await errorOf(open(content))).join('\n')).toMatch(wanted);
});

test('reports a missing file, or one that is not a manifest', async () => {
  const missing = path.join(folder.root, 'none.csv');
  expect(problemsOf(await errorOf(openManifest({ file: missing })))).toEqual([
    `${missing}: there is no such file`,
  ]);
  expect(problemsOf(await errorOf(openSource({ root: missing })))).toEqual([
    `${missing}: there is no such file`,
  ]);
  const image = path.join(folder.root, 'images/a.png');
  expect(problemsOf(await errorOf(openSource({ root: image })))).toEqual([
    `${image}: not a manifest; wanted a file with the extension .csv, .jsonl or .ndjson`,
  ]);
  expect(problemsOf(await errorOf(openSource({ root: image, category: 'cap' })))).toEqual([
    `${image}: not a manifest; wanted a file with the extension .csv, .jsonl or .ndjson`,
  ]);
});
