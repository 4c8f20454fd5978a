import { jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fakeModels } from '../fake-engine.test.util.js';
import { VERSION } from '../version.js';
import { createApp } from './app.js';
import { withApp } from './with-app.test.util.js';

const image = (value: number): Uint8Array<ArrayBuffer> => Uint8Array.of(value);
const post = (body: BodyInit, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body,
  headers,
});
const jsonBody = (value: unknown): RequestInit =>
  post(JSON.stringify(value), { 'content-type': 'application/json' });

async function read(response: Response | Promise<Response>): Promise<[number, Record<string, unknown>]> {
  const got = await response;
  return [got.status, (await got.json()) as Record<string, unknown>];
}

test('the version is the one of the package', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(VERSION).toBe(version);
});

test('an image as bytes, in a form and in JSON', () =>
  withApp({}, async ({ app }) => {
    const single = { model: 'a', version: expect.stringMatching(/^[0-9a-f]{12}$/) as string };
    const prediction = (score: number): object => ({
      verdict: score > 5 ? 'anomalous' : 'normal',
      score,
      threshold: 5,
      pValue: 0.5,
      branches: {},
      regions: [],
    });
    expect(await read(app.request('/v1/predict', post(image(2), { 'content-type': 'image/png' })))).toEqual([
      200,
      { ...single, predictions: [prediction(4)] },
    ]);
    const form = new FormData();
    form.append('first', new Blob([image(3)]), 'three.png');
    form.append('second', new Blob([image(1)]), '../one.png');
    form.append('comment', 'text is no image');
    expect(await read(app.request('/v1/predict', post(form)))).toEqual([
      200,
      {
        ...single,
        predictions: [
          { name: 'three.png', ...prediction(6) },
          { name: '../one.png', ...prediction(2) },
        ],
      },
    ]);
    const images = [{ base64: 'Ag==', name: 'two' }, { base64: 'Aw==' }];
    expect(await read(app.request('/v1/predict?model=a', jsonBody({ images })))).toEqual([
      200,
      { ...single, predictions: [{ name: 'two', ...prediction(4) }, prediction(6)] },
    ]);
  }));

test('a form or JSON with a hundred thousand parts is refused at once', () =>
  withApp({}, async ({ app }) => {
    const part = '--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n1\r\n';
    const form = { 'content-type': 'multipart/form-data; boundary=x' };
    const images = Array.from({ length: 100_000 }, () => ({ base64: '!' }));
    const infer = { inputs: Array.from({ length: 100_000 }, () => ({ name: 1 })) };
    for (const [status, request, url] of [
      [413, post(`${part.repeat(100_000)}--x--\r\n`, form)],
      [413, post(`--x\r\n${'A: b\r\n'.repeat(100_000)}\r\n1\r\n--x--\r\n`, form)],
      [413, post(`${part.repeat(257)}--x--\r\n`, { 'content-type': 'multipart/form-data; boundary="x"' })],
      [413, jsonBody({ images })],
      [400, jsonBody(infer), '/v2/models/a/infer'],
    ] as const) {
      const started = performance.now();
      const response = await app.request(url ?? '/v1/predict', request);
      expect([response.status, (await response.text()).length < 500]).toEqual([status, true]);
      expect(performance.now() - started).toBeLessThan(1000);
    }
  }));

test('a threshold holds for a request, or for a model until its next version', () =>
  withApp({ control: true }, async ({ app }, { models }) => {
    const verdict = async (query = ''): Promise<unknown> => {
      const [, { predictions }] = await read(app.request(`/v1/predict${query}`, post(image(2))));
      const [{ verdict: said, threshold }] = predictions as [{ verdict: string; threshold: number }];
      return [said, threshold];
    };
    expect(await verdict()).toEqual(['normal', 5]);
    expect(await verdict('?threshold=3.5')).toEqual(['anomalous', 3.5]);
    const patch = (value: unknown): Promise<[number, Record<string, unknown>]> =>
      read(app.request('/v1/models/a', { ...jsonBody({ threshold: value }), method: 'PATCH' }));
    expect(await patch(3)).toMatchObject([200, { name: 'a', threshold: 3 }]);
    expect(await verdict()).toEqual(['anomalous', 3]);
    expect(await verdict('?threshold=4')).toEqual(['normal', 4]);
    expect(await patch(null)).toMatchObject([200, { threshold: 5 }]);
    expect(await patch('high')).toMatchObject([400, { error: { code: 'invalid-argument' } }]);
    expect(await patch(3)).toMatchObject([200, { threshold: 3 }]);
    const { file } = models.get('a');
    await (await import('node:fs/promises')).writeFile(file, image(1));
    await models.get('a').load();
    expect(await verdict()).toEqual(['normal', 5]);
  }));

