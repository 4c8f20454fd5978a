import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PixelBuffer } from '@dskd/base';
import { decodeImage, encodeImage } from '@dskd/data/node';
import type { EngineImage } from '@dskd/engine/node';
import { keptOpen, type SourceEvent } from '../../kept-open.js';
import type { Frame, Source } from '../../source.js';
import {
  childrenNamed,
  endAll,
  ffmpegMissing,
  freePort,
  later,
  start,
  testWith,
  until,
} from '../real-components.test.util.js';
import { parseSource, type ParseSourceOptions } from './address.js';

const withFfmpeg = testWith('sources of ffmpeg', ffmpegMissing);
const TRIAL = 'lavfi:testsrc2=size=64x48:rate=25';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd live ü-'));
});
afterEach(endAll);
afterAll(() => rm(folder, { recursive: true }));

const taken = async (source: Source<EngineImage>, count: number): Promise<Frame<EngineImage>[]> => {
  const stop = new AbortController();
  const frames: Frame<EngineImage>[] = [];
  for await (const frame of source.frames(stop.signal)) {
    frames.push(frame);
    if (frames.length === count) break;
  }
  stop.abort();
  return frames;
};

describe('ffmpeg', () => {
  withFfmpeg('gives raw pixels of the size of the video, at its speed, and leaves no process', async () => {
    const started = performance.now();
    const frames = await taken(parseSource(TRIAL), 10);
    expect(performance.now() - started).toBeGreaterThan(300);
    expect(frames.map(({ id }) => id)).toEqual([...Array(10).keys()].map(String));
    for (const { image, time } of frames) {
      expect(image).toMatchObject({ width: 64, height: 48, channels: 3 });
      expect(Math.abs(Date.now() - time)).toBeLessThan(5000);
    }
    const [first, last] = [frames[0]!.image as PixelBuffer, frames[9]!.image as PixelBuffer];
    expect(first.data).not.toEqual(last.data);
    await until(() => childrenNamed('ffmpeg').length === 0, 'the end of ffmpeg');
  });

  withFfmpeg('pixels are those of the image, not of a JPEG of it', async () => {
    const picture = {
      width: 32,
      height: 24,
      channels: 3,
      data: Uint8Array.from({ length: 32 * 24 * 3 }, (_, i) => i * 7),
    };
    const still = path.join(folder, 'still.png');
    await writeFile(still, await encodeImage(picture));
    const video = path.join(folder, 'still.mkv');
    const made = start('ffmpeg', [
      '-loglevel',
      'error',
      '-y',
      '-loop',
      '1',
      '-i',
      still,
      '-t',
      '0.2',
      '-c:v',
      'png',
      video,
    ]);
    await new Promise((resolve) => made.once('close', resolve));
    const [{ image }] = (await taken(parseSource(video), 1)) as [Frame<EngineImage>];
    expect(image).toEqual(picture);
  });

  withFfmpeg('a video ends, and takes as long as it plays; --fps takes fewer frames', async () => {
    expect(await taken(parseSource(`${TRIAL}:duration=0.4`), 100)).toHaveLength(10);
    expect(await taken(parseSource(`${TRIAL}:duration=1`, { fps: 5 }), 100)).toHaveLength(5);
  });

  withFfmpeg('after the process is killed frames come again in less than 5 s, for ever', async () => {
    const stop = new AbortController();
    const events: SourceEvent[] = [];
    const frames = keptOpen(parseSource(TRIAL), {
      backoff: { firstMs: 250, mostMs: 15_000 },
      stallMs: 10_000,
      signal: stop.signal,
      onEvent: (event) => events.push(event),
    });
    try {
      for (let round = 0; round < 2; round++) {
        await frames.next();
        const [id] = childrenNamed('ffmpeg');
        process.kill(id!, 'SIGKILL');
        const killed = performance.now();
        const failures = round + 1;
        while (events.filter(({ type }) => type === 'source-failed').length < failures) await frames.next();
        await frames.next();
        expect(performance.now() - killed).toBeLessThan(5000);
      }
      expect(events.map(({ type }) => type).slice(0, 5)).toEqual([
        'source-opened',
        'source-failed',
        'source-opened',
        'source-failed',
        'source-opened',
      ]);
      expect(events[1]).toMatchObject({
        error: { code: 'source-failed', message: expect.stringContaining('SIGKILL') as string },
      });
    } finally {
      stop.abort();
      await frames.return();
    }
    await until(() => childrenNamed('ffmpeg').length === 0, 'the end of ffmpeg');
  });

  withFfmpeg.each([
    ['file:/no/such/video.mp4', 'No such file'],
    ['lavfi:nonsense', 'nonsense'],
    ['v4l2:/dev/video99', '/dev/video99'],
    ['rtsp://127.0.0.1:1/stream', 'Connection refused'],
  ])('%s fails with what ffmpeg says', async (address, message) => {
    await expect(taken(parseSource(address), 1)).rejects.toMatchObject({
      code: 'source-failed',
      message: expect.stringContaining(message) as string,
    });
  });

  withFfmpeg('a password is not in what is told', async () => {
    const source = parseSource('rtsp://user:pass-word@127.0.0.1:1/stream');
    expect(source.name).toBe('rtsp://127.0.0.1:1/stream');
    const failure: unknown = await taken(source, 1).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'source-failed' });
    expect(String(failure)).not.toContain('pass-word');
  });

  withFfmpeg('an image that is too large is refused', async () => {
    await expect(taken(parseSource(TRIAL, { maxPixels: 1000 }), 1)).rejects.toThrow('wanted at most 1000');
  });

  test('where there is no ffmpeg it is said how to get it', async () => {
    await expect(taken(parseSource(TRIAL, { ffmpeg: 'no-such-ffmpeg' }), 1)).rejects.toMatchObject({
      code: 'dependency-missing',
      hint: expect.stringContaining('apt install ffmpeg') as string,
    });
  });
});

