import { spawn } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DownloadSource } from '../registry/index.js';
import {
  cutOff,
  file,
  serve,
  stall,
  status,
  type Answer,
  type LocalServer,
} from './local-server.test.util.js';
import { pullWeights, type PullProgress, type PullWeightsOptions } from './pull-weights.js';

const CONTENT = randomBytes(300_000);
const HALF = CONTENT.subarray(0, 150_000);
const OTHER = randomBytes(300_000);
const PART_AND_VERSION: unknown[] = [
  expect.stringMatching(/^net-00\.pth~[0-9a-f-]{36}\.part$/),
  expect.stringMatching(/^net-00\.pth~[0-9a-f-]{36}\.part\.version$/),
];
const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

let cacheFolder: string;
let server: LocalServer | undefined;

beforeEach(async () => (cacheFolder = await mkdtemp(path.join(tmpdir(), 'dskd pull ü-'))));
afterEach(async () => {
  await server?.close();
  server = undefined;
  await rm(cacheFolder, { recursive: true });
});

const target = (): string => path.join(cacheFolder, 'weights', 'net-00.pth');
const kept = (): Promise<string[]> => readdir(path.join(cacheFolder, 'weights'));

async function source(
  answers: [Answer, ...Answer[]],
  more: Partial<DownloadSource> = {},
): Promise<DownloadSource> {
  server = await serve(...answers);
  return { name: 'net', url: `${server.url}/net.pth`, file: 'net-00.pth', sha256: sha256(CONTENT), ...more };
}

const pull = (from: DownloadSource, options: PullWeightsOptions = {}): ReturnType<typeof pullWeights> =>
  pullWeights(from, { cacheFolder, timeoutMilliseconds: 2000, retryDelayMilliseconds: 1, ...options });

async function expectPulled(from: DownloadSource, options: PullWeightsOptions = {}): Promise<void> {
  expect(await pull(from, options)).toEqual({
    path: target(),
    bytes: CONTENT.byteLength,
    sha256: sha256(CONTENT),
    fromCache: false,
  });
  expect(Buffer.compare(await readFile(target()), CONTENT)).toBe(0);
  expect(await kept()).toEqual(['net-00.pth']);
}

describe('a correct server', () => {
  test('sends the file once; then it is in the cache', async () => {
    const from = await source([file(CONTENT)], { bytes: CONTENT.byteLength });
    const progress: PullProgress[] = [];
    await expectPulled(from, { onProgress: (event) => progress.push(event) });
    expect(progress.at(-1)).toEqual({ received: CONTENT.byteLength, total: CONTENT.byteLength, attempt: 1 });
    expect(progress.map(({ received }) => received)).toEqual(
      progress.map(({ received }) => received).toSorted((a, b) => a - b),
    );
    expect(await pull(from)).toMatchObject({ fromCache: true, sha256: sha256(CONTENT), path: target() });
    expect(server!.requests).toHaveLength(1);
  });

  test('the first digits of the SHA-256 are sufficient', async () => {
    await expectPulled(await source([file(CONTENT)], { sha256: sha256(CONTENT).slice(0, 8) }));
  });

  test('a damaged file in the cache is replaced', async () => {
    await mkdir(path.dirname(target()));
    await writeFile(target(), HALF);
    await expectPulled(await source([file(CONTENT)]));
  });

  test('the mirror is used with the name of the file in the cache', async () => {
    const from = await source([file(CONTENT)], { url: 'http://127.0.0.1:9/net.pth' });
    await expectPulled(from, { mirror: `${server!.url}/some/folder/` });
  });

  test('mirror and cache folder from the environment', async () => {
    const from = await source([file(CONTENT)], { url: 'http://127.0.0.1:9/net.pth' });
    process.env.DSKD_WEIGHTS_MIRROR = server!.url;
    process.env.DSKD_CACHE = cacheFolder;
    try {
      expect(await pullWeights(from)).toMatchObject({ path: target(), fromCache: false });
    } finally {
      delete process.env.DSKD_WEIGHTS_MIRROR;
      delete process.env.DSKD_CACHE;
    }
  });
});

