import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeDataset } from '@dskd/synthetic/node';
import { spawnDskd } from './dskd-process.test.util.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd reproduce ü-'));
  const few = { category: 'tray', train: 4, validation: 2, test: 6, size: 128, seed: 3 };
  await writeDataset(path.join(folder, 'data'), few);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const tiny = [
  '--teacher',
  'teacher-tiny',
  '--preset',
  'nano',
  '--size',
  '64',
  '--epochs',
  '1',
  '--batch-size',
  '2',
];

test('dskd reproduce table5 makes the table, and repeats no finished work', async () => {
  const run = (...more: string[]): ReturnType<typeof spawnDskd> =>
    spawnDskd(['reproduce', 'table5', '--data', path.join(folder, 'data'), ...tiny, ...more, '--json'], {
      cwd: folder,
    });
  const linesOf = (stdout: string): { type: string }[] =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });

  const planned = await run('--dry-run');
  expect(planned).toMatchObject({ code: 0 });
  expect(linesOf(planned.stdout)).toMatchObject([{ type: 'grid-cost', cells: 6, done: 0 }]);
  expect(await readdir(folder)).toEqual(['data']);

  const { code, stdout } = await run('--report', 'report.html');
  expect(code).toBe(0);
  const events = linesOf(stdout);
  expect(events.filter(({ type }) => type === 'cell-end')).toHaveLength(6);
  const results = events.at(-1) as unknown as {
    cells: unknown;
    failures: unknown[];
    tables: { rows: { label: string[]; measured: { mean: number }[]; published: (number | null)[] }[] }[];
  };
  expect(results).toMatchObject({ cells: { all: 6, trained: 6 }, failures: [] });
  const [table] = results.tables;
  expect(table!.rows).toHaveLength(9);
  for (const { measured } of table!.rows) {
    for (const { mean } of measured) expect(mean >= 0 && mean <= 1).toBe(true);
  }
  expect(table!.rows.find(({ label }) => label.join() === 'Pi,CA')!.published[2]).toBe(0.73);
  const markdown = await readFile(path.join(folder, 'table5-results', 'tables.md'), 'utf8');
  expect(markdown).toContain('| CA | CA |');
  expect(await readFile(path.join(folder, 'report.html'), 'utf8')).toContain('Table 5: two students');
  expect((await stat(path.join(folder, 'table5-results', 'single-values.csv'))).size).toBeGreaterThan(500);

  const again = await run();
  const repeated = linesOf(again.stdout);
  expect(repeated.filter(({ type }) => type === 'cell-end')).toEqual([]);
  expect((repeated.at(-1) as unknown as typeof results).tables).toEqual(results.tables);
});

test('a figure is drawn and embedded in the report', async () => {
  const { code } = await spawnDskd(
    ['reproduce', 'fig4', '--data', path.join(folder, 'data'), ...tiny, '--report', 'figure.html'],
    { cwd: folder },
  );
  expect(code).toBe(0);
  const html = await readFile(path.join(folder, 'figure.html'), 'utf8');
  expect(html).toMatch(/<h2[^>]*>Fig\. 4: tray, seed 1<\/h2>/);
  expect(html).toMatch(/<img src="data:image\/webp;base64,[\w+/=]{500,}" alt="From left to right/);
});
