import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeImage } from '@dskd/data/node';
import { readArtifact } from '@dskd/detector';
import { dskd, jsonLines } from './dskd-process.test.util.js';
import { trainInstant } from './instant-model.test.util.js';

let folder: string;
let data: string;
let model: string;
let spot: string;
/** The same model, trained with thumbnails. */
let shown: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd explain ü-'));
  ({ data, model } = await trainInstant(folder));
  spot = path.join(data, 'test/spot/000.png');
  ({ model: shown } = await trainInstant(path.join(folder, 'shown'), '--thumbnails', '16'));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

interface PrintedRegion {
  readonly nearest?: { readonly id: string; readonly area: object; readonly distance: number };
}

test('predict --explain names the nearest good patch: in the JSON line, and as text on standard error', async () => {
  const { code, stdout, stderr } = await dskd('predict', model, spot, '--explain');
  expect(code).toBe(0);
  const { regions } = jsonLines(stdout)[0] as unknown as { regions: PrintedRegion[] };
  expect(regions[0]!.nearest).toMatchObject({
    id: expect.stringMatching(/^train\/good\/00\d.png$/) as string,
    area: { left: expect.any(Number) as number, width: expect.any(Number) as number },
  });
  expect(stderr).toMatch(
    /000.png: region \d+ x \d+ at \(\d+, \d+\): nearest good patch \d+ x \d+ at \(\d+, \d+\) of train\/good\/00\d.png, distance [\d.]+/,
  );
  const machine = await dskd('predict', model, spot, '--explain', '--json');
  const [chosen, ...lines] = machine.stdout.split('\n');
  expect([lines.join('\n'), machine.stderr]).toEqual([stdout, '']);
  expect(JSON.parse(chosen!)).toMatchObject({ type: 'engine-chosen', engine: 'tfjs' });
  expect(stderr).toMatch(/^engine tfjs, \d threads?: --explain needs the model itself\n/);
  const plain = await dskd('predict', model, spot, '--engine', 'tfjs');
  const [line] = jsonLines(plain.stdout) as unknown as { regions: PrintedRegion[] }[];
  expect(line!.regions[0]).not.toHaveProperty('nearest');
  expect(plain.stderr).toBe('');
});

test('a report shows the largest region next to the nearest good patch', async () => {
  const report = path.join(folder, 'evaluation.html');
  expect((await dskd('evaluate', model, '--data', data, '--report', report)).code).toBe(0);
  const page = await readFile(report, 'utf8');
  expect(page).toContain('>nearest good patch<');
  expect(page).toMatch(/a patch of the good image <bdi>train\/good\/00\d.png<\/bdi>/);
});

test('train --thumbnails keeps the training images small, and info says so', async () => {
  const { description, tensors } = readArtifact(await readFile(shown));
  const { images } = description.trainings[0]!;
  expect(tensors.get('thumbnails')!.shape).toEqual([images, 16, 16, 3]);
  const without = readArtifact(await readFile(model));
  expect(without.description).toEqual({ ...description, thumbnails: undefined });
  expect(without.tensors.has('thumbnails')).toBe(false);
  const pattern = new RegExp(`thumbnails +16 x 16 pixels, of ${images} training images`);
  expect((await dskd('info', shown)).stdout).toMatch(pattern);
  expect((await dskd('info', model)).stdout).not.toContain('thumbnails');
});

test('a side out of range, and a method without patches, are refused with what to do', async () => {
  const train = ['train', '--data', data, '--size', '32', '--out', path.join(folder, 'never.safetensors')];
  const large = await dskd(...train, '--thumbnails', '257');
  expect(large.code).not.toBe(0);
  expect(large.stderr).toContain('--thumbnails');
  const other = await dskd(...train, '--thumbnails', '64', '--method', 'fre');
  expect(other.code).toBe(2);
  expect(other.stderr).toContain('Got thumbnails of 64 pixels; the method fre');
  expect(other.stderr).toContain('Leave out --thumbnails, or use a method that keeps patches');
});