describe('a server that fails and recovers', () => {
  test.each([
    [
      'breaks the connection',
      cutOff(HALF, CONTENT.byteLength, '"a"'),
      /broke \(.*\) after 150000 of 300000 bytes/,
    ],
    ['stalls', stall(HALF, CONTENT.byteLength, '"a"'), /nothing for 0.4 s after 150000 of 300000 bytes/],
  ])('%s: the download is resumed', async (_, answer, problem) => {
    const problems: (string | undefined)[] = [];
    const onProgress = (event: PullProgress): number => problems.push(event.problem);
    const from = await source([answer, file(CONTENT, { etag: '"a"' })]);
    await expectPulled(from, { onProgress, timeoutMilliseconds: 400 });
    expect(server!.requests.map(({ range }) => range)).toEqual([undefined, 'bytes=150000-']);
    expect(server!.requests[1]!['if-range']).toBe('"a"');
    expect(problems.filter((reason) => reason !== undefined)).toEqual([expect.stringMatching(problem)]);
  });

  test('sends nothing, then answers', async () => {
    const from = await source([() => undefined, file(CONTENT)]);
    await expectPulled(from, { timeoutMilliseconds: 400 });
  });

  test('fails with 500 twice, then answers', async () => {
    await expectPulled(await source([status(500), status(503), file(CONTENT)]));
  });

  test('ignores Range: the download starts again', async () => {
    const whole: Answer = (response) => response.end(CONTENT);
    await expectPulled(await source([cutOff(HALF, CONTENT.byteLength), whole]));
    expect(server!.requests[1]!.range).toBe('bytes=150000-');
  });

  test('sends another range than the requested one: the download starts again', async () => {
    const wrong: Answer = (response) =>
      response.writeHead(206, { 'content-range': 'bytes 7-299999/300000' }).end(CONTENT.subarray(7));
    await expectPulled(await source([cutOff(HALF, CONTENT.byteLength), wrong, file(CONTENT)]));
    expect(server!.requests[2]!.range).toBeUndefined();
  });

  test('changes the file and its ETag: the download starts again', async () => {
    const before = cutOff(OTHER.subarray(0, 100_000), OTHER.byteLength, '"old"');
    await expectPulled(await source([before, file(CONTENT, { etag: '"new"' })]));
    expect(server!.requests).toHaveLength(2);
    expect(server!.requests[1]!['if-range']).toBe('"old"');
  });

  test('changes the file without an ETag: the SHA-256 is wrong, the download starts again', async () => {
    const before = cutOff(OTHER.subarray(0, 100_000), OTHER.byteLength);
    await expectPulled(await source([before, file(CONTENT)]));
    expect(server!.requests.map(({ range }) => range)).toEqual([undefined, 'bytes=100000-', undefined]);
  });

  test('announces too many bytes at first: the received bytes are complete', async () => {
    await expectPulled(await source([cutOff(CONTENT, CONTENT.byteLength + 5), file(CONTENT)]));
    expect(server!.requests[1]!.range).toBe('bytes=300000-');
  });
});

