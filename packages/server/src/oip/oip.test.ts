import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { gunzipSync, inflateSync } from 'node:zlib';
import { fakeModels, keptLog } from '../fake-engine.test.util.js';
import { createApp, type ServerApp } from '../http/app.js';
import type { AppOptions } from '../http/options.js';
import { listen, type RunningServer } from '../listen.js';

type Fakes = Awaited<ReturnType<typeof fakeModels>>;

async function serving(
  options: AppOptions,
  work: (server: ServerApp, running: RunningServer, fakes: Fakes) => Promise<void>,
): Promise<void> {
  const fakes = await fakeModels({ tray: 2 });
  const server = createApp(fakes.models, { log: keptLog().log, ...options });
  const running = await listen(server, { port: 0 });
  try {
    await work(server, running, fakes);
  } finally {
    await running.close();
    await fakes.end();
  }
}

interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** Sends the bytes of a recorded request and reads the answer, as a client does: by its Content-Length. */
function sent(fixture: string, { port }: RunningServer): Promise<RawAnswer> {
  const request = readFileSync(new URL(`../../test/fixtures/triton/${fixture}.http`, import.meta.url));
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    let got = Buffer.alloc(0);
    socket.on('error', reject).on('data', (chunk: Buffer) => {
      got = Buffer.concat([got, chunk]);
      const end = got.indexOf('\r\n\r\n');
      if (end < 0) return;
      const [first, ...lines] = got.subarray(0, end).toString().split('\r\n');
      const headers = new Headers(lines.map((line) => line.split(': ', 2) as [string, string]));
      const body = got.subarray(end + 4);
      if (body.length < Number(headers.get('content-length') ?? 0)) return;
      socket.destroy();
      resolve({ status: Number(first!.split(' ')[1]), headers, body });
    });
  });
}

interface Output {
  readonly name: string;
  readonly datatype: string;
  readonly shape: number[];
  readonly data?: unknown[];
  readonly parameters?: { readonly binary_data_size: number };
}

/** Reads an answer as the client does: the JSON by the header, then the binary outputs in their order. */
function inference(
  { headers }: Pick<RawAnswer, 'headers'>,
  body: Buffer,
): { readonly answer: Record<string, unknown>; readonly values: Record<string, unknown> } {
  const length = Number(headers.get('inference-header-content-length') ?? body.length);
  const { outputs, ...answer } = JSON.parse(body.subarray(0, length).toString()) as { outputs: Output[] };
  let at = length;
  const values = Object.fromEntries(
    outputs.map(({ name, datatype, shape, data, parameters }) => {
      if (data) return [name, [datatype, shape, data]];
      const size = parameters!.binary_data_size;
      const bytes = body.subarray(at, at + size);
      at += size;
      const numbers =
        datatype === 'FP32'
          ? Array.from({ length: size / 4 }, (_, index) => bytes.readFloatLE(index * 4))
          : [...bytes];
      return [name, [datatype, shape, numbers]];
    }),
  );
  expect(at).toBe(body.length);
  return { answer, values };
}

const VERSION_OF_2 = expect.stringMatching(/^[0-9a-f]{12}$/) as string;