test('who may not change models is told so', () =>
  withApp({}, async ({ app }, { models }) => {
    for (const request of [
      app.request('/v1/models/a', { ...jsonBody({ threshold: 1 }), method: 'PATCH' }),
      app.request('/v1/models/a/feedback', post(image(1))),
    ]) {
      expect(await read(request)).toMatchObject([
        400,
        { error: { hint: expect.stringContaining('option') as string } },
      ]);
    }
    for (const path of ['load', 'unload']) {
      expect(await read(app.request(`/v2/repository/models/a/${path}`, post('')))).toMatchObject([
        400,
        { error: expect.any(String) as string },
      ]);
    }
    expect(models.get('a').version).toBeDefined();
  }));

test.each([
  ['/v1/predict?model=other', post(image(1)), 404, 'model-not-found'],
  ['/v1/predict?model=..%2Fa', post(image(1)), 404, 'model-not-found'],
  ['/v1/predict?version=000000000000', post(image(1)), 404, 'model-not-found'],
  ['/v1/models/..%2F..%2Fetc%2Fpasswd', {}, 404, 'model-not-found'],
  ['/v1/predict?threshold=', post(image(1)), 400, 'invalid-argument'],
  ['/v1/predict?threshold=high', post(image(1)), 400, 'invalid-argument'],
  ['/v1/predict?threshold=Infinity', post(image(1)), 400, 'invalid-argument'],
  ['/v1/predict?minArea=-1', post(image(1)), 400, 'invalid-argument'],
  ['/v1/predict?heatMap=yes', post(image(1)), 400, 'invalid-argument'],
  ['/v1/predict', post(new Uint8Array()), 400, 'invalid-argument'],
  ['/v1/predict', post('x', { 'content-type': 'multipart/form-data' }), 400, 'invalid-argument'],
  ['/v1/predict', post('x', { 'content-type': 'multipart/form-data; boundary=y' }), 400, 'invalid-argument'],
  ['/v1/predict', post('{', { 'content-type': 'application/json' }), 400, 'invalid-argument'],
  ['/v1/predict', jsonBody({ images: [] }), 400, 'invalid-argument'],
  ['/v1/predict', jsonBody({ images: [{ base64: '?' }] }), 400, 'invalid-argument'],
  [
    '/v1/predict',
    jsonBody({ images: [{ url: 'https://images.example.com/1.png' }] }),
    400,
    'invalid-argument',
  ],
  ['/v1/predict', jsonBody({ images: [{ path: '/etc/passwd' }] }), 400, 'invalid-argument'],
  [
    '/v1/predict',
    jsonBody({ images: Array.from({ length: 18 }, () => ({ base64: 'AQ==' })) }),
    413,
    'too-large',
  ],
  ['/v1/predict', post(new Uint8Array(2001)), 413, 'too-large'],
  ['/v1/predict', {}, 404, 'not-found'],
  ['/other', {}, 404, 'not-found'],
])('%s with %j: %i %s', (url, request, status, code) =>
  withApp({ maxBody: 2000 }, async ({ app }, { models }) => {
    expect(await read(app.request(url, request))).toMatchObject([
      status,
      { error: { code, message: expect.any(String) as string } },
    ]);
    expect(models.get('a').gate.taken).toBe(0);
  }),
);

