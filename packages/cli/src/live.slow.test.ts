import type { ChildProcess } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jsonLines, spawnDskd, type Outcome } from './dskd-process.test.util.js';
import { trainInstant } from './instant-model.test.util.js';

const SECRET = 'a secret of at least 16 bytes';

let folder: string;
let model: string;
let bad: string;
let good: string;
let receiver: Server | undefined;
let port = 0;
const received: string[] = [];
const running = new Set<ChildProcess>();

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd live ü-'));
  const trained = await trainInstant(folder);
  model = trained.model;
  const test = path.join(trained.data, 'test');
  const defects = (await readdir(test)).find((name) => name !== 'good')!;
  bad = path.join(test, defects, (await readdir(path.join(test, defects)))[0]!);
  good = path.join(
    trained.data,
    'train',
    'good',
    (await readdir(path.join(trained.data, 'train', 'good')))[0]!,
  );
});
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  receiver?.closeAllConnections();
  receiver?.close();
  await rm(folder, { recursive: true });
});

async function receive(): Promise<void> {
  const server = createServer((request, response) => {
    received.push(String(request.headers['idempotency-key']));
    request.resume().once('end', () => response.writeHead(204).end());
  });
  receiver = server;
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
}

/** Runs `dskd live`; `onLine` gets each message of its log. */
function live(
  flags: readonly string[],
  onLine: (message: string, child: ChildProcess) => void,
): Promise<Outcome> {
  return spawnDskd(['live', model, '--settle', '50ms', '--engine', 'tfjs', ...flags], {
    cwd: folder,
    env: { DSKD_WEBHOOK_SECRET: SECRET },
    onStart(child) {
      running.add(child);
      const limit = setTimeout(() => child.kill('SIGKILL'), 50_000);
      child.once('close', () => {
        clearTimeout(limit);
        running.delete(child);
      });
      let rest = '';
      child.stderr!.on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop()!;
        for (const line of lines.filter((each) => each.startsWith('{')))
          onLine((JSON.parse(line) as { msg: string }).msg, child);
      });
    },
  });
}

test('killed with -9 while alarms wait: the next run delivers all of them, in order, and ends well on SIGTERM', async () => {
  const incoming = path.join(folder, 'incoming');
  await mkdir(incoming);
  await receive();
  receiver!.close();
  const sinks = ['--sink', `http://127.0.0.1:${port}/alarms`, '--sink', 'folder:alarms', '--spool', 'spool'];
  for (const name of ['1.png', '2.png', '3.png']) await copyFile(bad, path.join(incoming, name));
  await copyFile(good, path.join(incoming, '4.png'));
  let attempts = 0;
  let written = 0;
  const killed = await live(['--source', `folder:${incoming}`, '--existing', ...sinks], (message, child) => {
    if (message === 'delivery-failed') attempts++;
    if (message === 'alarm-delivered') written++;
    if (attempts >= 1 && written >= 3) child.kill('SIGKILL');
  });
  expect(killed.code).toBeNull();
  expect(received).toEqual([]);
  const raised = killed.stderr
    .split('\n')
    .flatMap((line) => (line.includes('"msg":"alarm"') ? [(JSON.parse(line) as { id: string }).id] : []));
  expect(raised).toHaveLength(3);

  await receive();
  const ended = await live(['--source', `folder:${incoming}`, ...sinks], (message, child) => {
    if (message === 'alarm-delivered' && received.length === 3) child.kill('SIGTERM');
  });
  expect(ended.code).toBe(0);
  expect(received).toEqual(raised);
  const lines = jsonLines(
    ended.stderr
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .join('\n'),
  );
  expect(lines.at(-1)).toMatchObject({
    msg: 'summary',
    alarms: 0,
    sinks: [
      { delivered: 3, waiting: 0 },
      { delivered: 0, waiting: 0 },
    ],
  });
  const files = await readdir(path.join(folder, 'alarms'));
  expect(raised.every((id) => files.some((name) => name.endsWith(`${id}.json`)))).toBe(true);
});

test('alarms are lines on standard output by default; --dry-run prints every frame; --for ends it', async () => {
  const incoming = path.join(folder, 'two');
  await mkdir(incoming);
  await copyFile(good, path.join(incoming, 'a.png'));
  await copyFile(bad, path.join(incoming, 'b.png'));
  const source = ['--source', `folder:${incoming}`, '--existing'];
  const usual = await live(source, (message, child) => {
    if (message === 'alarm-delivered') child.kill('SIGINT');
  });
  expect(usual.code).toBe(0);
  expect(jsonLines(usual.stdout)).toMatchObject([{ frame: 'b.png', model: 'model', method: 'instant' }]);
  const dry = await live([...source, '--dry-run', '--for', '1500ms'], () => undefined);
  expect(dry.code).toBe(0);
  expect(jsonLines(dry.stdout)).toMatchObject([
    { frame: 'a.png', verdict: 'normal', isAlarm: false },
    { frame: 'b.png', verdict: 'anomalous', isAlarm: true },
  ]);
  // Standard output needs none.
  expect(await readdir(folder)).not.toContain('dskd-spool');
});

test('with --for a folder that was never there is an error; --dry-run prints that it is missing', async () => {
  const flags = ['--source', `folder:${path.join(folder, 'nowhere')}`, '--dry-run', '--for', '2s'];
  const missing = await live(flags, () => undefined);
  expect(missing.code).toBe(1);
  expect(missing.stderr).toMatch(/nowhere could not be opened in \d attempts: Cannot watch the folder/);
  expect(jsonLines(missing.stdout)).toMatchObject([
    { state: 'failed', error: expect.stringContaining('nowhere') as string },
  ]);
  const ended = await live(flags.slice(0, 3), (message, child) => {
    if (message === 'source-failed') child.kill('SIGTERM');
  });
  expect(ended.code).toBe(0);
});

test('an empty file is told of by its name', async () => {
  const incoming = path.join(folder, 'three');
  await mkdir(incoming);
  await writeFile(path.join(incoming, 'empty.png'), '');
  const { code, stderr } = await live(
    ['--source', `folder:${incoming}`, '--existing', '--dry-run'],
    (message, child) => {
      if (message === 'frame-failed') child.kill('SIGTERM');
    },
  );
  expect(code).toBe(0);
  expect(stderr).toMatch(/"frame":"empty.png".*"code":"image-unreadable".*"msg":"frame-failed"/);
});
