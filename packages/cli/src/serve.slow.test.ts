import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const BENCH = fileURLToPath(new URL('../../../bench/server.mjs', import.meta.url));

interface Loop {
  readonly ok: number;
  readonly okPerSecond: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly milliseconds: { readonly p99: number };
}

interface LoadResult {
  readonly peak: Loop;
  readonly overloaded: Loop & {
    readonly goodput: number;
    readonly boundMilliseconds: number;
    readonly withoutRetryAfter?: number;
    readonly live: { readonly failures: number; readonly milliseconds: { readonly p99: number } };
    readonly memoryMegabytes: { readonly first: number; readonly last: number };
  };
  readonly aborted: {
    readonly okPerSecond: { readonly before: number; readonly after: number };
    readonly placesTaken: number;
  };
  readonly swapped: {
    readonly swaps: number;
    readonly statuses: Readonly<Record<string, number>>;
    readonly scoresOfVersions: Readonly<Record<string, readonly number[]>>;
    readonly ready: { readonly failures: number };
  };
  readonly ended: { readonly answers: readonly number[]; readonly exitCode: number };
}

// The machine of the tests runs others beside this one: bounds of time are wider than what bench/server.md shows on its own.
test('a server under four times its load, with uploads that break off, swaps and its end', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'dskd bench-'));
  try {
    const out = path.join(folder, 'server.json');
    await promisify(execFile)(process.execPath, [BENCH, 'load', '--seconds', '6', '--out', out]);
    const { load } = JSON.parse(await readFile(out, 'utf8')) as { load: LoadResult };
    const { peak, overloaded, aborted, swapped, ended } = load;
    console.log({ peak: peak.okPerSecond, overloaded, aborted, swapped, ended });

    expect(Object.keys(peak.statuses)).toEqual(['200']);
    expect(Object.keys(overloaded.statuses).sort()).toEqual(['200', '429']);
    expect(overloaded.withoutRetryAfter).toBeUndefined();
    expect(overloaded.goodput).toBeGreaterThan(0.5);
    expect(overloaded.milliseconds.p99).toBeLessThan(3 * overloaded.boundMilliseconds);
    expect(overloaded.live.failures).toBe(0);
    expect(overloaded.live.milliseconds.p99).toBeLessThan(500);
    expect(overloaded.memoryMegabytes.last).toBeLessThan(1.2 * overloaded.memoryMegabytes.first + 30);

    expect(aborted.placesTaken).toBe(0);
    expect(aborted.okPerSecond.after).toBeGreaterThan(0.5 * aborted.okPerSecond.before);

    expect(Object.keys(swapped.statuses)).toEqual(['200']);
    expect(swapped.ready.failures).toBe(0);
    const scores = Object.values(swapped.scoresOfVersions);
    expect(scores.map(({ length }) => length)).toEqual([1, 1]);
    expect(scores[0]).not.toEqual(scores[1]);

    expect(ended).toEqual({ answers: Array(8).fill(200), exitCode: 0 });
  } finally {
    await rm(folder, { recursive: true });
  }
});
