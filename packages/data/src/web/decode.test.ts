import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import sharp from 'sharp';
import { bmpLayout, withFileHeader } from '../bmp.js';
import { makeBmp } from '../node/fabricate-bmp.test.util.js';
import { errorOf, makePng, makeTiff, plainPng } from '../node/fabricate.test.util.js';
import { decodeImage as decodeInNode } from '../node/decode.js';
import { decodeImage } from './decode.js';
import { fakeBrowser, type FakeBrowser } from './fake-browser.test.util.js';

const translucent = makePng({
  width: 3,
  height: 1,
  colorType: 6,
  bitDepth: 8,
  rows: [[9, 8, 7, 255, 200, 100, 51, 128, 255, 255, 255, 0]],
});
const overBlack = { data: Uint8Array.of(9, 8, 7, 100, 50, 26, 0, 0, 0), width: 3, height: 1, channels: 3 };

const CMYK = sharp(plainPng(8, 8, [1, 2, 3]))
  .toColourspace('cmyk')
  .jpeg()
  .toBuffer();
const blob = (bytes: Uint8Array): Blob => new Blob([new Uint8Array(bytes)]);
const file = (bytes: Uint8Array, name: string): File => new File([new Uint8Array(bytes)], name);

test('reports the missing dependency outside a browser', async () => {
  const error = await errorOf(decodeImage(blob(plainPng(1, 1, [1, 2, 3]))));
  expect(error.code).toBe('dependency-missing');
  expect(error.hint).toContain('@dskd/data/node');
});

