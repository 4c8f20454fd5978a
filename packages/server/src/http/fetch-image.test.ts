import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fetchImage, type FetchRules } from './fetch-image.js';

const code = (wanted: string, message?: string): Error =>
  expect.objectContaining({
    code: wanted,
    ...(message !== undefined && { message: expect.stringContaining(message) as string }),
  }) as Error;

let server: Server;
let host: string;
let requests: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request.url!);
    if (request.url === '/image') response.end(Buffer.from([1, 2, 3]));
    else if (request.url === '/redirect')
      response.writeHead(302, { location: 'http://127.0.0.1/secret' }).end();
    else if (request.url === '/large') {
      // For ever: who reads it must stop.
      const write = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(65_536), () => setImmediate(write));
      };
      write();
    } else if (request.url === '/slow') response.write('x');
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  requests = [];
});

const rules = (imageHosts: readonly string[], more: Partial<FetchRules> = {}): FetchRules => ({
  imageHosts,
  privateImageHosts: true,
  maxBody: 1000,
  ...more,
});
const never = new AbortController().signal;

test('an image of an allowed host is read', async () => {
  await expect(fetchImage(`http://${host}/image`, rules([host]), never)).resolves.toEqual(
    Uint8Array.of(1, 2, 3),
  );
});

test.each([
  ['file:///etc/passwd', 'https or http'],
  ['ftp://images.example.com/x', 'https or http'],
  ['images.example.com/x', 'https or http'],
  ['http://user:password@images.example.com/x', 'a user or a password'],
  ['http://images.example.com:8080/x', 'host images.example.com:8080'],
  ['http://images.example.com.evil.test/x', 'evil.test'],
  ['http://evil.test/images.example.com', 'evil.test'],
  ['http://evil.test#@images.example.com/', 'evil.test'],
  ['http://images.example.com@evil.test/', 'a user or a password'],
  ['http://169.254.169.254/latest/meta-data', '169.254.169.254'],
])('%s is refused', async (url, message) => {
  await expect(fetchImage(url, rules(['images.example.com']), never)).rejects.toEqual(
    code('invalid-argument', message),
  );
});

// Other ways to write addresses, which URLs bring to one form, and addresses inside of others.
test.each([
  'http://127.0.0.1/',
  'http://127.1/',
  'http://2130706433/',
  'http://0x7f.1/',
  'http://0177.0.0.1/',
  'http://0.0.0.0/',
  'http://10.1.2.3/',
  'http://172.16.0.1/',
  'http://192.168.1.1/',
  'http://169.254.169.254/',
  'http://100.64.0.1/',
  'http://[::1]/',
  'http://[::]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:a00:1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[fe80::1]/',
  'http://[fd00::1]/',
])('%s is private, also where the host is allowed', async (url) => {
  await expect(
    fetchImage(url, rules([new URL(url).host], { privateImageHosts: false }), never),
  ).rejects.toEqual(code('invalid-argument', 'private network'));
});

test('a name that leads to a private address is refused, and no connection is made', async () => {
  const { port } = new URL(`http://${host}`);
  const name = `localhost:${port}`;
  await expect(
    fetchImage(`http://${name}/image`, rules([name], { privateImageHosts: false }), never),
  ).rejects.toEqual(code('invalid-argument', 'private network'));
  expect(requests).toEqual([]);
});

test('a redirect is not followed', async () => {
  await expect(fetchImage(`http://${host}/redirect`, rules([host]), never)).rejects.toEqual(
    code('download-failed', 'redirects are not followed'),
  );
  expect(requests).toEqual(['/redirect']);
});

test('an answer without an image, or none at all', async () => {
  await expect(fetchImage(`http://${host}/other`, rules([host]), never)).rejects.toEqual(
    code('download-failed', '404'),
  );
  await expect(fetchImage('http://127.0.0.1:1/', rules(['127.0.0.1:1']), never)).rejects.toEqual(
    code('download-failed'),
  );
});

test('more bytes than a body may have are not read', async () => {
  await expect(fetchImage(`http://${host}/large`, rules([host]), never)).rejects.toEqual(code('too-large'));
});

test('the signal ends it', async () => {
  const stop = new AbortController();
  const reading = fetchImage(`http://${host}/slow`, rules([host]), stop.signal);
  setTimeout(() => stop.abort(), 50);
  await expect(reading).rejects.toThrow(/aborted|ECONNRESET/);
});
