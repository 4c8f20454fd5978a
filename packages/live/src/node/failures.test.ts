import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { begin, PushSource, type KeptLine } from './live.test.util.js';
import { LiveMetrics } from './metrics.js';
import { until } from './real-components.test.util.js';
import { Receiver } from './receiver.test.util.js';
import type { SourceState } from './run.js';
import { parseSink } from './sinks/address.js';
import { parseSource } from './sources/address.js';

const SECRETS = { webhook: 'a secret of at least 16 bytes' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd failures ü-'));
});
afterAll(() => rm(folder, { recursive: true }));
const newFolder = (name: string): Promise<string> => mkdtemp(path.join(folder, `${name}-`));

const named = (lines: readonly KeptLine[], name: string): readonly KeptLine[] =>
  lines.filter(({ message }) => message === name);

test('an alarm that is refused forever is set aside and told; one that fails for a time holds back the later ones', async () => {
  const receiver = new Receiver();
  await receiver.up();
  const source = new PushSource();
  const spool = await newFolder('spool');
  const metrics = new LiveMetrics();
  const sinks = [parseSink(receiver.url, SECRETS)];
  let busy = 3;
  receiver.answer = (id) => {
    const place = [...new Set(receiver.asked)].indexOf(id);
    // This is the request of a new id where it is not known yet.
    const number = place < 0 ? new Set(receiver.asked).size : place;
    if (number === 1) return 422;
    return number === 2 && busy-- > 0 ? 503 : 204;
  };
  const { summary, alarms, lines } = begin({ source, spool, sinks, metrics });
  for (let index = 0; index < 5; index++) source.push(2);
  await until(() => receiver.ids.length === 4, 'the alarms that are taken');
  const [first, refused, ...others] = alarms();
  expect(receiver.ids).toEqual([first, ...others]);
  // Once the refused one, four times the one after it.
  expect(receiver.asked).toEqual([first, refused, others[0], others[0], others[0], ...others]);
  const [sinkFolder] = await readdir(spool);
  const file = path.join(spool, sinkFolder!, 'refused', '000000000001.alarm');
  expect(named(lines, 'alarm-refused')).toMatchObject([
    {
      level: 'warn',
      fields: {
        sink: sinks[0]!.name,
        id: refused,
        file,
        error: { message: expect.stringContaining('it answered 422') as string },
      },
    },
  ]);
  const text = await metrics.text();
  expect(text).toContain(`dskd_live_alarms_refused{sink="${sinks[0]!.name}"} 1`);
  expect(text).toContain(`dskd_live_deliveries_total{sink="${sinks[0]!.name}",outcome="refused"} 1`);
  source.end();
  expect((await summary).sinks).toMatchObject([
    { delivered: 4, refused: 1, failedAttempts: 3, dropped: 0, waiting: 0 },
  ]);

  // The next run tells of it; where that is asked it is delivered again.
  receiver.answer = () => 204;
  const told = new PushSource();
  const next = begin({ source: told, spool, sinks });
  told.end();
  await next.summary;
  const notice = named(next.lines, 'alarms that were refused are set aside: retry-refused');
  expect(notice).toMatchObject([{ level: 'warn', fields: { folder: path.dirname(file), alarms: 1 } }]);
  const retried = new PushSource();
  const last = begin({ source: retried, spool, sinks, retryRefused: true });
  retried.end();
  expect((await last.summary).sinks).toMatchObject([{ delivered: 1, refused: 0, waiting: 0 }]);
  expect(receiver.ids.at(-1)).toBe(refused);
  expect(await readdir(path.dirname(file))).toEqual([]);
  await receiver.down();
});

test('a folder that is missing is told once while it is, and is inspected when it is there', async () => {
  const dir = path.join(folder, 'missing');
  const states: SourceState[] = [];
  const { summary, lines, stop } = begin({
    source: parseSource(`folder:${dir}`, { existing: true, settledMs: 50 }),
    sinks: [],
    spool: await newFolder('spool'),
    onSource: (state) => states.push(state),
  });
  const attempts = (level: string): number =>
    named(lines, 'source-failed').filter((line) => line.level === level).length;
  await until(() => attempts('debug') >= 2, 'further attempts');
  expect(attempts('warn')).toBe(1);
  expect(states).toMatchObject([{ state: 'failed', error: `Cannot watch the folder ${dir}.` }]);
  await mkdir(dir);
  await writeFile(path.join(dir, 'a.png'), '1');
  await until(() => states.length === 2, 'the first image');
  stop();
  expect(states[1]).toMatchObject({ state: 'opened' });
  expect(await summary).toMatchObject({ frames: { scored: 1 }, source: { opened: 1, neverOpened: null } });
});

test('a run that ends while its folder is missing says that it was never there; an empty folder was', async () => {
  const runs = [path.join(folder, 'none'), await newFolder('empty')].map((dir) =>
    begin({ source: parseSource(`folder:${dir}`), sinks: [], spool: dir }),
  );
  await until(() => named(runs[0]!.lines, 'source-failed').length > 1, 'two attempts');
  for (const { stop } of runs) stop();
  const [missing, empty] = await Promise.all(runs.map((run) => run.summary));
  expect(missing!.source).toMatchObject({
    opened: 0,
    neverOpened: expect.stringContaining('none') as string,
  });
  expect(empty!.source).toEqual({ opened: 0, failed: 0, neverOpened: null });
});

test('a file that stays empty is told by its name once, and is scored when it is filled', async () => {
  const dir = await newFolder('in');
  const frames: string[] = [];
  const { summary, lines, stop } = begin({
    source: parseSource(`folder:${dir}`, { existing: true, settledMs: 50, emptyMs: 300 }),
    sinks: [],
    spool: await newFolder('spool'),
    onFrame: ({ frame, score }) => frames.push(`${frame} ${score}`),
  });
  await writeFile(path.join(dir, 'empty.png'), '');
  await until(() => named(lines, 'frame-failed').length === 1, 'the problem');
  expect(named(lines, 'frame-failed')).toMatchObject([{ level: 'warn', fields: { frame: 'empty.png' } }]);
  await writeFile(path.join(dir, 'other.png'), '0.5');
  await until(() => frames.length === 1, 'another image');
  await writeFile(path.join(dir, 'empty.png'), '0.25');
  await until(() => frames.length === 2, 'the file, filled');
  stop();
  expect(frames).toEqual(['other.png 0.5', 'empty.png 0.25']);
  expect((await summary).frames).toMatchObject({ scored: 2, failed: 1 });
});
