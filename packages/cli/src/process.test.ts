import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawnDskd } from './dskd-process.test.util.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd process ü-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('ends silently when the reader closes its output: dskd … | head', async () => {
  const { code, stderr } = await spawnDskd(['train', '--help-all'], {
    onStart: (child) => child.stdout!.destroy(),
  });
  expect(code).toBe(141);
  expect(stderr).toBe('');
});

test('color: none without a terminal or with NO_COLOR, some with FORCE_COLOR', async () => {
  const plain = await spawnDskd(['nonsense']);
  expect(plain.stderr).toMatch(/^dskd: unknown command 'nonsense'/);
  const forced = await spawnDskd(['nonsense'], { env: { FORCE_COLOR: '1' } });
  expect(forced.stderr.startsWith('\x1b[31mdskd:\x1b[39m unknown command')).toBe(true);
  const both = await spawnDskd(['--help'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } });
  expect(both.stdout).not.toContain('\x1b');
  const help = await spawnDskd(['--help'], { env: { FORCE_COLOR: '1' } });
  expect(help.stdout).toContain('\x1b[1mUsage:\x1b[22m');
});

test('works in a folder with spaces and unicode in its name, with relative paths', async () => {
  const { code } = await spawnDskd(['init', '--out', 'für mich.yaml'], { cwd: folder });
  expect(code).toBe(0);
  expect(await readdir(folder)).toEqual(['für mich.yaml']);
  const outcome = await spawnDskd(['train', '--config', 'für mich.yaml'], { cwd: folder });
  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toContain('--data <dir> is missing');
});
