import { writeFile } from 'node:fs/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PixelBuffer } from '@dskd/base';
import { encodeImage } from '@dskd/data/node';
import type { EngineImage } from '@dskd/engine/node';
import { keptOpen, type SourceEvent } from '../../kept-open.js';
import type { Frame } from '../../source.js';
import {
  childrenNamed,
  endAll,
  ffmpegMissing,
  start,
  testWith,
  until,
} from '../real-components.test.util.js';
import { parseSource } from './address.js';
import { taken, TRIAL } from './taken.test.util.js';

const withFfmpeg = testWith('sources of ffmpeg', ffmpegMissing);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd live ü-'));
});
afterEach(endAll);
afterAll(() => rm(folder, { recursive: true }));

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

  withFfmpeg('after the process is killed frames come again in less than 5 s, forever', async () => {
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
