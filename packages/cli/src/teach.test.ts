import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dskd, jsonLines } from './dskd-process.test.util.js';
import { trainInstant } from './instant-model.test.util.js';

let folder: string;
let data: string;
let model: string;
/** The model before any lesson. */
let untaught: Buffer;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd teach ü-'));
  ({ data, model } = await trainInstant(folder));
  untaught = await readFile(model);
}, 60_000);
beforeEach(() => writeFile(model, untaught));
afterAll(() => rm(folder, { recursive: true, force: true }));

const spots = (): string => path.join(data, 'test/spot');

test('writes a lesson to another file: the images are normal there, the file names them, the original model is unchanged', async () => {
  const out = path.join(folder, 'taught.safetensors');
  const human = await dskd('teach', model, '--good', spots(), '--out', out);
  expect(human).toMatchObject({ code: 0 });
  expect(human.stdout).toContain('learned 2 images of good parts: 2 raised an alarm, 0 still do');
  expect(human.stdout).toContain('were added to those of the other good images');
  expect(human.stdout).toMatch(/saved .*\nthreshold .* from 4 images \(held-out; 2 of lessons\)/);
  expect(Buffer.compare(await readFile(model), untaught)).toBe(0);
  const lines = jsonLines((await dskd('predict', out, spots())).stdout);
  expect(lines.map(({ verdict }) => verdict)).toEqual(['normal', 'normal']);
  const { stdout } = await dskd('info', out);
  expect(stdout).toMatch(/lesson 1\n {2}images +2, fingerprint [0-9a-f]{64}\n {2}names +000.png, 001.png/);
});

test('without --out the model is replaced; --forget restores it byte for byte', async () => {
  const one = path.join(folder, 'one');
  await mkdir(one);
  await cp(path.join(spots(), '000.png'), path.join(one, 'alarm.png'));
  const machine = await dskd('teach', model, '--good', one, '--json');
  const lines = jsonLines(machine.stdout);
  expect(lines.at(-2)).toMatchObject({ type: 'lesson-learned', images: 1, calibrating: 0 });
  expect(lines.at(-1)).toMatchObject({ type: 'model-saved', path: model });
  expect(lines[0]).toMatchObject({ type: 'image-read', done: 1, total: 1 });
  expect(lines[1]).toMatchObject({ type: 'fit-progress', stage: 'lesson' });
  const once = await readFile(model);
  expect(Buffer.compare(once, untaught)).not.toBe(0);
  await dskd('teach', model, '--good', spots());
  const forgotten = await dskd('teach', model, '--forget', '--json');
  expect(jsonLines(forgotten.stdout)[0]).toEqual({
    type: 'lesson-forgotten',
    images: ['000.png', '001.png'],
  });
  expect(Buffer.compare(await readFile(model), once)).toBe(0);
  const again = await dskd('teach', model, '--forget');
  expect(again.stdout).toContain('forgot the last lesson, 1 image: the model is as it was before');
  expect(Buffer.compare(await readFile(model), untaught)).toBe(0);
});

describe('a refused lesson changes neither the model nor any other file', () => {
  let files: string[];
  beforeEach(async () => (files = await readdir(folder)));
  afterEach(async () => {
    expect(Buffer.compare(await readFile(model), untaught)).toBe(0);
    expect(await readdir(folder)).toEqual(files);
  });

  test.each([
    [[], 2, 'Got nothing to learn and nothing to forget; wanted --good DIR or --forget.'],
    [['--good', 'x', '--forget'], 2, 'Got --good and --forget together; wanted one of them.'],
    [['--forget'], 2, 'Got no lesson to forget'],
    [['--good', path.join('no', 'such', 'folder')], 1, 'no/such/folder'],
  ])('%j', async (args, code, message) => {
    const outcome = await dskd('teach', model, ...args);
    expect(outcome.stderr).toContain(message);
    expect(outcome).toMatchObject({ code, stdout: '' });
  });

  test('refuses a folder without images, and one with a file that is not an image', async () => {
    const own = await mkdtemp(path.join(tmpdir(), 'dskd lesson-'));
    expect((await dskd('teach', model, '--good', own)).code).toBe(1);
    await writeFile(path.join(own, 'words.png'), 'not an image');
    const { code, stderr } = await dskd('teach', model, '--good', own);
    expect(code).toBe(1);
    expect(stderr).toContain('words.png');
    await rm(own, { recursive: true });
  });
});