test('an unchanged client of Triton: health, metadata, repository and statistics', () =>
  serving({ control: true }, async (_, running, { models }) => {
    const json = async (fixture: string): Promise<[number, unknown]> => {
      const { status, body } = await sent(fixture, running);
      return [status, body.length === 0 ? '' : JSON.parse(body.toString())];
    };
    expect(await json('server-live')).toEqual([200, '']);
    expect(await json('server-ready')).toEqual([200, '']);
    expect(await json('server-metadata')).toEqual([
      200,
      {
        name: 'dskd',
        version: expect.any(String) as string,
        extensions: ['binary_tensor_data', 'model_repository', 'statistics'],
      },
    ]);
    expect(await json('model-ready')).toEqual([200, '']);
    expect(await json('model-metadata')).toEqual([
      200,
      {
        name: 'tray',
        versions: [VERSION_OF_2],
        platform: 'dskd_onnx',
        inputs: [
          { name: 'image_bytes', datatype: 'BYTES', shape: [-1] },
          { name: 'images', datatype: 'UINT8', shape: [-1, -1, -1, 3] },
        ],
        outputs: [
          { name: 'score', datatype: 'FP32', shape: [-1] },
          { name: 'anomalous', datatype: 'BOOL', shape: [-1] },
          { name: 'threshold', datatype: 'FP32', shape: [-1] },
          { name: 'p_value', datatype: 'FP32', shape: [-1] },
          { name: 'anomaly_map', datatype: 'FP32', shape: [-1, 2, 3] },
        ],
      },
    ]);
    await sent('infer-defaults', running);
    const counted = [
      200,
      {
        model_stats: [
          {
            name: 'tray',
            version: VERSION_OF_2,
            last_inference: expect.any(Number) as number,
            inference_count: 2,
            execution_count: 1,
            inference_stats: {
              success: { count: 1, ns: expect.any(Number) as number },
              fail: { count: 0, ns: 0 },
            },
            batch_stats: [],
          },
        ],
      },
    ];
    expect(await json('model-statistics')).toEqual(counted);
    expect(await json('all-statistics')).toEqual(counted);
    expect(await json('repository-index')).toEqual([
      200,
      [{ name: 'tray', version: VERSION_OF_2, state: 'READY', reason: '' }],
    ]);
    expect(await json('unload')).toEqual([200, '']);
    expect(models.get('tray').version).toBeUndefined();
    expect(await json('repository-index')).toEqual([
      200,
      [{ name: 'tray', version: '', state: 'UNAVAILABLE', reason: 'unloaded' }],
    ]);
    expect((await json('model-ready'))[0]).toBe(404);
    expect((await json('infer-defaults'))[0]).toBe(404);
    expect(await json('load')).toEqual([200, '']);
    expect(await json('model-ready')).toEqual([200, '']);
    expect(await json('unknown-model')).toEqual([
      404,
      { error: expect.stringContaining('There is no model "other"') as string },
    ]);
  }));

test('an unchanged client of Triton: inferences', () =>
  serving({}, async (_, running) => {
    const all = await sent('infer-defaults', running);
    expect([all.status, all.headers.get('content-type')]).toEqual([200, 'application/octet-stream']);
    expect(inference(all, all.body)).toEqual({
      answer: { model_name: 'tray', model_version: VERSION_OF_2 },
      values: {
        score: ['FP32', [2], [4, 6]],
        anomalous: ['BOOL', [2], [0, 1]],
        threshold: ['FP32', [2], [5, 5]],
        p_value: ['FP32', [2], [0.5, 0.5]],
        anomaly_map: ['FP32', [2, 2, 3], [4, 4, 4, 4, 4, 4, 6, 6, 6, 6, 6, 6]],
      },
    });
    const some = await sent('infer-outputs', running);
    expect(inference(some, some.body)).toEqual({
      answer: { id: 'line-7', model_name: 'tray', model_version: VERSION_OF_2 },
      values: { score: ['FP32', [2], [18, 4]], anomalous: ['BOOL', [2], [true, true]] },
    });
    for (const [encoding, unpack] of [
      ['gzip', gunzipSync],
      ['deflate', inflateSync],
    ] as const) {
      const packed = await sent(`infer-${encoding}`, running);
      expect(packed.headers.get('content-encoding')).toBe(encoding);
      expect(inference(packed, unpack(packed.body)).values).toMatchObject({ score: ['FP32', [1], [8]] });
    }
  }));

const good = { name: 'image_bytes', datatype: 'BYTES', shape: [1] };
const request = (inputs: unknown, more: object = {}): string => JSON.stringify({ inputs, ...more });

test('JSON alone, versions, and a raw binary request', () =>
  serving({}, async ({ app }, _, { models }) => {
    const path = '/v2/models/tray/infer';
    const { id } = models.get('tray').current();
    for (const where of [path, `/v2/models/tray/versions/${id}/infer`]) {
      const response = await app.request(where, {
        method: 'POST',
        body: request([{ ...good, data: ['Aw=='] }], {
          outputs: [{ name: 'score' }, { name: 'anomaly_map' }],
        }),
      });
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json']);
      expect(await response.json()).toMatchObject({
        outputs: [
          { name: 'score', data: [6] },
          { name: 'anomaly_map', shape: [1, 2, 3], data: [6, 6, 6, 6, 6, 6] },
        ],
      });
    }
    expect(
      (await app.request('/v2/models/tray/versions/1/infer', { method: 'POST', body: '{}' })).status,
    ).toBe(404);
    expect((await app.request(`/v2/models/tray/versions/${id}/ready`)).status).toBe(200);
    const nested = [
      [
        [
          [9, 0, 0],
          [0, 0, 0],
        ],
      ],
    ];
    const pixels = await app.request(path, {
      method: 'POST',
      body: request([{ name: 'images', datatype: 'UINT8', shape: [1, 1, 2, 3], data: nested }], {
        outputs: [{ name: 'score' }],
      }),
    });
    expect(await pixels.json()).toMatchObject({ outputs: [{ data: [18] }] });
    const raw = await app.request(path, {
      method: 'POST',
      headers: { 'Inference-Header-Content-Length': '0' },
      body: Uint8Array.of(5),
    });
    const body = Buffer.from(await raw.arrayBuffer());
    expect(inference(raw, body).values).toMatchObject({ score: ['FP32', [1], [10]] });
  }));

