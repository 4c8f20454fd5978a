import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { decodeImage } from '@dskd/data/node';
import { loadDetector, type Prediction } from '@dskd/detector';
import { useBackend } from '@dskd/test-support';
import { createApp, listen, openModels, type Models, type RunningServer, type ServerApp } from './index.js';
import { keptLog } from './fake-engine.test.util.js';
import { BAD, GOOD, smallFile, smallImage } from './small-models.test.util.js';

const MAX_PIXELS = 100_000;
let folder: string;
let file: string;
let wanted: { readonly good: Prediction; readonly bad: Prediction };
let models: Models;
let server: ServerApp;
let running: RunningServer;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd server ü-'));
  file = path.join(folder, 'tray.safetensors');
  const bytes = await smallFile();
  await writeFile(file, bytes);
  await useBackend('wasm');
  const detector = await loadDetector(bytes);
  const [good, bad] = await detector.predict([smallImage(100), smallImage(101, true)]);
  wanted = { good: good!, bad: bad! };
  detector.dispose();
  models = await openModels([file], { workers: 1, maxPixels: MAX_PIXELS });
  server = createApp(models, { log: keptLog().log });
  running = await listen(server, { port: 0 });
}, 120_000);

afterAll(async () => {
  await running.close();
  await models.close();
  await rm(folder, { recursive: true });
});

const near = (value: number): number => expect.closeTo(value, 2) as number;
const png = (bytes: Uint8Array): RequestInit => ({
  method: 'POST',
  body: new Uint8Array(bytes),
  headers: { 'content-type': 'image/png' },
});

test('predictions are those of the detector', async () => {
  const form = new FormData();
  form.append('image', new Blob([new Uint8Array(GOOD)]), 'good.png');
  form.append('image', new Blob([new Uint8Array(BAD)]), 'bad.png');
  const response = await fetch(`${running.url}/v1/predict`, { method: 'POST', body: form });
  const answer = (await response.json()) as { predictions: Prediction[] };
  const of = (
    name: string,
    { score, threshold, verdict, pValue, regions, branches }: Prediction,
  ): object => ({
    name,
    verdict,
    score: near(score),
    threshold,
    pValue,
    branches: Object.fromEntries(
      Object.entries(branches).map(([branch, each]) => [
        branch,
        { score: near(each.score), pValue: each.pValue, anomalous: each.anomalous },
      ]),
    ),
    regions: regions.map((region) => ({ ...region, score: near(region.score) })),
  });
  expect(answer).toEqual({
    model: 'tray',
    version: models.get('tray').current().id,
    predictions: [of('good.png', wanted.good), of('bad.png', wanted.bad)],
  });
  expect(answer.predictions[1]).toMatchObject({ name: 'bad.png', verdict: 'anomalous' });
});

test('the heat map is a PNG of the size of the image: red where the defect is', async () => {
  const response = await fetch(`${running.url}/v1/predict`, {
    ...png(BAD),
    headers: { accept: 'image/png' },
  });
  expect([response.headers.get('content-type'), response.headers.get('dskd-verdict')]).toEqual([
    'image/png',
    'anomalous',
  ]);
  expect(Number(response.headers.get('dskd-score'))).toBeCloseTo(wanted.bad.score, 2);
  const drawn = await decodeImage(new Uint8Array(await response.arrayBuffer()));
  expect([drawn.width, drawn.height]).toEqual([90, 60]);
  const image = smallImage(101, true);
  const redness = (x: number, y: number): number =>
    drawn.data[(y * 90 + x) * 3]! - image.data[(y * 90 + x) * 3]!;
  expect(redness(10, 8)).toBeGreaterThan(60);
  const json = (await (await fetch(`${running.url}/v1/predict?heatMap=true`, png(BAD))).json()) as {
    predictions: { heatMap: string }[];
  };
  const again = await decodeImage(new Uint8Array(Buffer.from(json.predictions[0]!.heatMap, 'base64')));
  expect(again.data).toEqual(drawn.data);
});

test('one PNG cannot show two images', async () => {
  const form = new FormData();
  for (const name of ['a', 'b']) form.append(name, new Blob([new Uint8Array(GOOD)]), name);
  const response = await fetch(`${running.url}/v1/predict`, {
    method: 'POST',
    body: form,
    headers: { accept: 'image/png' },
  });
  expect(response.status).toBe(400);
});

/** A PNG of zeros with such sides: of a few kilobytes, and of gigabytes when it is decoded. */
function bomb(width: number, height: number): Uint8Array {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(10_000_000), { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

test('an image with too many pixels is refused before it is decoded', async () => {
  const bytes = bomb(30_000, 30_000);
  expect(bytes.length).toBeLessThan(15_000);
  const before = process.memoryUsage().rss;
  const response = await fetch(`${running.url}/v1/predict`, png(bytes));
  expect(response.status).toBe(422);
  expect(await response.json()).toMatchObject({
    error: {
      code: 'image-unreadable',
      message: expect.stringContaining(`at most ${MAX_PIXELS} pixels`) as string,
    },
  });
  expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  expect((await fetch(`${running.url}/v1/predict`, png(GOOD))).status).toBe(200);
});

test('an image of a batch that cannot be read is named', async () => {
  const images = [{ base64: Buffer.from(GOOD).toString('base64') }, { base64: 'bm90IGFuIGltYWdl' }];
  const response = await fetch(`${running.url}/v1/predict`, {
    method: 'POST',
    body: JSON.stringify({ images }),
    headers: { 'content-type': 'application/json' },
  });
  expect(response.status).toBe(422);
  expect(await response.json()).toMatchObject({
    error: {
      code: 'image-unreadable',
      message: expect.stringContaining('Image 1 of 2') as string,
      details: { image: 1 },
    },
  });
});

test('the inference protocol gives the map of the detector', async () => {
  const body = JSON.stringify({
    inputs: [
      { name: 'image_bytes', datatype: 'BYTES', shape: [1], data: [Buffer.from(BAD).toString('base64')] },
    ],
    outputs: [{ name: 'anomaly_map', parameters: { binary_data: true } }],
  });
  const response = await fetch(`${running.url}/v2/models/tray/infer`, {
    method: 'POST',
    body,
    headers: { 'accept-encoding': 'identity' },
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const length = Number(response.headers.get('inference-header-content-length'));
  const map = new Float32Array(new Uint8Array(bytes.subarray(length)).buffer);
  expect(map.length).toBe(50 * 74);
  const largest = wanted.bad.map.data.reduce((a, b) => Math.max(a, b));
  expect(map.every((value, index) => Math.abs(value - wanted.bad.map.data[index]!) < 1e-4 * largest)).toBe(
    true,
  );
});

test('a port that is taken is told', async () => {
  const other = createApp(models, { log: keptLog().log });
  await expect(listen(other, { port: running.port })).rejects.toMatchObject({
    code: 'invalid-argument',
    details: { reason: 'EADDRINUSE' },
  });
  await other.close();
});
