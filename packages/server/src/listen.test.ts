import { connect, type Socket } from 'node:net';
import { fakeModels, keptLog } from './fake-engine.test.util.js';
import { createApp, listen, type AppOptions, type RunningServer } from './index.js';

type Fakes = Awaited<ReturnType<typeof fakeModels>>;

async function serving(
  options: AppOptions & { readonly milliseconds?: number; readonly graceMs?: number },
  work: (running: RunningServer, fakes: Fakes) => Promise<void>,
): Promise<void> {
  const { milliseconds = 5, graceMs, ...rest } = options;
  const fakes = await fakeModels({ a: 1 }, { milliseconds });
  const running = await listen(createApp(fakes.models, { log: keptLog().log, ...rest }), {
    port: 0,
    ...(graceMs !== undefined && { graceMs }),
  });
  try {
    await work(running, fakes);
  } finally {
    await running.close();
    await fakes.end();
  }
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error('It did not happen within 10 seconds.');
    await pause(5);
  }
}

function predict({ url }: RunningServer): Promise<Response> {
  return fetch(`${url}/v1/predict`, { method: 'POST', body: Uint8Array.of(3) });
}

/** A client that sends what it is told, and keeps what it gets. */
async function client({
  port,
}: RunningServer): Promise<{ readonly socket: Socket; readonly got: () => string }> {
  const socket = connect(port, '127.0.0.1');
  let got = '';
  socket.on('data', (chunk: Buffer) => (got += chunk.toString())).on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  return { socket, got: () => got };
}

const head = (length: number): string =>
  `POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: ${length}\r\n\r\n`;

test('what was accepted is finished when the server ends, and nothing else is accepted', () =>
  // Long enough for eight requests to arrive on a busy machine before the first is answered.
  serving({ milliseconds: 400 }, async (running, { models }) => {
    const accepted = Array.from({ length: 8 }, () => predict(running));
    await until(() => models.get('a').gate.taken === 8);
    const closed = running.close();
    expect(running.close()).toBe(closed);
    await expect(predict(running)).rejects.toThrow('fetch failed');
    for (const each of accepted) {
      const response = await each;
      expect([response.status, response.headers.get('connection')]).toEqual([200, 'close']);
      await response.text();
    }
    await closed;
  }));

test('a connection that does nothing does not keep the server from its end', () =>
  serving({ graceMs: 200 }, async (running) => {
    const idle = await client(running);
    const half = await client(running);
    half.socket.write(head(1000));
    await pause(50);
    const started = performance.now();
    await running.close();
    expect(performance.now() - started).toBeLessThan(2000);
    for (const { socket } of [idle, half]) socket.destroy();
  }));

test('uploads that are broken off leave no place taken', () =>
  serving({ uploads: 1000, milliseconds: 2 }, async (running, { models, engines }) => {
    for (let round = 0; round < 10; round++) {
      const clients = await Promise.all(Array.from({ length: 10 }, () => client(running)));
      for (const [index, { socket }] of clients.entries()) {
        // Before the body, within it, and while its image is scored.
        socket.write(head(10));
        if (index % 3 > 0) socket.write(Buffer.alloc(index % 3 === 1 ? 5 : 10, 1));
      }
      await pause(10);
      for (const { socket } of clients) socket.destroy();
    }
    await until(() => models.get('a').gate.taken === 0 && engines[0]!.running === 0);
    const answers = await Promise.all(Array.from({ length: 17 }, () => predict(running)));
    expect(answers.map(({ status }) => status)).toEqual(Array(17).fill(200));
    const metrics = await (await fetch(`${running.url}/metrics`)).text();
    expect(metrics).toContain('dskd_uploads 0');
  }));

test('slow uploads take no place from others, and are ended', () =>
  serving({ uploads: 20, uploadTimeout: 1500 }, async (running, { models }) => {
    const slow = await Promise.all(Array.from({ length: 20 }, () => client(running)));
    for (const { socket } of slow) socket.write(head(1000));
    const drip = setInterval(() => {
      for (const { socket } of slow) if (socket.writable) socket.write('x');
    }, 50);
    try {
      await pause(1200);
      expect(models.get('a').gate.taken).toBe(0);
      // The oldest gives way.
      const answers = await Promise.all(Array.from({ length: 5 }, () => predict(running)));
      expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200));
      await until(() => slow.every(({ got }) => got().startsWith('HTTP/1.1 408')));
    } finally {
      clearInterval(drip);
      for (const { socket } of slow) socket.destroy();
    }
  }));

test('a body of a gigabyte is refused at its head, and one without a length when it is too large', () =>
  serving({ maxBody: 10_000 }, async (running) => {
    const announced = await client(running);
    announced.socket.write(head(2 ** 30));
    await until(() => announced.got().includes('\r\n\r\n'));
    expect(announced.got()).toMatch(/^HTTP\/1\.1 413/);
    expect(announced.got()).toMatch(/connection: close/i);
    const chunked = await client(running);
    chunked.socket.write('POST /v1/predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`;
    for (let sent = 0; sent < 5; sent++) chunked.socket.write(chunk);
    await until(() => chunked.got().includes('\r\n\r\n'));
    expect(chunked.got()).toMatch(/^HTTP\/1\.1 413/);
    await until(() => announced.socket.closed && chunked.socket.closed);
    expect((await predict(running)).status).toBe(200);
  }));

test('paths that leave their place are no files', () =>
  serving({}, async (running) => {
    for (const path of [
      '/../../etc/passwd',
      '/docs/../../package.json',
      '/docs/..%2f..%2fpackage.json',
      '//etc/passwd',
      '/v2/models/..%2f..%2fetc',
      '/%00',
    ]) {
      const raw = await client(running);
      raw.socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      await until(() => raw.socket.closed);
      expect([path, raw.got().slice(9, 12)]).toEqual([path, expect.stringMatching(/^40[04]$/) as string]);
    }
  }));
