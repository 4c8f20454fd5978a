// The examples of the pages run as written: programs, each with what it prints, and the session of the quick start.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { redisMissing, runExamples, startRedis } from '@dskd/test-support';
import { ROOT } from './site/routes.mjs';
import { scriptOf, session, typescriptBlocks } from './site/snippets.mjs';

const DOCS = path.join(ROOT, 'docs');

// The first program of README.md is run by packages/dskd.
const programs = typescriptBlocks().filter(({ file, language }) => file !== 'README.md' && language === 'ts');
const documents = [...new Set(programs.map(({ file }) => file))];

test.each(documents)('the programs of %s', async (file) => {
  const ran = await runExamples(path.join(ROOT, file), DOCS);
  expect(ran).toBe(programs.filter((program) => program.file === file).length);
});

test('the session of the quick start prints what the page shows', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'dskd-quick-start-'));
  const command = path.join(ROOT, 'packages/cli/bin/dskd.js');
  try {
    const steps = session('docs/guides/quick-start.md');
    expect(steps.filter(({ prints }) => prints.length > 0).length).toBeGreaterThan(2);
    for (const { commands, prints } of steps) {
      const printed = commands.map((line) => {
        const [, , ...args] = line.split(/\s+/);
        const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
          cwd: folder,
          encoding: 'utf8',
        });
        expect({ line, status, stderr: status === 0 ? '' : stderr }).toEqual({ line, status: 0, stderr: '' });
        return stdout + stderr;
      });
      for (const line of prints) expect(printed.join('\n')).toContain(line);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

if (redisMissing !== undefined)
  console.log(`SKIPPED: the script of docs/guides/many-machines.md: ${redisMissing}`);
const testRedis = redisMissing === undefined ? test : test.skip;

testRedis(
  'the script of the guide to many machines prints what the page shows',
  async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'dskd-many-machines-'));
    const redis = await startRedis();
    try {
      const { script, prints } = scriptOf('docs/guides/many-machines.md', 'Try it on one machine');
      const command = `"${process.execPath}" "${path.join(ROOT, 'packages/cli/bin/dskd.js')}"`;
      // The Redis of the test is started, on a port of its own.
      const adapted = script
        .replace(/^redis-server .*$/m, '')
        .replaceAll('redis://localhost:6379', redis.url)
        .replaceAll('npx dskd', command);
      expect(adapted.split(redis.url).length).toBe(4);
      const { status, stdout, stderr } = spawnSync('bash', ['-euc', adapted], {
        cwd: folder,
        encoding: 'utf8',
        timeout: 240_000,
      });
      expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
      expect(prints.length).toBe(2);
      for (const line of prints) expect(stdout).toContain(line);
    } finally {
      await redis.close();
      rmSync(folder, { recursive: true });
    }
  },
  300_000,
);
