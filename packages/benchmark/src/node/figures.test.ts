import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PixelBuffer } from '@dskd/base';
import { planOf } from '../grid.test.util.js';
import type { Execute, Job } from '../job.js';
import { CellStore } from './cell-store.js';
import { drawFigures, figureAsMarkdown } from './draw-figures.js';
import { tile } from './draw-panels.js';
import { passesOf } from './train-and-evaluate.js';

test('panels are arranged in a grid, with a white gap', () => {
  const gray = (value: number): PixelBuffer => ({
    data: new Uint8Array(2 * 1 * 3).fill(value),
    width: 2,
    height: 1,
    channels: 3,
  });
  const { data, width, height } = tile([[gray(1), gray(2)], [gray(3)]]);
  expect([width, height]).toEqual([2 + 4 + 2, 1 + 4 + 1]);
  const pixel = (x: number, y: number): number[] => [
    ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
  ];
  expect([pixel(1, 0), pixel(2, 0), pixel(6, 0)]).toEqual([
    [1, 1, 1],
    [255, 255, 255],
    [2, 2, 2],
  ]);
  expect([pixel(0, 5), pixel(6, 5)]).toEqual([
    [3, 3, 3],
    [255, 255, 255],
  ]);
});

test('a figure is drawn once, if its students are trained', async () => {
  const store = new CellStore(await mkdtemp(path.join(tmpdir(), 'dskd figures ü-')));
  try {
    const plan = planOf({ tables: ['fig4'] });
    const [first, second] = plan.panels;
    for (const cell of first!.cells) {
      await store.finishTraining(cell, { finalLoss: 1, steps: 1, seconds: 1, bytes: 1 });
    }
    await store.finishTraining(second!.cells[0]!, { finalLoss: 1, steps: 1, seconds: 1, bytes: 1 });
    const jobs: Job[] = [];
    const execute = (async (job: Job) => {
      jobs.push(job);
      if (job.kind !== 'panels') return;
      await mkdir(path.dirname(job.file), { recursive: true });
      await writeFile(job.file, 'png');
    }) as Execute;
    const { drawn, failures } = await drawFigures(plan, { store, execute });
    expect([drawn.length, jobs.length, failures]).toEqual([1, 1, []]);
    expect(figureAsMarkdown(drawn[0]!)).toMatch(/^### Fig\. 4: tray, seed 1\n\n!\[.*\]\(figures\/fig4-tray-/);
    await drawFigures(plan, { store, execute });
    expect(jobs).toHaveLength(1);
  } finally {
    await rm(store.folder, { recursive: true, force: true });
  }
});

test('students that do not fit into memory together are scored in several passes', () => {
  const combination = (...cells: string[]): Parameters<typeof passesOf>[0][number] => ({
    id: cells.join('+'),
    category: 'tray',
    seed: 1,
    cells,
  });
  const bytes = new Map(['a', 'b', 'c', 'd'].map((id) => [id, 10]));
  const all = [combination('a'), combination('a', 'b'), combination('a', 'c'), combination('c', 'd')];
  const ids = (limit: number): string[][] =>
    passesOf(all, bytes, limit).map((pass) => pass.map(({ id }) => id));
  expect(ids(100)).toEqual([['a', 'a+b', 'a+c', 'c+d']]);
  expect(ids(20)).toEqual([['a', 'a+b'], ['a+c'], ['c+d']]);
  expect(ids(1)).toEqual([['a'], ['a+b'], ['a+c'], ['c+d']]);
});
