import { jest } from '@jest/globals';
import { deflateSync, gzipSync } from 'node:zlib';
import { Uploads, type UploadLimits } from './uploads.js';

const code = (wanted: string): Error => expect.objectContaining({ code: wanted }) as Error;
const never = new AbortController().signal;
const asText = (bytes: Uint8Array): Promise<string> => Promise.resolve(new TextDecoder().decode(bytes));

const uploads = (limits: Partial<UploadLimits> = {}): Uploads =>
  new Uploads({ maxBody: 1000, uploads: 2, uploadTimeout: 5000, ...limits });

function post(body: BodyInit | null, headers: Record<string, string> = {}): Request {
  return new Request('http://server/', {
    method: 'POST',
    body,
    headers,
    ...(body instanceof ReadableStream && { duplex: 'half' }),
  });
}

/** A body of which nothing but the first bytes ever comes. */
function stuck(): { readonly request: Request; readonly canceled: Promise<unknown> } {
  let cancel!: (reason: unknown) => void;
  const canceled = new Promise((resolve) => (cancel = resolve));
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(Uint8Array.of(1)),
    cancel,
  });
  return { request: post(body), canceled };
}

test('a body is read, also packed', async () => {
  const all = uploads();
  await expect(all.read(post('good'), never, asText)).resolves.toBe('good');
  await expect(all.read(post(null), never, asText)).resolves.toBe('');
  for (const [name, pack] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ] as const) {
    const packed = new Uint8Array(pack('good'));
    await expect(all.read(post(packed, { 'content-encoding': name }), never, asText)).resolves.toBe('good');
  }
  expect(all.size).toBe(0);
});

test('a body that says it is too large is not read', async () => {
  const pulled = jest.fn<() => void>();
  const body = new ReadableStream({ pull: pulled }, { highWaterMark: 0 });
  const request = post(body, { 'content-length': '1001' });
  await expect(uploads().read(request, never, asText)).rejects.toEqual(code('too-large'));
  expect(pulled).not.toHaveBeenCalled();
});

test('a body that becomes too large is read no further', async () => {
  let pieces = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        pieces++;
        controller.enqueue(new Uint8Array(400));
      },
    },
    { highWaterMark: 0 },
  );
  await expect(uploads().read(post(body), never, asText)).rejects.toEqual(code('too-large'));
  expect(pieces).toBe(3);
});

test('a small body that unpacks to a large one is unpacked no further', async () => {
  const bomb = new Uint8Array(gzipSync(Buffer.alloc(50_000_000)));
  const all = uploads({ maxBody: 100_000 });
  expect(bomb.length).toBeLessThan(100_000);
  await expect(all.read(post(bomb, { 'content-encoding': 'gzip' }), never, asText)).rejects.toEqual(
    code('too-large'),
  );
});

test.each([
  ['gzip', new Uint8Array([1, 2, 3])],
  ['gzip', new Uint8Array(gzipSync('good')).subarray(0, 15)],
  ['br', new Uint8Array([1])],
  ['gzip, gzip', new Uint8Array([1])],
])('a body that is not %s', async (encoding, bytes) => {
  await expect(
    uploads().read(post(new Uint8Array(bytes), { 'content-encoding': encoding }), never, asText),
  ).rejects.toEqual(code('invalid-argument'));
});

test('a body that does not arrive in time is ended', async () => {
  const all = uploads({ uploadTimeout: 50 });
  const { request, canceled } = stuck();
  await expect(all.read(request, never, asText)).rejects.toMatchObject({
    code: 'timed-out',
    details: { part: 'body' },
  });
  await expect(canceled).resolves.toMatchObject({ code: 'timed-out' });
  expect(all.size).toBe(0);
});

test('the time also holds for what the body names', async () => {
  const all = uploads({ uploadTimeout: 50 });
  const waiting = all.read(post('x'), never, (_, signal) => new Promise<string>((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('ended'))))); // prettier-ignore
  await expect(waiting).rejects.toEqual(code('timed-out'));
});

test('a client that goes away ends it', async () => {
  const all = uploads();
  const stop = new AbortController();
  const { request, canceled } = stuck();
  const reading = all.read(request, stop.signal, asText);
  expect(all.size).toBe(1);
  stop.abort();
  await expect(reading).rejects.toEqual(code('aborted'));
  await canceled;
  expect(all.size).toBe(0);
});

test('an old upload gives its place to a new one, a young one does not', async () => {
  const all = uploads();
  const stop = new AbortController();
  const reading = [stuck(), stuck()].map(({ request }) => all.read(request, stop.signal, asText));
  const settled = Promise.allSettled(reading);
  await expect(all.read(post('x'), never, asText)).rejects.toEqual(code('queue-full'));
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await expect(all.read(post('x'), never, asText)).resolves.toBe('x');
  await expect(reading[0]).rejects.toEqual(code('timed-out'));
  expect(all.size).toBe(1);
  stop.abort();
  await settled;
  expect(all.size).toBe(0);
});
