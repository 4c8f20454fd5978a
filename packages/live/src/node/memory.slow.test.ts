import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ffmpegMissing, testWith } from './real-components.test.util.js';

const BENCH = fileURLToPath(new URL('../../../../bench/live.mjs', import.meta.url));
const withFfmpeg = testWith('memory of a long run', ffmpegMissing);

interface Result {
  readonly checks: Readonly<Record<string, boolean>>;
  readonly grown: Readonly<Record<'heap' | 'rss' | 'tensors', number>>;
  readonly errors: readonly unknown[];
}

async function benched(...args: string[]): Promise<Result> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dskd live bench-'));
  const out = path.join(folder, 'live.json');
  try {
    // It ends with 1 where a check fails, which the result tells.
    await promisify(execFile)(process.execPath, [BENCH, '--out', out, ...args], { timeout: 280_000 }).catch(
      (error: unknown) => error,
    );
    return JSON.parse(await readFile(out, 'utf8')) as Result;
  } finally {
    await rm(folder, { recursive: true });
  }
}

// bench/results/live.json has the numbers of half an hour.
withFfmpeg(
  'memory stays the same for two minutes, while ffmpeg, the webhook and the broker go away and come back',
  async () => {
    const { checks, grown, errors } = await benched('--minutes', '2');
    console.log(grown);
    expect(errors).toEqual([]);
    expect(Object.entries(checks).filter(([, holds]) => !holds)).toEqual([]);
  },
  300_000,
);

withFfmpeg(
  'the check of the memory fails where a tensor of each frame is kept',
  async () => {
    const { checks, grown } = await benched('--minutes', '0.3', '--leak', '10');
    expect(checks.memoryIsSteady).toBe(false);
    expect(grown.tensors).toBeGreaterThan(0);
  },
  300_000,
);