test.each([
  ['{', {}],
  ['[]', {}],
  [request([]), {}],
  [
    request([
      { ...good, data: ['Aw=='] },
      { ...good, data: ['Aw=='] },
    ]),
    {},
  ],
  [request([good]), {}],
  [request([{ ...good, data: ['?'] }]), {}],
  [request([{ ...good, data: [7] }]), {}],
  [request([{ ...good, shape: [2], data: ['Aw=='] }]), {}],
  [request([{ ...good, shape: [0], data: [] }]), {}],
  [request([{ ...good, shape: [-1], data: ['Aw=='] }]), {}],
  [request([{ ...good, datatype: 'FP32', data: [1] }]), {}],
  [request([{ name: 'images', datatype: 'UINT8', shape: [1, 1, 3], data: [1, 2, 3] }]), {}],
  [request([{ name: 'images', datatype: 'UINT8', shape: [1, 1, 1, 3], data: [1, 2, 256] }]), {}],
  [request([{ name: 'images', datatype: 'UINT8', shape: [1, 1, 1, 3], data: [1, 2] }]), {}],
  [request([{ name: 'images', datatype: 'UINT8', shape: [1, 0, 1, 3], data: [] }]), {}],
  [request([{ ...good, parameters: { shared_memory_region: 'x' } }]), {}],
  [request([{ ...good, parameters: { binary_data_size: 5 } }]), {}],
  [request([{ ...good, data: ['Aw=='] }], { outputs: [{ name: 'other' }] }), {}],
  [request([{ ...good, data: ['Aw=='] }], { outputs: [{ name: 'constructor' }] }), {}],
  [
    request([{ ...good, data: ['Aw=='] }], {
      outputs: [{ name: 'score', parameters: { classification: 3 } }],
    }),
    {},
  ],
  [
    request([{ ...good, data: ['Aw=='] }], { outputs: [{ name: 'score', parameters: { binary_data: 1 } }] }),
    {},
  ],
  [request([{ ...good, data: ['Aw=='] }], { parameters: { threshold: 'x' } }), {}],
  [request([{ ...good, data: ['Aw=='] }]), { 'Inference-Header-Content-Length': '1000000' }],
  [request([{ ...good, data: ['Aw=='] }]), { 'Inference-Header-Content-Length': '-1' }],
  [request([{ ...good, data: ['Aw=='] }]), { 'Inference-Header-Content-Length': '10' }],
])('%s with %j is refused as the protocol wants', (body, headers) =>
  serving({}, async ({ app }, _, { engines }) => {
    const response = await app.request('/v2/models/tray/infer', { method: 'POST', headers, body });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: expect.any(String) as string });
    expect(engines[0]!.scored).toBe(0);
  }),
);

test.each([
  [
    'bytes after the last input',
    '{"inputs":[{"name":"image_bytes","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":5}}]}',
    [1, 0, 0, 0, 2, 9],
  ],
  [
    'an element longer than the tensor',
    '{"inputs":[{"name":"image_bytes","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":5}}]}',
    [2, 0, 0, 0, 2],
  ],
  [
    'a length that is cut off',
    '{"inputs":[{"name":"image_bytes","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":2}}]}',
    [2, 0],
  ],
])('binary tensors: %s', (_, json, binary) =>
  serving({}, async ({ app }) => {
    const response = await app.request('/v2/models/tray/infer', {
      method: 'POST',
      headers: { 'Inference-Header-Content-Length': String(json.length) },
      body: new Uint8Array([...Buffer.from(json), ...binary]),
    });
    expect(response.status).toBe(400);
  }),
);

test('a model is loaded from its own file only', () =>
  serving({ control: true }, async ({ app }) => {
    const load = (name: string, body: string): Promise<Response> =>
      Promise.resolve(app.request(`/v2/repository/models/${name}/load`, { method: 'POST', body }));
    expect((await load('tray', '{"parameters":{"config":"{}"}}')).status).toBe(400);
    expect((await load('..%2F..%2Fetc%2Fpasswd', '{}')).status).toBe(404);
    expect((await load('tray', '')).status).toBe(200);
  }));