test('predict --explain --out shows each region beside the nearest good patch, and names the file', async () => {
  const out = path.join(folder, 'explained');
  const { code, stdout, stderr } = await dskd('predict', shown, spot, '--explain', '--out', out);
  expect(code).toBe(0);
  expect(stderr).not.toContain('no thumbnails');
  const [line] = jsonLines(stdout) as unknown as {
    regions: PrintedRegion[];
    overlay: string;
    explained: string;
  }[];
  expect(line).toMatchObject({
    overlay: path.join(out, '000.overlay.png'),
    explained: path.join(out, '000.explained.png'),
  });
  const explained = line!.regions.filter(({ nearest }) => nearest);
  for (const { nearest } of explained)
    expect(Object.keys(nearest!).sort()).toEqual(['area', 'distance', 'id', 'index']);
  const { width, height, data: pixels } = await decodeImage(line!.explained);
  expect([width, height]).toEqual([2 * 192 + 8, explained.length * 200 - 8]);
  const isLine = (i: number): boolean =>
    pixels[i * 3] === 0 && pixels[i * 3 + 1] === 229 && pixels[i * 3 + 2] === 255;
  const columns = Array.from({ length: width * height }, (_, i) => i)
    .filter(isLine)
    .map((i) => i % width);
  expect(columns.length).toBeGreaterThan(8);
  expect(Math.min(...columns)).toBeGreaterThanOrEqual(200);
  // The region is on the left: the faulty corner is dark.
  const dark = (from: number): number =>
    Array.from({ length: width * 192 }, (_, i) => i).filter(
      (i) => i % width >= from && i % width < from + 192 && pixels[i * 3]! < 30 && pixels[i * 3 + 2]! < 30,
    ).length;
  expect(dark(0)).toBeGreaterThan(1000);
  expect(dark(200)).toBe(0);

  const again = await dskd('predict', shown, spot, '--out', out);
  expect(jsonLines(again.stdout)[0]).not.toHaveProperty('explained');
  const good = path.join(data, 'test/good');
  await dskd('predict', shown, good, '--explain', '--threshold', '1e9', '--out', path.join(folder, 'good'));
  expect((await readdir(path.join(folder, 'good'))).sort()).toEqual(['000.overlay.png', '001.overlay.png']);
});

test('without thumbnails it says so once, and writes heat maps only', async () => {
  const out = path.join(folder, 'plain');
  const args = ['predict', model, path.join(data, 'test'), '--explain', '--out', out];
  const { code, stdout, stderr } = await dskd(...args);
  expect(code).toBe(0);
  expect(stderr.match(/no thumbnails of its training images.*dskd train --thumbnails 64/g)).toHaveLength(1);
  for (const line of jsonLines(stdout)) expect(line).not.toHaveProperty('explained');
  expect((await readdir(out)).every((name) => name.endsWith('.overlay.png'))).toBe(true);
  expect((await dskd(...args, '--json')).stderr).toBe('');
});

test('a report on other data shows the thumbnail of the nearest good image; without thumbnails only its name', async () => {
  const other = path.join(folder, 'other');
  await cp(data, other, { recursive: true });
  await rm(path.join(other, 'train/good/000.png'));
  const report = path.join(folder, 'other.html');
  const page = async (file: string): Promise<string> => {
    expect((await dskd('evaluate', file, '--data', other, '--report', report)).code).toBe(0);
    return readFile(report, 'utf8');
  };
  const withThumbnails = await page(shown);
  expect(withThumbnails).toMatch(
    /width="96" height="96" alt="Small image of train\/good\/00\d.png, a line around the good patch/,
  );
  expect(withThumbnails).not.toContain('Cut of train/good/');
  const without = await page(model);
  expect(without).toMatch(/a patch of the good image <bdi>train\/good\/00\d.png<\/bdi>/);
  expect(without).not.toContain('>nearest good patch<');
  // On its own data the images themselves are shown.
  const own = path.join(folder, 'own.html');
  expect((await dskd('evaluate', shown, '--data', data, '--report', own)).code).toBe(0);
  const full = await readFile(own, 'utf8');
  expect(full).toContain('Cut of train/good/');
  expect(full).not.toContain('Small image of');
});
