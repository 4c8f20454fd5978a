import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cellsOf } from '../plan.js';
import { planOf } from '../grid.test.util.js';
import { progressOf, runGrid } from '../run-grid.js';
import { CellStore } from './cell-store.js';
import { BEHAVIOR } from './behavior.test.util.js';
import { ProcessPool } from './process-pool.js';

const WORKER = new URL('./fake-worker.test.util.js', import.meta.url);
const DRIVER = fileURLToPath(new URL('./grid-process.test.util.js', import.meta.url));

let store: CellStore;
beforeEach(async () => {
  store = new CellStore(await mkdtemp(path.join(tmpdir(), 'dskd pool ü-')));
});
afterEach(() => rm(store.folder, { recursive: true, force: true }));

const pool = (processes: number, signal?: AbortSignal): ProcessPool =>
  new ProcessPool({ module: WORKER, arguments: [store.folder], processes, signal });

/** Number of processes for this test's store, read from Linux's process list. */
async function workers(): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return commands.filter((command) => command.includes('fake-worker') && command.includes(store.folder))
    .length;
}

const until = async (condition: () => Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
};

test('a grid in two processes', async () => {
  const plan = planOf({ seeds: [BEHAVIOR.works] });
  const { qualities, failures, trained } = await runGrid(plan, { store, execute: pool(2).execute });
  expect([qualities.size, failures.length, trained]).toEqual([30, 0, 12]);
});

test('distinguishes a job that throws from one whose process dies; neither stops other jobs', async () => {
  const plan = planOf({ seeds: [BEHAVIOR.works, BEHAVIOR.throws, BEHAVIOR.dies], tables: ['table1'] }, [
    'tray',
  ]);
  const { qualities, failures } = await runGrid(plan, { store, execute: pool(2).execute });
  expect(qualities.size).toBe(3);
  expect(failures.map(({ code }) => code).sort()).toEqual([
    'out-of-memory',
    'out-of-memory',
    'worker-failed',
    'worker-failed',
  ]);
  const died = failures.find(({ code }) => code === 'worker-failed')!;
  expect(died.reason).toMatch(/SIGABRT.*FATAL ERROR: heap out of memory/);
});

test('an abort ends running jobs and starts no new ones, and the next run resumes', async () => {
  const stop = new AbortController();
  const plan = planOf({ seeds: [BEHAVIOR.works] });
  const running = runGrid(plan, {
    store,
    execute: pool(2, stop.signal).execute,
    signal: stop.signal,
    onEvent: ({ type }) => {
      if (type === 'cell-end') stop.abort();
    },
  });
  await expect(running).rejects.toMatchObject({ code: 'aborted' });
  expect(await workers()).toBe(0);
  const { open } = await progressOf(plan, store);
  expect(open.length).toBeGreaterThanOrEqual(9);
  expect(open.length).toBeLessThan(12);
  const { trained } = await runGrid(plan, { store, execute: pool(2).execute });
  expect(trained).toBe(open.length);
});

test('a waiting job ends on abort, an unresponsive one is killed', async () => {
  const stop = new AbortController();
  const { execute } = pool(2, stop.signal);
  const [category] = planOf({}).categories;
  const cellOf = (seed: number): ReturnType<typeof cellsOf>[number] => cellsOf(planOf({ seeds: [seed] }))[0]!;
  const jobs = [BEHAVIOR.hangs, BEHAVIOR.deaf, BEHAVIOR.works].map((seed) =>
    execute({ kind: 'train', cell: cellOf(seed), category: category!, store: store.folder }),
  );
  await until(async () => (await workers()) === 2);
  stop.abort();
  for (const { status, reason } of (await Promise.allSettled(jobs)) as PromiseRejectedResult[]) {
    expect([status, (reason as { code: string }).code]).toEqual(['rejected', 'aborted']);
  }
  expect(await workers()).toBe(0);
}, 30_000);

test('a killed run leaves no processes, and the next run resumes', async () => {
  const plan = planOf({ seeds: [1] });
  const driver = spawn(process.execPath, [DRIVER, store.folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => driver.on('close', resolve));
  let finished = 0;
  await new Promise<void>((resolve) =>
    driver.stdout.setEncoding('utf8').on('data', (text: string) => {
      finished += text.split('cell-end').length - 1;
      if (finished >= 3) resolve();
    }),
  );
  // Between two trainings there may be none for a moment.
  await until(async () => (await workers()) > 0);
  driver.kill('SIGKILL');
  await ended;
  await until(async () => (await workers()) === 0);
  const { open } = await progressOf(plan, store);
  expect(open.length).toBeLessThanOrEqual(9);
  expect(open.length).toBeGreaterThan(0);
  const { trained, qualities } = await runGrid(plan, { store, execute: pool(2).execute });
  expect([trained, qualities.size]).toEqual([open.length, 30]);
});
