import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeImage } from '@dskd/data/node';
import type { EngineImage } from '@dskd/engine/node';
import { endAll, ffmpegMissing, freePort, start, testWith, until } from '../real-components.test.util.js';
import { parseSource } from './address.js';
import { taken } from './taken.test.util.js';

const withFfmpeg = testWith('sources of ffmpeg', ffmpegMissing);

afterEach(endAll);

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