test('without a name one of several models is not chosen', () =>
  withApp(
    {},
    async ({ app }) => {
      expect(await read(app.request('/v1/predict', post(image(1))))).toMatchObject([
        404,
        { error: { details: { models: ['a', 'b'] } } },
      ]);
      expect(await read(app.request('/v1/predict?model=b', post(image(1))))).toMatchObject([
        200,
        { model: 'b' },
      ]);
    },
    { a: 1, b: 2 },
  ));

test('when all places are taken a request is refused before its body is read, with seconds to wait', () =>
  withApp(
    {},
    async ({ app }, { models, lines }) => {
      const accepted = [1, 2, 3].map(() => app.request('/v1/predict', post(image(1))));
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(models.get('a').gate.taken).toBe(3);
      let isRead = false;
      const body = new ReadableStream({ pull: () => void (isRead = true) }, { highWaterMark: 0 });
      const refused = await app.request('/v1/predict', {
        method: 'POST',
        body,
        duplex: 'half',
      } as RequestInit);
      expect([refused.status, refused.headers.get('retry-after'), isRead]).toEqual([429, '1', false]);
      expect(await refused.json()).toMatchObject({ error: { code: 'queue-full' } });
      for (const each of accepted) expect((await each).status).toBe(200);
      expect(models.get('a').gate.taken).toBe(0);
      const metrics = await (await app.request('/metrics')).text();
      expect(metrics).toContain('dskd_refused_total{model="a",code="queue-full"} 1');
      expect(lines.find(({ status }) => status === 429)).toMatchObject({ error: { code: 'queue-full' } });
    },
    { a: 1 },
    { milliseconds: 100, queue: 2 },
  ));

test('what takes too long is ended, and gives its place back', () =>
  withApp(
    { timeout: 50 },
    async ({ app }, { models }) => {
      const response = await app.request('/v1/predict', post(image(1)));
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
      expect(await response.json()).toMatchObject({ error: { code: 'timed-out' } });
      expect(models.get('a').gate.taken).toBe(0);
    },
    { a: 1 },
    { milliseconds: 300 },
  ));

test('a client that goes away gives its place back', () =>
  withApp(
    {},
    async ({ app }, { models, engines }) => {
      const stop = new AbortController();
      const response = app.request('/v1/predict', { ...post(image(1)), signal: stop.signal });
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(models.get('a').gate.taken).toBe(1);
      stop.abort();
      await response;
      expect(models.get('a').gate.taken).toBe(0);
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(engines[0]!.scored).toBe(0);
    },
    { a: 1 },
    { milliseconds: 100 },
  ));

test('with a token only probes and the documentation are open', () =>
  withApp({ token: 'secret-1' }, async ({ app }) => {
    const statusOf = async (path: string, token?: string): Promise<number> =>
      (await app.request(path, token === undefined ? {} : { headers: { authorization: token } })).status;
    for (const path of ['/live', '/ready', '/v2/health/live', '/v2/health/ready', '/docs', '/openapi.json']) {
      expect([path, await statusOf(path)]).toEqual([path, 200]);
    }
    for (const path of ['/v1/models', '/v2/models/a', '/metrics', '/v2', '/other']) {
      expect([path, await statusOf(path)]).toEqual([path, 401]);
    }
    expect(await statusOf('/v1/models', 'Bearer secret-1')).toBe(200);
    for (const wrong of ['Bearer secret-2', 'Bearer ', 'secret-1', 'Basic secret-1', 'Bearer secret-1 x']) {
      expect([wrong, await statusOf('/v1/models', wrong)]).toEqual([wrong, 401]);
    }
    const refused = await app.request('/v1/predict', post(image(1)));
    expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    expect(await refused.json()).toMatchObject({ error: { code: 'unauthorized' } });
  }));

