import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { file, serve, type LocalServer } from './local-server.test.util.js';
import { pullWeights } from './pull-weights.js';

const CONTENT = randomBytes(4_000_000);
const PIECE = 50_000;
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const PROGRAM = `
  const [, module, from, cacheFolder] = process.argv;
  const { pullWeights } = await import(module);
  await pullWeights(JSON.parse(from), { cacheFolder });
`;

/** Answers like a correct server, but slowly, so that clients are killed during the download. */
async function slowly(response: ServerResponse, range: string | undefined): Promise<void> {
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
  if (start >= CONTENT.byteLength) {
    file(CONTENT)(response, { range });
    return;
  }
  response.writeHead(start > 0 ? 206 : 200, {
    'content-length': CONTENT.byteLength - start,
    ...(start > 0 && { 'content-range': `bytes ${start}-${CONTENT.byteLength - 1}/${CONTENT.byteLength}` }),
  });
  for (let position = start; position < CONTENT.byteLength && !response.destroyed; position += PIECE) {
    response.write(CONTENT.subarray(position, position + PIECE));
    await sleep(5);
  }
  response.end();
}

let cacheFolder: string;
let server: LocalServer;
beforeEach(async () => {
  cacheFolder = await mkdtemp(path.join(tmpdir(), 'dskd-kill-'));
  server = await serve((response, { range }) => void slowly(response, range));
});
afterEach(async () => {
  await server.close();
  await rm(cacheFolder, { recursive: true });
});

const source = () => ({ name: 'net', url: `${server.url}/net`, file: 'net.pth', sha256: SHA256 });
const target = (): string => path.join(cacheFolder, 'weights', 'net.pth');
const start = (): ChildProcess =>
  spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      PROGRAM,
      new URL('../node.js', import.meta.url).href,
      JSON.stringify(source()),
      cacheFolder,
    ],
    { stdio: 'inherit' },
  );
const ended = (child: ChildProcess): Promise<unknown> => new Promise((resolve) => child.on('exit', resolve));

/** Whether the file exists. Fails if it is not complete. */
async function isThere(): Promise<boolean> {
  const content = await readFile(target()).catch(() => undefined);
  if (content) expect(Buffer.compare(content, CONTENT)).toBe(0);
  return content !== undefined;
}

test('thirty killed processes, three at a time, leave no incomplete file, and their bytes are used', async () => {
  let finished = 0;
  for (let round = 0; round < 10; round++) {
    const before = server.requests.length;
    const children = [start(), start(), start()];
    const ends = children.map(ended);
    while (server.requests.length === before) await sleep(5);
    for (const child of children) {
      await sleep(300 * Math.random());
      child.kill('SIGKILL');
    }
    await Promise.all(ends);
    if (await isThere()) finished++;
    await rm(target(), { force: true });
  }
  await pullWeights(source(), { cacheFolder });
  expect(await isThere()).toBe(true);
  expect(await readdir(path.dirname(target()))).toEqual(['net.pth']);
  const resumed = server.requests.filter(({ range }) => range !== undefined).length;
  expect(resumed).toBeGreaterThan(0);
  console.log(
    `${server.requests.length} downloads, ${resumed} of them resumed, ` +
      `the file was complete after ${finished} of 10 rounds`,
  );
});
