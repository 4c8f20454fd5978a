import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { EngineImage } from '@dskd/engine/node';
import { keptOpen } from '../../kept-open.js';
import type { Frame } from '../../source.js';
import { later, until } from '../real-components.test.util.js';
import { parseSource, type ParseSourceOptions } from './address.js';
import { taken } from './taken.test.util.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd live ü-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a folder', () => {
  const opened = async (
    options: ParseSourceOptions = {},
  ): Promise<{
    dir: string;
    next: (limitMs?: number) => Promise<Frame<EngineImage> | 'nothing'>;
    end: () => void;
  }> => {
    const dir = await mkdtemp(path.join(folder, 'in-'));
    await writeFile(path.join(dir, 'old.png'), 'old');
    const stop = new AbortController();
    const source = parseSource(`folder:${dir}`, { settledMs: 300, ...options });
    const frames = source.frames(stop.signal)[Symbol.asyncIterator]();
    let asked = frames.next();
    return {
      dir,
      async next(limitMs = 10_000) {
        let timer: NodeJS.Timeout | undefined;
        const nothing = new Promise<'nothing'>((resolve) => {
          timer = setTimeout(() => resolve('nothing'), limitMs);
        });
        const got = await Promise.race([asked, nothing]);
        clearTimeout(timer);
        if (got === 'nothing') return got;
        asked = frames.next();
        return got.value as Frame<EngineImage>;
      },
      end: () => stop.abort(),
    };
  };

  test('a file that is half written is not read, and then it is, once', async () => {
    const { dir, next, end } = await opened();
    await later(50);
    const file = path.join(dir, 'new.png');
    await writeFile(file, 'begin');
    // A writer that pauses for less than the time in which a file settles.
    for (let round = 0; round < 8; round++) {
      await appendFile(file, ' more');
      await later(25);
    }
    await appendFile(file, ' end');
    const frame = await next();
    expect(frame).toMatchObject({ id: 'new.png' });
    expect(Buffer.from((frame as Frame<Uint8Array>).image).toString()).toBe(`begin${' more'.repeat(8)} end`);
    expect(await next(500)).toBe('nothing');
    end();
  });

  test('what is there already is read where that is asked; other names and temporary ones never', async () => {
    const { dir, next, end } = await opened({ existing: true });
    expect(await next()).toMatchObject({ id: 'old.png' });
    await mkdir(path.join(dir, 'sub'));
    await writeFile(path.join(dir, 'notes.txt'), 'x');
    await writeFile(path.join(dir, '.hidden.png'), 'x');
    await writeFile(path.join(dir, 'b.png.part'), 'whole');
    expect(await next(500)).toBe('nothing');
    await rename(path.join(dir, 'b.png.part'), path.join(dir, 'b.png'));
    expect(await next()).toMatchObject({ id: 'b.png' });
    end();
  });

  test('after the folder was away, what came meanwhile is read, and nothing twice', async () => {
    const dir = await mkdtemp(path.join(folder, 'away-'));
    await writeFile(path.join(dir, 'old.png'), 'old');
    const stop = new AbortController();
    const ids: string[] = [];
    const failures: unknown[] = [];
    const reading = (async () => {
      const frames = keptOpen(parseSource(`folder:${dir}`, { settledMs: 30 }), {
        backoff: { firstMs: 20, mostMs: 20 },
        stallMs: 10,
        signal: stop.signal,
        onEvent: (event) => event.type === 'source-failed' && failures.push(event.error),
      });
      for await (const { id } of frames) ids.push(id);
    })();
    await later(50);
    await writeFile(path.join(dir, 'a.png'), 'a');
    await until(() => ids.length === 1, 'the first file');
    await rename(dir, `${dir}-moved`);
    // Notifications of a folder that is gone do not come everywhere; it is looked at every two seconds.
    await until(() => failures.length > 0, 'the failure');
    await writeFile(path.join(`${dir}-moved`, 'b.png'), 'b');
    await rename(`${dir}-moved`, dir);
    await until(() => ids.length === 2, 'the second file');
    await writeFile(path.join(dir, 'a.png'), 'another a');
    await until(() => ids.length === 3, 'the file that was written again');
    await later(100);
    expect(ids).toEqual(['a.png', 'b.png', 'a.png']);
    expect(failures[0]).toMatchObject({ code: 'file-not-found' });
    stop.abort();
    await reading;
  });

  test('of many files, too, none is read twice when the folder is opened again', async () => {
    const dir = await mkdtemp(path.join(folder, 'many-'));
    const count = 1100;
    await Promise.all(
      Array.from({ length: count }, (_, index) => writeFile(path.join(dir, `${index}.png`), String(index))),
    );
    const source = parseSource(`folder:${dir}`, { existing: true, settledMs: 20 });
    const first = await taken(source, count);
    expect(new Set(first.map(({ id }) => id)).size).toBe(count);
    await writeFile(path.join(dir, 'new.png'), 'new');
    expect((await taken(source, 1)).map(({ id }) => id)).toEqual(['new.png']);
  });

  test('a folder that is not there fails, to be opened again', async () => {
    await expect(taken(parseSource('folder:/no/such/folder'), 1)).rejects.toMatchObject({
      code: 'file-not-found',
    });
  });
});