describe('in a browser', () => {
  let browser: FakeBrowser;
  beforeEach(() => (browser = fakeBrowser()));
  afterEach(() => browser.restore());

  test('files are decoded upright, with values as stored, alpha over black as in Node', async () => {
    expect(await decodeImage(blob(translucent))).toEqual(overBlack);
    expect(await decodeInNode(translucent)).toEqual(overBlack);
    expect(browser.options).toEqual([
      { imageOrientation: 'from-image', colorSpaceConversion: 'none', premultiplyAlpha: 'none' },
    ]);
    const turned = await sharp(plainPng(2, 3, [1, 2, 3]))
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    expect(await decodeImage(blob(turned))).toMatchObject({ width: 3, height: 2, channels: 3 });
    expect(browser.open()).toBe(0);
  });

  test('the orientation of a WebP is applied once, whether or not the browser applies it', async () => {
    const { data, info } = await sharp(plainPng(4, 2, [1, 2, 3]))
      .raw()
      .toBuffer({ resolveWithObject: true });
    data.set([9, 9, 9]);
    const file = await sharp(data, { raw: info })
      .withMetadata({ orientation: 6 })
      .webp({ lossless: true })
      .toBuffer();
    expect(await decodeImage(blob(file))).toEqual(await decodeInNode(file));
  });

  test('ImageData needs no canvas', async () => {
    const data = Uint8ClampedArray.of(9, 8, 7, 255, 200, 100, 51, 128, 255, 255, 255, 0);
    browser.restore();
    expect(await decodeImage({ data, width: 3, height: 1, colorSpace: 'srgb' })).toEqual(overBlack);
  });

  test('a bitmap of the caller stays open; one made from an element is closed', async () => {
    const pixels = { data: Uint8ClampedArray.of(1, 2, 3, 255), width: 1, height: 1 };
    const bitmap = new (ImageBitmap as unknown as new (from: typeof pixels) => ImageBitmap)(pixels);
    const wanted = { data: Uint8Array.of(1, 2, 3), width: 1, height: 1, channels: 3 };
    expect(await decodeImage(bitmap)).toEqual(wanted);
    expect(browser.options).toEqual([]);
    expect(browser.open()).toBe(1);
    class HTMLImageElement {
      readonly pixels = pixels;
    }
    expect(await decodeImage(new HTMLImageElement() as unknown as globalThis.HTMLImageElement)).toEqual(
      wanted,
    );
    expect(browser.options).toHaveLength(1);
    expect(browser.open()).toBe(1);
  });

  test.each([
    ['nothing', Buffer.alloc(0), 'the file is empty'],
    ['text', Buffer.from('words'), 'unsupported format (text); supported are PNG, JPEG, WebP and BMP'],
    ['GIF', Buffer.from('GIF89a\0\0'), 'unsupported format (GIF); supported are PNG, JPEG, WebP and BMP'],
    [
      'TIFF',
      makeTiff([{ width: 1, height: 1, bits: 8, samples: 1, values: [1] }]),
      'browsers do not read TIFF; convert it to PNG',
    ],
    ['a CMYK JPEG', CMYK, 'a CMYK JPEG, which each browser converts to other colors; store it as RGB'],
    ['half a PNG', plainPng(64, 64, [1, 2, 3]).subarray(0, 100), 'a truncated PNG'],
  ])('%s is refused, with its name', async (_, bytes, problem) => {
    const error = await errorOf(decodeImage(file(await bytes, 'shot.png')));
    expect([error.code, error.message]).toEqual(['image-unreadable', `shot.png: ${problem}.`]);
    expect(browser.options).toEqual([]);
  });

  test('an intensity range is refused: the lower 8 bits are lost', async () => {
    const error = await errorOf(decodeImage(blob(translucent), { intensityRange: [1, 9] }));
    expect([error.code, error.message]).toEqual([
      'invalid-argument',
      'Got the intensity range 1:9; a browser gives only the upper 8 bits of 16-bit images.',
    ]);
  });

  test('a .dib gets the header of a BMP', async () => {
    const bare = makeBmp({ width: 1, height: 1, bits: 24, bare: true, rows: [[3, 2, 1]] });
    const whole = withFileHeader(bare, bmpLayout(bare, 'a.dib'));
    expect([...whole]).toEqual([...makeBmp({ width: 1, height: 1, bits: 24, rows: [[3, 2, 1]] })]);
    expect((await errorOf(decodeImage(file(bare.subarray(0, 42), 'a.dib')))).message).toBe(
      'a.dib: a truncated BMP.',
    );
  });

  test('failures of the browser to decode or draw are DskdErrors', async () => {
    const damaged = plainPng(64, 64, [1, 2, 3]);
    damaged.fill(0xee, 45, 50); // inside the only IDAT chunk
    expect((await errorOf(decodeImage(file(damaged, 'a.png')))).message).toMatch(
      /^a\.png: could not be decoded \(.+\)\.$/,
    );
    expect((await errorOf(decodeImage(file(plainPng(1001, 1, [1, 2, 3]), 'b.png')))).message).toBe(
      'b.png: its 1001 x 1 pixels could not be read (no canvas of 1001 x 1).',
    );
    expect(browser.open()).toBe(0);
  });

  test('URLs are fetched', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/a.png') response.end(plainPng(1, 1, [1, 2, 3]));
      else response.writeHead(request.url === '/busy' ? 503 : 404).end('no');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const url = (path: string): URL => new URL(path, `http://127.0.0.1:${port}`);
    try {
      expect([...(await decodeImage(url('/a.png'))).data]).toEqual([1, 2, 3]);
      const missing = await errorOf(decodeImage(url('/none.png')));
      expect([missing.code, missing.message]).toEqual([
        'file-not-found',
        `${url('/none.png').href}: there is no such file.`,
      ]);
      expect((await errorOf(decodeImage(url('/busy')))).message).toContain('the server answered 503');
      const stopped = await errorOf(decodeImage(url('/a.png'), { signal: AbortSignal.abort() }));
      expect(stopped.code).toBe('aborted');
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    const gone = await errorOf(decodeImage(url('/a.png')));
    expect([gone.code, gone.message]).toEqual([
      'image-unreadable',
      expect.stringContaining('could not be fetched'),
    ]);
  });
});
