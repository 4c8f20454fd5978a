import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { madeUpAlarm } from '../alarms.test.util.js';
import { lockFolder } from './spool-lock.js';
import type { SpoolLimits } from './spool-files.js';
import { Spool, type SpoolEvent } from './spool.js';

const WRITER = fileURLToPath(new URL('./spool-writer.test.util.js', import.meta.url));
const MUCH: SpoolLimits = { alarms: 1e6, bytes: 1e12 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd spool ü-'));
});
afterAll(() => rm(folder, { recursive: true }));
const newFolder = (): Promise<string> => mkdtemp(path.join(folder, 'spool-'));

async function open(
  where: string | undefined,
  limits = MUCH,
  retryRefused = false,
): Promise<{ readonly spool: Spool; readonly events: SpoolEvent[] }> {
  const events: SpoolEvent[] = [];
  return {
    spool: await Spool.open(where, { limits, retryRefused, onEvent: (event) => events.push(event) }),
    events,
  };
}

/** The ids that wait, the oldest first; the spool is then empty. */
async function drained(spool: Spool): Promise<string[]> {
  const ids: string[] = [];
  for (let alarm = await spool.first(); alarm; alarm = await spool.first()) {
    ids.push(alarm.event.id);
    await spool.remove();
  }
  return ids;
}

type Step = 'add' | 'deliver' | 'fail' | 'hold' | 'crash';

test.each([true, false])(
  'any order of steps gives the alarms in their order, and drops the oldest (on disk: %p)',
  async (isOnDisk) => {
    const step = fc.constantFrom<Step>(
      'add',
      'add',
      'add',
      'deliver',
      'fail',
      'hold',
      ...(isOnDisk ? (['crash'] as const) : []),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.integer({ min: 1, max: 4 }),
        async (steps, limit) => {
          const where = isOnDisk ? await newFolder() : undefined;
          const limits = { alarms: limit, bytes: 1e12 };
          let { spool, events } = await open(where, limits);
          let model: string[] = [];
          const dropped: string[] = [];
          let held: string | undefined;
          let added = 0;
          for (const each of steps) {
            if (each === 'add') {
              const id = String(added++);
              await spool.add(madeUpAlarm(id));
              model.push(id);
              while (model.length > Math.max(1, limit)) {
                const oldest = model.find((other) => other !== held)!;
                if (oldest === id) break;
                model = model.filter((other) => other !== oldest);
                dropped.push(oldest);
              }
            } else if (each === 'crash') {
              dropped.splice(0);
              held = undefined;
              ({ spool, events } = await open(where, limits));
            } else {
              const alarm = await spool.first();
              expect(alarm?.event.id).toBe(model[0]);
              held = model[0];
              if (each === 'deliver') {
                await spool.remove();
                model.shift();
                held = undefined;
              } else if (each === 'fail') {
                spool.release();
                held = undefined;
              }
            }
            expect(spool.size).toBe(model.length);
            expect(events).toEqual(dropped.map((id) => ({ type: 'alarm-dropped', id })));
          }
          expect(await drained(spool)).toEqual(model);
          if (where !== undefined) expect(await readdir(where)).toEqual([]);
        },
      ),
      { numRuns: isOnDisk ? 25 : 200 },
    );
  },
);

test('bytes are limited, too, but the newest alarm is always kept', async () => {
  const { spool, events } = await open(await newFolder(), { alarms: 100, bytes: 5000 });
  const image = { bytes: new Uint8Array(3000), extension: 'png' };
  for (const id of ['a', 'b', 'c']) await spool.add(madeUpAlarm(id, image));
  expect(events).toEqual(['a', 'b'].map((id) => ({ type: 'alarm-dropped', id })));
  expect(await drained(spool)).toEqual(['c']);
});

test('an alarm comes back as it was, with its image', async () => {
  const where = await newFolder();
  const alarm = madeUpAlarm('a', { bytes: Uint8Array.of(1, 2, 255), extension: 'jpg' });
  await (await open(where)).spool.add(alarm);
  expect(await (await open(where)).spool.first()).toEqual(alarm);
});

test('a damaged file is put aside, and the others are delivered', async () => {
  const where = await newFolder();
  const { spool } = await open(where);
  for (const id of ['a', 'b', 'c']) await spool.add(madeUpAlarm(id));
  await writeFile(path.join(where, '000000000001.alarm'), '{"event"');
  const again = await open(where);
  expect(await drained(again.spool)).toEqual(['a', 'c']);
  expect(again.events).toMatchObject([{ type: 'spool-damaged' }]);
  expect(await readdir(where)).toEqual(['000000000001.alarm.damaged']);
});

