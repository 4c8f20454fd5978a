import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dskd, jsonLines } from './dskd-process.test.util.js';
import { trainInstant } from './instant-model.test.util.js';

let folder: string;
let data: string;
let model: string;
let spot: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd explain ü-'));
  ({ data, model } = await trainInstant(folder));
  spot = path.join(data, 'test/spot/000.png');
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
  expect(machine).toMatchObject({ stdout, stderr: '' });
  const plain = await dskd('predict', model, spot);
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
