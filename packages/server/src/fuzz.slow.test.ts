import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { randomStream, type RandomStream } from '@dskd/base';
import { keptLog } from './fake-engine.test.util.js';
import { createApp, openModels, type Models, type ServerApp } from './index.js';
import { BAD, GOOD, smallFile } from './small-models.test.util.js';

/** All of them in the nightly workflow (DSKD_FULL_FUZZ=1), a tenth elsewhere. */
const REQUESTS = process.env.DSKD_FULL_FUZZ === '1' ? 10_000 : 1000;
const AT_A_TIME = 8;

let folder: string;
let models: Models;
let server: ServerApp;
const { log, lines } = keptLog();

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd fuzz-'));
  await writeFile(path.join(folder, 'tray.safetensors'), await smallFile());
  models = await openModels([path.join(folder, 'tray.safetensors')], { workers: 1, maxPixels: 2 ** 20 });
  server = createApp(models, {
    log,
    control: true,
    feedback: true,
    imageHosts: ['127.0.0.1:1'],
    privateImageHosts: true,
    maxBody: 2 ** 20,
  });
}, 120_000);

afterAll(async () => {
  await server.close();
  await models.close();
  await rm(folder, { recursive: true });
});

interface Seed {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body: Uint8Array;
}

const text = (value: unknown): Uint8Array =>
  new Uint8Array(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));

const boundary = 'x-y-z';
const form = Buffer.concat([
  Buffer.from(
    `--${boundary}\r\nContent-Disposition: form-data; name="a"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n`,
  ),
  GOOD,
  Buffer.from(`\r\n--${boundary}--\r\n`),
]);
const infer = {
  id: '7',
  inputs: [
    { name: 'image_bytes', shape: [1], datatype: 'BYTES', data: [Buffer.from(GOOD).toString('base64')] },
  ],
  outputs: [{ name: 'score', parameters: { binary_data: true } }],
  parameters: { threshold: 1 },
};
const pixels = {
  inputs: [{ name: 'images', shape: [1, 2, 2, 3], datatype: 'UINT8', parameters: { binary_data_size: 12 } }],
};

/** Requests that are right; each is spoiled in many ways. */
const SEEDS: readonly Seed[] = [
  { path: '/v1/predict', headers: { 'content-type': 'image/png' }, body: GOOD },
  {
    path: '/v1/predict?threshold=2.5&minArea=3',
    headers: { 'content-type': 'application/octet-stream' },
    body: BAD,
  },
  { path: '/v1/predict?heatMap=true', body: BAD },
  {
    path: '/v1/predict',
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: new Uint8Array(form),
  },
  {
    path: '/v1/predict',
    headers: { 'content-type': 'application/json' },
    body: text({ images: [{ base64: Buffer.from(GOOD).toString('base64'), name: 'x' }] }),
  },
  {
    path: '/v1/predict',
    headers: { 'content-type': 'application/json' },
    body: text({ images: [{ url: 'http://127.0.0.1:1/x' }] }),
  },
  { path: '/v1/predict', headers: { 'content-encoding': 'gzip' }, body: new Uint8Array(gzipSync(GOOD)) },
  { path: '/v2/models/tray/infer', body: text(infer) },
  {
    path: '/v2/models/tray/infer',
    headers: { 'inference-header-content-length': String(text(pixels).length) },
    body: new Uint8Array([...text(pixels), ...Array<number>(12).fill(9)]),
  },
  { path: '/v2/models/tray/infer', headers: { 'inference-header-content-length': '0' }, body: GOOD },
  { path: '/v2/repository/index', body: text({ ready: true }) },
  { path: '/v2/repository/models/tray/load', body: text({}) },
  { method: 'PATCH', path: '/v1/models/tray', body: text({ threshold: 2 }) },
  { method: 'GET', path: '/v1/models/tray', body: new Uint8Array() },
  { method: 'GET', path: '/v2/models/tray/versions/1/stats', body: new Uint8Array() },
];

const ODD_TEXTS = [
  '',
  '0',
  '-1',
  '1e309',
  'NaN',
  '\u0000',
  '../../etc/passwd',
  '%2e%2e%2f',
  'null',
  'true',
  '{}',
  '[]',
  'x'.repeat(5000),
  '__proto__',
  'constructor',
  '9007199254740993',
  '𝕏',
];
const WORDS = [
  ...ODD_TEXTS,
  '"',
  '{',
  ']',
  '-',
  '.',
  'tray',
  'images',
  'threshold',
  'binary_data_size',
  boundary,
  '\r\n',
];