test('what the disk does not take is delivered from memory, in its place', async () => {
  const where = await newFolder();
  const { spool, events } = await open(where);
  await spool.add(madeUpAlarm('a'));
  await rm(where, { recursive: true });
  // A file is where the folder was: as good as a full disk, also for root.
  await writeFile(where, '');
  await spool.add(madeUpAlarm('b'));
  await spool.add(madeUpAlarm('c'));
  expect(events).toMatchObject(['b', 'c'].map((id) => ({ type: 'alarm-not-on-disk', id })));
  expect(await drained(spool)).toEqual(['b', 'c']);
  expect(events.at(-1)).toMatchObject({ type: 'spool-damaged' });
});

test('what is set aside is no longer in the way, keeps its number, and waits again where that is asked', async () => {
  const where = await newFolder();
  const { spool, events } = await open(where);
  for (const id of ['a', 'b', 'c']) await spool.add(madeUpAlarm(id));
  for (const name of ['000000000000.alarm', '000000000001.alarm']) {
    await spool.first();
    expect(await spool.setAside()).toBe(path.join(where, 'refused', name));
  }
  expect([spool.size, spool.refused]).toEqual([1, 2]);
  expect(await drained(spool)).toEqual(['c']);
  // Their numbers are not given again: a file that is moved back would take the place of another.
  const next = await open(where);
  expect([next.spool.size, next.spool.refused]).toEqual([0, 2]);
  await next.spool.add(madeUpAlarm('d'));
  expect(await readdir(where)).toEqual(['000000000002.alarm', 'refused']);
  await rename(path.join(where, 'refused/000000000001.alarm'), path.join(where, '000000000001.alarm'));
  const moved = await open(where);
  expect([moved.spool.size, moved.spool.refused]).toEqual([2, 1]);
  expect(await drained((await open(where, MUCH, true)).spool)).toEqual(['a', 'b', 'd']);
  expect(await readdir(path.join(where, 'refused'))).toEqual([]);
  expect(events).toEqual([]);
});

test('of what is set aside the oldest are lost where there are too many; in memory nothing is kept', async () => {
  const where = await newFolder();
  const { spool, events } = await open(where, { alarms: 2, bytes: 1e9 });
  for (const id of ['a', 'b', 'c']) {
    await spool.add(madeUpAlarm(id));
    await spool.first();
    await spool.setAside();
  }
  expect(events).toEqual([{ type: 'alarm-dropped', id: '000000000000.alarm' }]);
  expect(await readdir(path.join(where, 'refused'))).toEqual(['000000000001.alarm', '000000000002.alarm']);
  const memory = await open(undefined);
  await memory.spool.add(madeUpAlarm('a'));
  await memory.spool.first();
  expect(await memory.spool.setAside()).toBeUndefined();
  expect([memory.spool.size, memory.spool.refused]).toEqual([0, 0]);
});

test('a folder that cannot be used is refused', async () => {
  const file = path.join(folder, 'file');
  await writeFile(file, '');
  await expect(open(path.join(file, 'spool'))).rejects.toMatchObject({ code: 'file-not-writable' });
});

test('one process has a folder at a time, also after one that was killed', async () => {
  const where = await newFolder();
  const unlock = await lockFolder(where);
  await expect(lockFolder(where)).rejects.toMatchObject({ code: 'invalid-argument' });
  await unlock();
  const lock = fileURLToPath(new URL('./spool-lock.js', import.meta.url));
  const program = `const { lockFolder } = await import(${JSON.stringify(lock)}); await lockFolder(process.argv[1]); console.log('locked'); setInterval(() => {}, 1000)`;
  const other = spawn(process.execPath, ['--input-type=module', '-e', program, where], { timeout: 20_000 });
  await new Promise((resolve) => other.stdout.once('data', resolve));
  await expect(lockFolder(where)).rejects.toThrow('which another process uses');
  const ended = new Promise((resolve) => other.once('close', resolve));
  other.kill('SIGKILL');
  await ended;
  await (
    await lockFolder(where)
  )();
});

test('a writer that is killed loses no alarm that it was told is safe', async () => {
  const where = await newFolder();
  const safe: string[] = [];
  for (let round = 0; round < 2; round++) {
    const writer = spawn(process.execPath, [WRITER, where], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 20_000,
    });
    await new Promise<void>((resolve) => {
      let text = '';
      let lines = 0;
      writer.stdout.setEncoding('utf8').on('data', (more: string) => {
        text += more;
        lines = text.split('\n').length - 1;
        if (lines > 10 + 7 * round) writer.kill('SIGKILL');
      });
      writer.once('close', () => {
        safe.push(...text.split('\n').slice(0, lines));
        resolve();
      });
    });
  }
  expect(safe.length).toBeGreaterThan(25);
  const { spool, events } = await open(where);
  const found = await drained(spool);
  expect(events).toEqual([]);
  expect(found.filter((id) => safe.includes(id))).toEqual(safe);
  // At most the alarm of each round that was being written.
  expect(found.length - safe.length).toBeLessThanOrEqual(2);
  expect(found).toEqual([...Array(found.length).keys()].map(String));
});
