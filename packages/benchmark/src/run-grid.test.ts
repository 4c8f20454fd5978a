import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import { fakeExecute, planOf } from './grid.test.util.js';
import { type GridEvent, progressOf, runGrid } from './run-grid.js';
import type { Execute, Job } from './job.js';
import { CellStore } from './node/cell-store.js';
import { cellsOf } from './plan.js';

let store: CellStore;
beforeEach(async () => {
  store = new CellStore(await mkdtemp(path.join(tmpdir(), 'dskd grid ü-')));
});
afterEach(() => rm(store.folder, { recursive: true, force: true }));

const plan = planOf({ seeds: [1] });
const trainings = (jobs: readonly Job[]): number => jobs.filter(({ kind }) => kind === 'train').length;

test('trains each student once and evaluates each group once', async () => {
  const jobs: Job[] = [];
  const events: GridEvent[] = [];
  const { qualities, failures, trained } = await runGrid(plan, {
    store,
    execute: fakeExecute(store, jobs),
    onEvent: (event) => void events.push(event),
  });
  expect([trainings(jobs), jobs.length - trainings(jobs)]).toEqual([12, 2]);
  expect([qualities.size, failures.length, trained]).toEqual([30, 0, 12]);
  expect(events[0]).toEqual({ type: 'grid-start', cells: 12, done: 0 });
  expect(events.filter(({ type }) => type === 'cell-end').at(-1)).toMatchObject({ done: 12, cells: 12 });
});

test('finished work is never repeated, even if the grid grows', async () => {
  await runGrid(plan, { store, execute: fakeExecute(store, []) });
  const again: Job[] = [];
  const { qualities } = await runGrid(plan, { store, execute: fakeExecute(store, again) });
  expect([again, qualities.size]).toEqual([[], 30]);

  const larger: Job[] = [];
  const wider = planOf({ seeds: [1, 2], tables: ['table4', 'table5', 'fig6'] });
  await runGrid(wider, { store, execute: fakeExecute(store, larger) });
  // All students of seed 2, and five temperatures for seed 1; two categories.
  expect(trainings(larger)).toBe(2 * (6 + 5) + 2 * 5);
});

test('a stopped run resumes', async () => {
  const stop = new AbortController();
  const first: Job[] = [];
  const work = fakeExecute(store, first);
  const stopping = ((job: Job) => {
    if (trainings(first) === 5) stop.abort();
    return stop.signal.aborted ? Promise.reject(new DskdError('aborted', 'stopped')) : work(job);
  }) as Execute;
  await expect(runGrid(plan, { store, execute: stopping, signal: stop.signal })).rejects.toMatchObject({
    code: 'aborted',
  });
  const { open } = await progressOf(plan, store);
  expect(open).toHaveLength(7);
  const second: Job[] = [];
  const { qualities } = await runGrid(plan, { store, execute: fakeExecute(store, second) });
  expect([trainings(second), qualities.size]).toEqual([7, 30]);
});

test('a failed student stops only its combinations, and is reported', async () => {
  const bad = cellsOf(plan)[0]!;
  const fails = (job: Job): boolean => job.kind === 'train' && job.cell.id === bad.id;
  const { qualities, failures } = await runGrid(plan, { store, execute: fakeExecute(store, [], fails) });
  expect(failures).toEqual([
    { what: 'tray, seed 1: lite local, perPixelCosine', code: 'internal', reason: 'no memory left' },
  ]);
  // Alone, and with each of three global students.
  expect(qualities.size).toBe(30 - 4);

  const { failures: none, qualities: all } = await runGrid(plan, { store, execute: fakeExecute(store, []) });
  expect([none, all.size]).toEqual([[], 30]);
});

test('a student without its record is not finished; a damaged record is reported by name', async () => {
  const [cell] = cellsOf(plan);
  await store.finishTraining(cell!, { finalLoss: 1, steps: 1, seconds: 1, bytes: 1 });
  expect(await store.trained(cell!)).toEqual({ finalLoss: 1, steps: 1, seconds: 1, bytes: 1 });
  const file = path.join(store.folder, 'cells', cell!.id, 'cell.json');
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ facts: { category: 'tray', seed: 1 } });
  await writeFile(file, '{"facts"');
  await expect(store.trained(cell!)).rejects.toMatchObject({ code: 'artifact-invalid' });
  await rm(file);
  expect(await store.trained(cell!)).toBeUndefined();
});

test('NaN is stored and read back', async () => {
  const { combinations } = plan.groups[0]!;
  const quality = {
    imageAuroc: Number.NaN,
    imageAurocByDefect: { a: Number.NaN },
    pixelAuroc: 0.5,
    auPro: null,
    auSpro: {},
  };
  await store.finishEvaluation(combinations[0]!, quality);
  expect(await store.quality(combinations[0]!)).toEqual(quality);
});
