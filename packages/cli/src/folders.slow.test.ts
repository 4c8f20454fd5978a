import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { EvaluationResult } from '@dskd/metrics';
import { dskd, jsonLines, spawnDskd } from './dskd-process.test.util.js';
import { trainInstant } from './instant-model.test.util.js';

let folder: string;
let data: string;
let model: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd folders ü-'));
  ({ data, model } = await trainInstant(folder));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const inData = (...names: string[]): string => path.join(data, ...names);
const evaluate = async (...flags: string[]): Promise<EvaluationResult> => {
  const { code, stdout, stderr } = await dskd('evaluate', model, ...flags, '--json');
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as EvaluationResult;
};

test('named folders give the result of the layout; without masks, metrics of images only, and a line that says so', async () => {
  const inLayout = await evaluate('--data', data);
  const named = ['--good', inData('test/good'), '--bad', inData('test/spot')];
  const withMasks = await evaluate(...named, '--masks', inData('ground_truth'));
  expect(withMasks.images).toEqual({ good: 2, anomalous: 2, withMask: 2 });
  expect(withMasks.fused.imageAuroc).toBe(inLayout.fused.imageAuroc);
  expect(withMasks.fused.auPro).toEqual(inLayout.fused.auPro);
  const without = await evaluate(...named);
  expect(without.images.withMask).toBe(0);
  expect([without.fused.imageAuroc, without.fused.pixelAuroc]).toEqual([inLayout.fused.imageAuroc, null]);
  const { stdout } = await dskd('evaluate', model, ...named);
  expect(stdout).toContain('no masks, so pixel AUROC, pixel AP and AU-PRO were not measured');
  expect(stdout).not.toContain('NaN');
  const inside = inData('test/spot/new/maps');
  const refused = await dskd('evaluate', model, ...named, '--write-maps', inside);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('inside the images')]);
});

test('a dataset without ground_truth can be trained on and evaluated', async () => {
  const bare = path.join(folder, 'bare');
  for (const part of ['train', 'test']) await cp(inData(part), path.join(bare, part), { recursive: true });
  const out = path.join(folder, 'bare.safetensors');
  const options = ['--method', 'instant', '--size', '32', '--hold-out', '0.3', '--out', out];
  expect(await dskd('train', '--data', bare, ...options)).toMatchObject({ code: 0 });
  const { code, stdout } = await dskd('evaluate', out, '--data', bare);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^fused( +[\d.]+){3}$/m);
});

test('train takes named folders, also from a config file; what is to be done next needs other good images', async () => {
  const config = path.join(folder, 'train.yaml');
  await writeFile(
    config,
    'good: [parts/train/good]\nbad: parts/test/spot\nmethod: instant\nsize: 32\nholdOut: 0.3\n',
  );
  const out = path.join(folder, 'named.safetensors');
  const { code, stdout } = await dskd('train', '--config', config, '--out', out);
  expect(code).toBe(0);
  expect(stdout).toContain('--good OTHER_GOOD_IMAGES --bad');
  const both = await dskd('train', '--config', config, '--data', data, '--out', out);
  expect([both.code, both.stderr]).toEqual([
    2,
    expect.stringContaining('together with --good, --bad or --masks'),
  ]);
});

test('predict into a folder of its input: the second run scores the same images; bad files get a line each', async () => {
  const input = path.join(folder, 'in');
  await cp(inData('test'), input, { recursive: true });
  await writeFile(path.join(input, 'empty.png'), '');
  await writeFile(path.join(input, 'moving.gif'), 'GIF89a');
  const out = path.join(input, 'heat');
  const run = async (): Promise<Record<string, unknown>[]> => {
    const { code, stdout, stderr } = await dskd('predict', model, input, '--out', out);
    expect(code).toBe(1);
    expect(stderr).toContain('2 of 6 images could not be read');
    return jsonLines(stdout);
  };
  const first = await run();
  const overlays = await readdir(out);
  expect(overlays).toHaveLength(4);
  expect(
    first.filter((line) => 'error' in line).map(({ path: file }) => path.basename(String(file))),
  ).toEqual(['empty.png', 'moving.gif']);
  expect(await run()).toEqual(first);
  expect(await readdir(out)).toEqual(overlays);
});

test('images of good parts in several folders are taken by calibrate and teach, whose flags say that they are good', async () => {
  const several = path.join(folder, 'several');
  await cp(inData('train/good'), path.join(several, 'monday'), { recursive: true });
  await cp(inData('test/good'), path.join(several, 'tuesday'), { recursive: true });
  const out = path.join(folder, 'calibrated.safetensors');
  const { stdout } = await dskd('calibrate', model, '--normals', several, '--out', out);
  expect(stdout).toContain('from 10 images');
  expect(await dskd('teach', model, '--good', several, '--out', out)).toMatchObject({ code: 0 });
});

const onUnix = process.platform === 'win32' ? test.skip : test;

onUnix('a FIFO is never opened: in a folder it is left out, given by name it gets its line', async () => {
  const input = path.join(folder, 'special');
  await cp(inData('test/good'), input, { recursive: true });
  const fifo = path.join(input, '0.png');
  execFileSync('mkfifo', [fifo]);
  const listed = await spawnDskd(['predict', model, input]);
  expect(listed.code).toBe(0);
  expect(listed.stderr).toContain(`no regular files (FIFO, socket or device): ${fifo}`);
  const named = await spawnDskd(['predict', model, fifo, inData('test/good')]);
  expect(named.code).toBe(1);
  expect(jsonLines(named.stdout).find((line) => line.path === fifo)).toMatchObject({
    error: { code: 'image-unreadable' },
  });
});