const pick = <T>(random: RandomStream, list: readonly T[]): T =>
  list[Math.floor(random.uniform() * list.length)]!;

/** A copy in which bytes are exchanged, taken away, doubled, or replaced by words. */
function spoiled(bytes: Uint8Array, random: RandomStream): Uint8Array<ArrayBuffer> {
  let result = Buffer.from(bytes);
  const changes = 1 + Math.floor(random.uniform() * 4);
  for (let change = 0; change < changes; change++) {
    const at = Math.floor(random.uniform() * (result.length + 1));
    const until = Math.min(result.length, at + Math.floor(random.uniform() * 64));
    const kind = Math.floor(random.uniform() * 5);
    if (kind === 0 && result.length > 0) result[at % result.length] = Math.floor(random.uniform() * 256);
    else if (kind === 1) result = Buffer.concat([result.subarray(0, at), result.subarray(until)]);
    else if (kind === 2) result = Buffer.concat([result.subarray(0, until), result.subarray(at)]);
    else if (kind === 3)
      result = Buffer.concat([
        result.subarray(0, at),
        Buffer.from(pick(random, WORDS)),
        result.subarray(until),
      ]);
    else result = result.subarray(0, at);
  }
  return new Uint8Array(result);
}

function spoiledPath(where: string, random: RandomStream): string {
  if (random.uniform() < 0.7) return where;
  const at = Math.floor(random.uniform() * where.length);
  return `/${(where.slice(0, at) + encodeURIComponent(pick(random, ODD_TEXTS.slice(0, 12))) + where.slice(at + 1)).replace(/^\/+/, '')}`;
}

/** A header whose value is another one: only characters that a header may have. */
function spoiledHeaders(headers: Record<string, string>, random: RandomStream): Record<string, string> {
  if (random.uniform() < 0.7) return headers;
  const names = [
    ...Object.keys(headers),
    'content-type',
    'content-encoding',
    'inference-header-content-length',
    'accept',
    'accept-encoding',
    'traceparent',
    'x-request-id',
    'authorization',
  ];
  const values = [
    '',
    '0',
    '-1',
    '5',
    '1e9',
    'application/json',
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'gzip',
    'deflate',
    'br',
    'image/png',
    'text/plain; charset=x',
    '00-0-0-00',
    'Bearer x',
    'x'.repeat(2000),
  ];
  return { ...headers, [pick(random, names)]: pick(random, values) };
}

test(`${REQUESTS} spoiled requests: no error of the server, and it is as good as before`, async () => {
  const statuses: Record<number, number> = {};
  const bad: string[] = [];
  const one = async (index: number): Promise<void> => {
    const random = randomStream(1, 'requests', index);
    const { method = 'POST', path: where, headers = {}, body } = SEEDS[index % SEEDS.length]!;
    const request = {
      method,
      headers: spoiledHeaders(headers, random),
      ...(method !== 'GET' && { body: spoiled(body, random) }),
    };
    const url = spoiledPath(where, random);
    const response = await server.app.request(url, request);
    await response.arrayBuffer();
    statuses[response.status] = (statuses[response.status] ?? 0) + 1;
    if (response.status >= 500)
      bad.push(`${index}: ${method} ${url} ${response.status} ${JSON.stringify(lines.at(-1))}`);
    // Only the last lines are of interest.
    if (lines.length > 1000) lines.splice(0, 900);
  };
  for (let start = 0; start < REQUESTS; start += AT_A_TIME) {
    await Promise.all(
      Array.from({ length: Math.min(AT_A_TIME, REQUESTS - start) }, (_, index) => one(start + index)),
    );
  }
  console.log(statuses);
  expect(bad).toEqual([]);
  // Some were still right, and others were refused for different reasons.
  for (const status of [200, 400, 404, 422]) expect(statuses[status]).toBeGreaterThan(REQUESTS / 1000);
  expect(models.get('tray').gate.taken).toBe(0);
  await models.get('tray').load();
  const answer = await server.app.request('/v1/predict?threshold=1000', {
    method: 'POST',
    body: new Uint8Array(GOOD),
  });
  expect(answer.status).toBe(200);
}, 1_200_000);