describe('MJPEG', () => {
  withFfmpeg('gives the JPEG files that ffmpeg serves, and fails when it ends', async () => {
    const url = `http://127.0.0.1:${await freePort()}/camera.mjpeg`;
    const type = 'multipart/x-mixed-replace;boundary=ffmpeg';
    const camera = start('ffmpeg', [
      ...['-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=25'],
      ...['-f', 'mpjpeg', '-content_type', type, '-listen', '1', url],
    ]);
    const source = parseSource(url);
    const frames: EngineImage[] = [];
    const read = async (): Promise<void> => {
      for await (const { image } of source.frames(AbortSignal.timeout(10_000))) {
        frames.push(image);
        if (frames.length === 5) camera.kill('SIGKILL');
      }
    };
    // It listens a moment after it has started.
    await until(
      () =>
        read().then(
          () => false,
          () => frames.length >= 5,
        ),
      'five frames',
    );
    const decoded = await decodeImage(frames[4] as Uint8Array);
    expect([decoded.width, decoded.height]).toEqual([64, 48]);
  });

  describe('of a server of the test', () => {
    let server: Server;
    let url: string;
    const asked: (string | undefined)[] = [];
    beforeAll(async () => {
      server = createServer((request, response) => {
        asked.push(request.headers.authorization);
        if (request.url === '/html') return void response.end('<p>');
        if (request.url !== '/camera') return void response.writeHead(404).end();
        response.setHeader('content-type', 'multipart/x-mixed-replace; boundary=b');
        const send = setInterval(() => response.write('--b\r\nContent-Length: 2\r\n\r\nab\r\n'), 10);
        response.once('close', () => clearInterval(send));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      url = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterAll(() => {
      server.closeAllConnections();
      server.close();
    });

    test('user and password are sent, and not shown', async () => {
      const source = parseSource(`http://me:my%20word@${url}/camera`);
      expect(source.name).toBe(`http://${url}/camera`);
      await taken(source, 3);
      expect(asked.at(-1)).toBe(`Basic ${Buffer.from('me:my word').toString('base64')}`);
    });

    test('fps leaves frames out', async () => {
      const started = performance.now();
      await taken(parseSource(`http://${url}/camera`, { fps: 20 }), 5);
      expect(performance.now() - started).toBeGreaterThan(170);
    });

    test('a signal ends it without an error', async () => {
      const stop = new AbortController();
      const frames = parseSource(`http://${url}/camera`).frames(stop.signal)[Symbol.asyncIterator]();
      await frames.next();
      stop.abort();
      let next = await frames.next();
      while (next.done !== true) next = await frames.next();
    });

    test.each([
      ['/none', 'it answered 404'],
      ['/html', 'it is of the type nothing'],
    ])('%s is refused', async (page, message) => {
      await expect(taken(parseSource(`http://${url}${page}`), 1)).rejects.toMatchObject({
        code: 'source-failed',
        message: expect.stringContaining(message) as string,
      });
    });
  });
});

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

test.each([
  ['camera', 'it has no scheme'],
  ['/dev/video0', 'it has no scheme'],
  ['incoming', 'wanted folder:DIR, rtsp://HOST/PATH'],
  ['folder:', 'nothing is after the scheme'],
  ['rtsp://', 'nothing is after the scheme'],
  ['ftp://a/b', 'the scheme ftp is not known'],
  ['rtsp://a b/c', 'it is no URL'],
])('the source %j is refused', (address, message) => {
  expect(() => parseSource(address)).toThrow(message);
});

test('wrong rates are refused', () => {
  expect(() => parseSource(TRIAL, { fps: 0 })).toThrow('Got fps 0');
  expect(() => parseSource('folder:a', { fps: 2 })).toThrow('for a folder');
});