test('pages of listed origins may call, also where a token is needed', () =>
  withApp({ corsOrigins: ['https://line.example.com'], token: 'x' }, async ({ app }) => {
    const allowed = async (origin: string): Promise<string | null> => {
      const response = await app.request('/v1/predict', {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
      return response.headers.get('access-control-allow-origin');
    };
    expect(await allowed('https://line.example.com')).toBe('https://line.example.com');
    expect(await allowed('https://evil.test')).toBeNull();
  }));

test('no origin may call by default', () =>
  withApp({}, async ({ app }) => {
    const response = await app.request('/live', { headers: { origin: 'https://line.example.com' } });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  }));

test('the server is ready while a model answers, and not while it drains', () =>
  withApp({}, async (server, { models }) => {
    const { app } = server;
    const ready = async (): Promise<number[]> =>
      Promise.all(
        ['/ready', '/v2/health/ready', '/live'].map(async (path) => (await app.request(path)).status),
      );
    expect(await ready()).toEqual([200, 200, 200]);
    await models
      .get('a')
      .load('/no/such/file')
      .catch(() => undefined);
    expect(await ready()).toEqual([200, 200, 200]);
    server.drain();
    expect(await ready()).toEqual([503, 503, 200]);
    const last = await app.request('/v1/predict', post(image(1)));
    expect([last.status, last.headers.get('connection')]).toEqual([200, 'close']);
  }));

test('metrics by model and version', () =>
  withApp({}, async ({ app }, { models }) => {
    await app.request('/v1/predict', post(image(1)));
    await app.request('/v1/predict', post(image(9)));
    await app.request('/v1/models/' + 'x'.repeat(50));
    const text = await (await app.request('/metrics')).text();
    const { id } = models.get('a').current();
    for (const line of [
      `dskd_predictions_total{model="a",version="${id}",verdict="normal"} 1`,
      `dskd_predictions_total{model="a",version="${id}",verdict="anomalous"} 1`,
      `dskd_prediction_seconds_count{model="a",version="${id}"} 2`,
      'dskd_queue_depth{model="a"} 0',
      'dskd_queue_limit{model="a"} 16',
      `dskd_model_info{model="a",version="${id}",method="instant",engine="onnx"} 1`,
      'dskd_http_requests_total{route="/v1/predict",status="200"} 2',
      // Not the path that a client made up.
      'dskd_http_requests_total{route="/v1/models/:model",status="404"} 1',
      'nodejs_eventloop_lag_p99_seconds',
      'process_resident_memory_bytes',
    ]) {
      expect(text).toContain(line);
    }
  }));

test('a line of the log for each request, with the trace and the id that it came with', () =>
  withApp({}, async ({ app }, { lines }) => {
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const response = await app.request('/v1/predict', {
      ...post(image(9), { traceparent: `00-${trace}-b7ad6b7169203331-01`, 'x-request-id': 'line-7' }),
    });
    expect(response.headers.get('x-request-id')).toBe('line-7');
    expect(lines.at(-1)).toMatchObject({
      level: 'info',
      message: 'request',
      request: 'line-7',
      trace_id: trace,
      method: 'POST',
      path: '/v1/predict',
      status: 200,
      model: 'a',
      images: 1,
      anomalous: 1,
      milliseconds: expect.any(Number) as number,
    });
    await app.request('/live', { headers: { traceparent: 'nonsense', 'x-request-id': 'a b\n' } });
    const probe = lines.at(-1)!;
    expect([probe.level, probe.trace_id]).toEqual(['debug', undefined]);
    expect(probe.request).toMatch(/^[0-9a-f-]{36}$/);
  }));

test('an error of the server itself is logged, and tells the client nothing', () =>
  withApp({}, async ({ app }, { lines, engines }) => {
    jest.spyOn(engines[0]!, 'predict').mockRejectedValue(new Error('the password is 7'));
    const response = await app.request('/v1/predict', post(image(1)));
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('password');
    expect(lines.at(-1)).toMatchObject({
      level: 'error',
      error: { message: 'the password is 7', stack: expect.any(String) as string },
    });
  }));

test.each([{ maxBody: 0 }, { timeout: NaN }, { uploads: -1 }, { uploadTimeout: Infinity }])(
  '%j is refused',
  async (options) => {
    const { models, end } = await fakeModels({ a: 1 });
    expect(() => createApp(models, options)).toThrow(
      expect.objectContaining({ code: 'invalid-argument' }) as Error,
    );
    await end();
  },
);
