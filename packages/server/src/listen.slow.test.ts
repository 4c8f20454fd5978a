import { connect, type Socket } from 'node:net';
import { fakeModels, keptLog } from './fake-engine.test.util.js';
import { createApp, listen, type RunningServer } from './index.js';

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

async function serving(
  work: (running: RunningServer, fakes: Awaited<ReturnType<typeof fakeModels>>) => Promise<void>,
): Promise<void> {
  const fakes = await fakeModels({ a: 1 }, { milliseconds: 2 });
  const running = await listen(createApp(fakes.models, { log: keptLog().log }), { port: 0 });
  try {
    await work(running, fakes);
  } finally {
    await running.close();
    await fakes.end();
  }
}

const predict = ({ url }: RunningServer): Promise<Response> =>
  fetch(`${url}/v1/predict`, { method: 'POST', body: Uint8Array.of(3) });

async function clients({ port }: RunningServer, count: number): Promise<Socket[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined).resume();
      await new Promise((resolve) => socket.once('connect', resolve));
      return socket;
    }),
  );
}

test('heads that never end are ended, and nobody else waits for them', () =>
  serving(async (running) => {
    const sockets = await clients(running, 300);
    const drip = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write('X');
    }, 200);
    for (const socket of sockets) socket.write('POST /v1/predict HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    const times: number[] = [];
    const started = performance.now();
    try {
      while (sockets.some(({ closed }) => !closed)) {
        const sent = performance.now();
        expect((await predict(running)).status).toBe(200);
        times.push(performance.now() - sent);
        expect(performance.now() - started).toBeLessThan(20_000);
        await pause(100);
      }
    } finally {
      clearInterval(drip);
      for (const socket of sockets) socket.destroy();
    }
    times.sort((a, b) => a - b);
    expect(times[Math.floor(times.length * 0.9)]).toBeLessThan(500);
  }));

test('a gigabyte without a length is not taken in', () =>
  serving(async (running) => {
    const [socket] = (await clients(running, 1)) as [Socket];
    let answer = '';
    socket.on('data', (data: Buffer) => (answer += data.toString()));
    socket.write('POST /v1/predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(2 ** 20, 1), Buffer.from('\r\n')]);
    gc!();
    const before = process.memoryUsage().rss;
    let most = 0;
    let sent = 0;
    for (; sent < 1024 && !socket.closed; sent++) {
      if (!socket.write(chunk))
        await Promise.race([
          new Promise((resolve) => socket.once('drain', resolve)),
          new Promise((resolve) => socket.once('close', resolve)),
        ]);
      most = Math.max(most, process.memoryUsage().rss - before);
    }
    expect(answer).toMatch(/^HTTP\/1\.1 413/);
    // 32 MiB, in the chunks and in one piece, and what lies in sockets; the rest is dropped with the connection.
    expect(sent).toBeLessThan(256);
    expect(most).toBeLessThan(300e6);
    expect((await predict(running)).status).toBe(200);
  }));

test('after a thousand uploads that broke off there are as many places as before', () =>
  serving(async (running, { models, engines }) => {
    const head =
      'POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 100000\r\n\r\n';
    for (let round = 0; round < 20; round++) {
      const sockets = await clients(running, 50);
      for (const [index, socket] of sockets.entries()) {
        socket.write(head.slice(0, index % 4 === 0 ? 40 : undefined));
        if (index % 4 > 1) socket.write(Buffer.alloc(index % 4 === 2 ? 50_000 : 100_000, 1));
      }
      await pause(20);
      for (const socket of sockets) socket.destroy();
    }
    const end = Date.now() + 10_000;
    while (models.get('a').gate.taken > 0 || engines[0]!.running > 0) {
      expect(Date.now()).toBeLessThan(end);
      await pause(20);
    }
    const answers = await Promise.all(Array.from({ length: 17 }, () => predict(running)));
    expect(answers.map(({ status }) => status)).toEqual(Array(17).fill(200));
    expect(await (await fetch(`${running.url}/metrics`)).text()).toContain('dskd_uploads 0');
  }));
