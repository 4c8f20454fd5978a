import type { PixelBuffer } from '@dskd/base';
import { keptOpen, type SourceEvent } from '../../kept-open.js';
import { childrenNamed, ffmpegMissing, testWith, until } from '../real-components.test.util.js';
import { parseSource } from './address.js';
import { RtspCamera } from './rtsp-camera.test.util.js';

const withFfmpeg = testWith('RTSP', ffmpegMissing);

withFfmpeg(
  'a network camera: frames come, and come again after the connection broke off and after it fell silent',
  async () => {
    const camera = new RtspCamera('me', 'pass-word');
    await camera.start();
    const stop = new AbortController();
    const events: SourceEvent[] = [];
    const source = parseSource(`rtsp://me:pass-word@${camera.address}`);
    expect(source.name).toBe(`rtsp://${camera.address}`);
    const frames = keptOpen(source, {
      backoff: { firstMs: 50, mostMs: 200 },
      stallMs: 3000,
      signal: stop.signal,
      onEvent: (event) => events.push(event),
    });
    const opened = (): number => events.filter(({ type }) => type === 'source-opened').length;
    try {
      const first = await frames.next();
      expect(first.value?.image).toMatchObject({ width: 64, height: 48, channels: 3 });
      const { data } = first.value!.image as PixelBuffer;
      expect(new Set(data).size).toBeGreaterThan(20);
      camera.breakOff();
      while (opened() < 2) await frames.next();
      camera.freeze();
      while (opened() < 3) await frames.next();
      const failures = events.filter(({ type }) => type === 'source-failed');
      expect(failures.slice(0, 2)).toMatchObject([
        { error: { code: 'source-failed' } },
        { error: { code: 'timed-out' } },
      ]);
      expect(JSON.stringify(failures)).not.toContain('pass-word');
      expect(camera.answered).toContain('PLAY 200 OK');
    } finally {
      stop.abort();
      await frames.return();
      await camera.end();
    }
    await until(() => childrenNamed('ffmpeg').length === 0, 'the end of ffmpeg');
  },
);

withFfmpeg('a wrong password is told, without it', async () => {
  const camera = new RtspCamera('me', 'right');
  await camera.start();
  const frames = parseSource(`rtsp://me:wrong-word@${camera.address}`).frames(AbortSignal.timeout(10_000));
  const failure: unknown = await frames[Symbol.asyncIterator]()
    .next()
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'source-failed', message: expect.stringContaining('401') as string });
  expect(String(failure)).not.toContain('wrong-word');
  await camera.end();
});