describe('a server that does not recover', () => {
  test.each([
    ['404', status(404), 1, 'no such file (404 Not Found)'],
    ['403', status(403), 1, 'refused (403 Forbidden)'],
    ['503', status(503), 3, 'failed (503 Service Unavailable) (3 attempts)'],
    ['stall', stall(HALF, CONTENT.byteLength), 3, 'sent nothing for 0.3 s after 150000 of 300000 bytes'],
    ['too long', cutOff(CONTENT, CONTENT.byteLength + 1000), 3, 'after 300000 of 301000 bytes'],
  ])('%s', async (_, answer, requests, reason) => {
    const from = await source([answer]);
    await expect(pull(from, { retries: 2, timeoutMilliseconds: 300 })).rejects.toMatchObject({
      code: 'download-failed',
      message: expect.stringContaining(reason) as string,
      hint: expect.stringContaining(
        `Download ${from.url} on another machine and put the file at ${target()} `,
      ) as string,
      details: { path: target(), attempts: requests },
    });
    expect(server!.requests).toHaveLength(requests);
    expect(await kept()).not.toContain('net-00.pth');
  });

  test('announces another size than the expected one: nothing is downloaded', async () => {
    const from = await source([file(OTHER)], { bytes: 1000 });
    await expect(pull(from)).rejects.toMatchObject({
      code: 'download-failed',
      message: expect.stringContaining('announces 300000 bytes; expected 1000') as string,
    });
    expect(await kept()).toEqual([]);
  });

  test('sends more bytes than expected without announcing a size', async () => {
    const endless: Answer = (response) => {
      response.on('drain', () => response.write(HALF));
      response.write(HALF);
    };
    const from = await source([endless], { bytes: 1_000_000 });
    await expect(pull(from)).rejects.toMatchObject({
      code: 'download-failed',
      message: expect.stringContaining('more than 1000000 bytes') as string,
    });
  });

  test('announces too few bytes: the SHA-256 is wrong, and the bytes are deleted', async () => {
    const short: Answer = (response) => {
      response.setHeader('content-length', CONTENT.byteLength - 1000);
      response.end(CONTENT);
    };
    await expect(pull(await source([short]))).rejects.toMatchObject({ code: 'weights-invalid' });
    expect(await kept()).toEqual([]);
  });

  test('sends another file: the bytes are deleted, and the error describes them', async () => {
    const portal: Answer = (response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('log in');
    await expect(pull(await source([portal]))).rejects.toMatchObject({
      code: 'weights-invalid',
      message: expect.stringMatching(
        /6 bytes of text\/html with SHA-256 \w{64}; expected \w{64} for net/,
      ) as string,
      details: { got: sha256(Buffer.from('log in')), wanted: sha256(CONTENT) },
    });
    expect(server!.requests).toHaveLength(1);
    expect(await kept()).toEqual([]);
  });

  test('is not running: one attempt, and a hint', async () => {
    const from = await source([status(200)]);
    await server!.close();
    await expect(pull(from)).rejects.toMatchObject({
      code: 'download-failed',
      message: expect.stringContaining('cannot be reached from here (ECONNREFUSED).') as string,
      hint: expect.stringMatching(
        /^Download .*net\.pth on another machine and put the file at .*net-00\.pth .*DSKD_WEIGHTS_MIRROR/,
      ) as string,
    });
  });

  test('a wrong file at the target is kept, and is in the hint', async () => {
    const from = await source([status(404)]);
    await mkdir(path.dirname(target()));
    await writeFile(target(), HALF);
    await expect(pull(from)).rejects.toMatchObject({
      hint: expect.stringContaining(`The file there now has SHA-256 ${sha256(HALF)}`) as string,
    });
    expect(await kept()).toEqual(['net-00.pth']);
  });
});

describe('an interrupted download', () => {
  test('is resumed by the next call', async () => {
    const from = await source([stall(HALF, CONTENT.byteLength, '"a"'), file(CONTENT, { etag: '"a"' })]);
    const controller = new AbortController();
    const onProgress = ({ received }: PullProgress): void => {
      if (received === HALF.byteLength) controller.abort();
    };
    await expect(pull(from, { onProgress, signal: controller.signal })).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(await kept()).toEqual(PART_AND_VERSION);
    await expectPulled(from);
    expect(server!.requests[1]).toMatchObject({ range: 'bytes=150000-', 'if-range': '"a"' });
  });

  test('that was abandoned is deleted after its bytes are copied', async () => {
    const from = await source([stall(HALF, CONTENT.byteLength)]);
    const abandoned = `${target()}~${randomUUID()}.part`;
    await mkdir(path.dirname(target()));
    await writeFile(abandoned, HALF);
    await utimes(abandoned, new Date(), new Date(Date.now() - 61_000));
    await expect(pull(from, { retries: 0, timeoutMilliseconds: 300 })).rejects.toThrow('sent nothing');
    expect(server!.requests[0]!.range).toBe('bytes=150000-');
    expect(await kept()).toEqual(PART_AND_VERSION);
    expect(await kept()).not.toContain(path.basename(abandoned));
  });

  test.each([
    ['ends', (response: ServerResponse) => response.end(CONTENT.subarray(HALF.byteLength)), 2],
    ['breaks', (response: ServerResponse) => response.destroy(), 3],
  ])('that is still running is copied; it %s after the copy is complete', async (_, end, requests) => {
    let running: ServerResponse | undefined;
    const half: Answer = (response) => {
      running = response;
      response.setHeader('content-length', CONTENT.byteLength);
      response.write(HALF);
    };
    const from = await source([half, file(CONTENT)]);
    let received = 0;
    const first = pull(from, { onProgress: (progress) => (received = progress.received) });
    while (received < HALF.byteLength) await sleep(10);
    await expectPulled(from);
    expect(server!.requests[1]!.range).toBe('bytes=150000-');
    end(running!);
    expect(await first).toMatchObject({ path: target(), sha256: sha256(CONTENT), fromCache: false });
    expect(server!.requests).toHaveLength(requests);
    expect(Buffer.compare(await readFile(target()), CONTENT)).toBe(0);
    expect(await kept()).toEqual(['net-00.pth']);
  });

  test('an abort before the start sends no request', async () => {
    const from = await source([file(CONTENT)]);
    await expect(pull(from, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    expect(server!.requests).toHaveLength(0);
  });
});

describe('several processes', () => {
  const PROGRAM = `
    const [, module, from, cacheFolder] = process.argv;
    const { pullWeights } = await import(module);
    const { fromCache } = await pullWeights(JSON.parse(from), { cacheFolder, timeoutMilliseconds: 5000 });
    process.stdout.write(String(fromCache));
  `;
  const start = (from: DownloadSource): ReturnType<typeof spawn> =>
    spawn(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        PROGRAM,
        new URL('../node.js', import.meta.url).href,
        JSON.stringify(from),
        cacheFolder,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );

  test('pull the same file at the same time', async () => {
    const waiting: (() => void)[] = [];
    // Sends the second half after both processes have requested the file.
    const together: Answer = (response) => {
      response.setHeader('content-length', CONTENT.byteLength);
      response.write(HALF);
      waiting.push(() => response.end(CONTENT.subarray(HALF.byteLength)));
      if (waiting.length === 2) for (const answer of waiting) answer();
    };
    const from = await source([together]);
    const outputs = await Promise.all([start(from), start(from)].map((child) => text(child.stdout!)));
    expect(outputs).toEqual(['false', 'false']);
    expect(server!.requests).toHaveLength(2);
    expect(Buffer.compare(await readFile(target()), CONTENT)).toBe(0);
    expect(await kept()).toEqual(['net-00.pth']);
  });

  test('one is killed during the download: the next one resumes', async () => {
    const from = await source([stall(HALF, CONTENT.byteLength), file(CONTENT)]);
    const child = start(from);
    const received = async (): Promise<number> => {
      const [part] = await kept();
      return (await readFile(path.join(cacheFolder, 'weights', part!))).byteLength;
    };
    while ((await received().catch(() => 0)) < HALF.byteLength) await sleep(10);
    await new Promise((resolve) => {
      child.on('exit', resolve);
      child.kill('SIGKILL');
    });
    expect(await kept()).toEqual(PART_AND_VERSION);
    await expectPulled(from);
    expect(server!.requests[1]!.range).toBe('bytes=150000-');
  });
});

describe('invalid arguments', () => {
  test.each([
    [{ file: '../net.pth' }, 'plain file name'],
    [{ file: '.hidden' }, 'plain file name'],
    [{ url: 'ftp://example.org/net.pth' }, 'expected an http: or https: URL'],
    [{ sha256: '1234567' }, '8 to 64'],
    [{ sha256: sha256(CONTENT).toUpperCase() }, 'lower-case'],
  ])('%j', async (more, message) => {
    await expect(pull(await source([file(CONTENT)], more))).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining(message) as string,
    });
    expect(server!.requests).toHaveLength(0);
  });

  test('an invalid mirror, an unknown name', async () => {
    const from = await source([file(CONTENT)]);
    await expect(pull(from, { mirror: 'mirror.example' })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
    await expect(pullWeights('resnet9000', { cacheFolder })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });

  test('a cache folder that cannot be created', async () => {
    const from = await source([file(CONTENT)]);
    await writeFile(path.join(cacheFolder, 'taken'), '');
    await expect(pull(from, { cacheFolder: path.join(cacheFolder, 'taken') })).rejects.toMatchObject({
      code: 'download-failed',
      message: expect.stringContaining('Cannot store net at') as string,
      hint: expect.stringContaining('DSKD_CACHE') as string,
    });
  });
});
