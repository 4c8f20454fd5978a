import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createServer as createSocketServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';
import { madeUpAlarm } from '../alarms.test.util.js';
import { Broker, Subscriber } from '../broker.test.util.js';
import {
  endAll,
  freePort,
  later,
  mosquittoMissing,
  start,
  testWith,
  until,
} from '../real-components.test.util.js';
import { parseSink } from './address.js';

const SECRET = 'a secret of at least 16 bytes';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd sinks ü-'));
});
afterEach(endAll);
afterAll(() => rm(folder, { recursive: true }));

describe('a folder', () => {
  test('gets the event and its image, and the same files where it is delivered twice', async () => {
    const sink = parseSink(`folder:${path.join(folder, 'alarms')}`);
    const alarm = madeUpAlarm('a-1', { bytes: Uint8Array.of(1, 2, 3), extension: 'png' });
    await sink.deliver(alarm, new AbortController().signal);
    await sink.deliver(alarm, new AbortController().signal);
    const stem = '20261130T060001.500Z-a-1';
    expect((await readdir(path.join(folder, 'alarms'))).sort()).toEqual([`${stem}.json`, `${stem}.png`]);
    const written = await readFile(path.join(folder, 'alarms', `${stem}.json`), 'utf8');
    expect(JSON.parse(written)).toEqual({ ...alarm.event, image: `${stem}.png` });
    expect(await readFile(path.join(folder, 'alarms', `${stem}.png`))).toEqual(Buffer.of(1, 2, 3));
  });

  test('that cannot be written fails, to be tried again', async () => {
    await writeFile(path.join(folder, 'file'), '');
    const sink = parseSink(`folder:${path.join(folder, 'file', 'alarms')}`);
    await expect(sink.deliver(madeUpAlarm('a'), new AbortController().signal)).rejects.toMatchObject({
      code: 'delivery-failed',
    });
  });
});

interface Request {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

describe('a webhook', () => {
  let server: Server;
  let address: string;
  let answer: {
    readonly status: number;
    readonly headers?: Record<string, string>;
    readonly never?: boolean;
  };
  const requests: Request[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      void (async () => {
        let body = '';
        for await (const part of request.setEncoding('utf8') as AsyncIterable<string>) body += part;
        requests.push({ method: request.method, url: request.url, headers: request.headers, body });
        if (answer.never !== true) response.writeHead(answer.status, answer.headers).end('seen');
      })();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/alarms?token=1`;
  });
  beforeEach(() => {
    answer = { status: 204 };
    requests.splice(0);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test.each([SECRET, `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`])(
    'another implementation of Standard Webhooks verifies the signature by %s',
    async (secret) => {
      const alarm = madeUpAlarm('a-1', { bytes: Uint8Array.of(1), extension: 'png' });
      await parseSink(address, { webhook: secret }).deliver(alarm, new AbortController().signal);
      const [{ method, url, headers, body }] = requests as [Request];
      expect([method, url, headers['content-type'], headers['idempotency-key']]).toEqual([
        'POST',
        '/alarms?token=1',
        'application/json',
        'a-1',
      ]);
      const key = secret.startsWith('whsec_') ? secret : `whsec_${Buffer.from(secret).toString('base64')}`;
      const verifier = new Webhook(key);
      expect(verifier.verify(body, headers as Record<string, string>)).toEqual(alarm.event);
      expect(JSON.parse(body)).toEqual(alarm.event);
      expect(() =>
        verifier.verify(body.replace('tray', 'Tray'), headers as Record<string, string>),
      ).toThrow();
      const late = { ...(headers as Record<string, string>), 'webhook-timestamp': '1700000000' };
      expect(() => verifier.verify(body, late)).toThrow();
    },
  );

  test.each([
    [{ status: 500 }, 'it answered 500', {}],
    [{ status: 400 }, 'it answered 400', { refused: true }],
    [{ status: 404 }, 'it answered 404', { refused: true }],
    [{ status: 422, headers: { 'retry-after': '7' } }, 'it answered 422', { refused: true }],
    [{ status: 408 }, 'it answered 408', {}],
    [{ status: 425 }, 'it answered 425', {}],
    [{ status: 302, headers: { location: '/other' } }, 'it answered 302', {}],
    [{ status: 429, headers: { 'retry-after': '7' } }, 'it answered 429', { retryMs: 7000 }],
    [{ status: 503, headers: { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' } }, 'it answered 503', {}],
  ])('%j has not taken it', async (answered, message, details) => {
    answer = answered;
    const sink = parseSink(address, { webhook: SECRET });
    await expect(sink.deliver(madeUpAlarm('a'), new AbortController().signal)).rejects.toMatchObject({
      code: 'delivery-failed',
      message: expect.stringContaining(message) as string,
      details,
    });
    expect(requests).toHaveLength(1);
  });

  test('one that does not answer, or is not there, has not taken it; its query is not shown', async () => {
    answer = { status: 200, never: true };
    const sink = parseSink(address, { webhook: SECRET });
    const failure: unknown = await sink
      .deliver(madeUpAlarm('a'), AbortSignal.timeout(100))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'delivery-failed' });
    expect(String(failure)).not.toContain('token');
    const nobody = parseSink(`http://127.0.0.1:${await freePort()}/`, { webhook: SECRET });
    await expect(nobody.deliver(madeUpAlarm('a'), new AbortController().signal)).rejects.toThrow(
      'ECONNREFUSED',
    );
  });
});

describe('MQTT', () => {
  const withBroker = testWith('MQTT', mosquittoMissing);
  const brokerIn = async (name: string, lines?: readonly string[]): Promise<Broker> =>
    Broker.make(await mkdtemp(path.join(folder, name)), await freePort(), lines);

  withBroker('alarms are published to the topic, and acknowledged', async () => {
    const broker = await brokerIn('plain-');
    broker.start();
    const subscriber = new Subscriber(broker.url, 'line/2/alarms');
    await subscriber.subscribed();
    const sink = parseSink(`${broker.url}/line/2/alarms`);
    for (const id of ['a', 'b', 'c']) await sink.deliver(madeUpAlarm(id), new AbortController().signal);
    await until(() => subscriber.ids.length >= 3, 'three alarms');
    expect(subscriber.ids).toEqual(['a', 'b', 'c']);
    // A broker that is killed between two alarms: the next one fails, and the one after that is delivered.
    await broker.kill();
    await expect(sink.deliver(madeUpAlarm('d'), new AbortController().signal)).rejects.toMatchObject({
      code: 'delivery-failed',
    });
    broker.start();
    await until(
      () =>
        sink.deliver(madeUpAlarm('d'), new AbortController().signal).then(
          () => true,
          () => false,
        ),
      'the broker',
    );
    await until(() => subscriber.ids.length >= 4, 'the fourth alarm');
    await sink.close();
    await subscriber.end();
  });

  withBroker(
    'user and password are those of the address, or of the secrets; without them it is refused',
    async () => {
      const passwords = path.join(folder, 'passwords');
      await writeFile(passwords, '');
      const made = start('mosquitto_passwd', ['-b', passwords, 'me', 'my word']);
      await new Promise((resolve) => made.once('close', resolve).once('error', resolve));
      const broker = await brokerIn('secret-', ['allow_anonymous false', `password_file ${passwords}`]);
      broker.start();
      await later(200);
      const host = broker.url.slice('mqtt://'.length);
      const named = parseSink(`mqtt://me:my%20word@${host}/alarms`);
      expect(named.name).toBe(`mqtt://${host}/alarms`);
      const secrets = parseSink(`mqtt://${host}/alarms`, { mqttUser: 'me', mqttPassword: 'my word' });
      for (const sink of [named, secrets]) {
        await sink.deliver(madeUpAlarm('a'), new AbortController().signal);
        await sink.close();
      }
      await expect(
        parseSink(`mqtt://${host}/alarms`).deliver(madeUpAlarm('a'), new AbortController().signal),
      ).rejects.toThrow('Not authorized');
    },
  );

  test('a broker that does not answer is given up with the signal', async () => {
    const silent = createSocketServer();
    const sockets: Socket[] = [];
    silent.on('connection', (socket) => sockets.push(socket.resume()));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const sink = parseSink(`mqtt://127.0.0.1:${port}/alarms`);
    try {
      await expect(sink.deliver(madeUpAlarm('a'), AbortSignal.timeout(100))).rejects.toThrow(
        'it took too long',
      );
      // The connection is ended, too: nothing keeps the process.
      await until(() => sockets.length === 1 && sockets[0]!.closed, 'the end of the connection');
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });
});

test.each([
  ['alarms', 'it has no scheme'],
  ['folder:', 'nothing is after the scheme'],
  ['ftp://a/b', 'the scheme ftp is not known'],
  ['mqtt://a', 'it has no topic'],
  ['mqtt://a/', 'it has no topic'],
  ['mqtt://a/x/%23', 'has a wildcard'],
  ['mqtt://a/x/+/y', 'has a wildcard'],
  ['https://a b', 'it is no URL'],
])('the sink %j is refused', (address, message) => {
  expect(() => parseSink(address, { webhook: SECRET })).toThrow(message);
});

test('a webhook without a secret, with a short one, or with a password is refused', () => {
  expect(() => parseSink('https://a/b')).toThrow('Got no secret for a webhook');
  expect(() => parseSink('https://a/b', { webhook: 'short' })).toThrow('a secret of 5 bytes');
  expect(() => parseSink('https://a/b', { webhook: 'whsec_c2hv' })).toThrow('a secret of 3 bytes');
  expect(() => parseSink('https://me:pw@a/b', { webhook: SECRET })).toThrow('with a user or a password');
});
