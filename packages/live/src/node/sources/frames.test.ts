import fc from 'fast-check';
import { boundaryOf, multipartFrames } from './multipart-frames.js';
import { ppmFrames } from './ppm-frames.js';

/** Bytes in pieces of these lengths, then the rest. */
async function* inPieces(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const length of [...lengths, bytes.length]) {
    await Promise.resolve();
    if (at < bytes.length) yield bytes.subarray(at, at + length);
    at += length;
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, 'latin1'));
const joined = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 });

test('PPM images are those that were written, in whatever pieces they come', async () => {
  const image = fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }))
    .chain(([width, height]) =>
      fc
        .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
        .map((data) => ({ data, width, height, channels: 3 })),
    );
  await fc.assert(
    fc.asyncProperty(fc.array(image, { maxLength: 6 }), pieces, fc.nat(20), async (images, lengths, cut) => {
      const bytes = joined(
        ...images.map(({ data, width, height }) => joined(text(`P6\n${width} ${height}\n255\n`), data)),
      );
      expect(await all(ppmFrames(inPieces(bytes, lengths), 100))).toEqual(images);
      // What is cut off is left out, and the others are whole.
      const short = await all(
        ppmFrames(inPieces(bytes.subarray(0, Math.max(0, bytes.length - cut)), lengths), 100),
      );
      expect(short).toEqual(images.slice(0, short.length));
      if (images.length > 0 && cut > 0) expect(short.length).toBeLessThan(images.length);
    }),
  );
});

test.each([
  ['P5\n1 1\n255\n0', 'they begin with'],
  [`garbage ${'x'.repeat(100)}`, 'they begin with "garbage'],
  ['P6\n100 100\n255\n', 'an image of 100 x 100 pixels, wanted at most 99'],
  ['P6\n0 5\n255\n', 'an image of 0 x 5 pixels'],
])('%j is refused', async (bytes, message) => {
  const rest = text(`${bytes}${' '.repeat(70)}`);
  await expect(all(ppmFrames(inPieces(rest, []), 99))).rejects.toMatchObject({
    code: 'source-failed',
    message: expect.stringContaining(message) as string,
  });
});

interface Form {
  /** As the header names it. */
  readonly boundary: string;
  /** As it is sent. */
  readonly line: string;
  readonly hasLength: boolean;
}

const FORMS: readonly Form[] = [
  { boundary: 'frame', line: '--frame', hasLength: true },
  { boundary: 'frame', line: '--frame', hasLength: false },
  // With the dashes in its name: as some cameras send it, and as the standard wants it.
  { boundary: '--frame', line: '--frame', hasLength: true },
  { boundary: '--frame', line: '--frame', hasLength: false },
  { boundary: '--frame', line: '----frame', hasLength: true },
  { boundary: '--frame', line: '----frame', hasLength: false },
];

test.each(FORMS)('parts are those that were sent: %j', async ({ boundary, line, hasLength }) => {
  const part = fc.uint8Array({ minLength: 1, maxLength: 80 }).map((bytes) => joined(bytes, text('\xff\xd9')));
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 5 }), pieces, async (parts, lengths) => {
      const bodies = parts.flatMap((bytes) => [
        text(
          `${line}\r\nContent-Type: image/jpeg\r\n${hasLength ? `Content-Length: ${bytes.length}\r\n` : ''}\r\n`,
        ),
        bytes,
        text('\r\n'),
      ]);
      const bytes = joined(text('\r\n'), ...bodies, text(`${line}--\r\n`));
      expect(await all(multipartFrames(inPieces(bytes, lengths), boundary, 1000))).toEqual(parts);
    }),
  );
});

test('with a length a part is there before the next one begins', async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield text('--b\r\nContent-Length: 3\r\n\r\nabc');
    await new Promise(() => undefined);
  }
  const { value } = await multipartFrames(endless(), 'b', 10).next();
  expect(Buffer.from(value!).toString()).toBe('abc');
});

test.each([
  ['--b\r\nContent-Length: 11\r\n\r\n', 'a part has 11 bytes, wanted at most 10'],
  [`--b\r\n\r\n${'x'.repeat(200_000)}`, 'a part is longer than 10 bytes'],
  [`--b\r\n${'x'.repeat(20_000)}`, 'the head of a part is longer'],
  ['x'.repeat(20_000), 'what comes before the first part is longer'],
])('a stream that never ends a part is refused: %#', async (bytes, message) => {
  const lengths = Array<number>(60).fill(4000);
  await expect(all(multipartFrames(inPieces(text(bytes), lengths), 'b', 10))).rejects.toMatchObject({
    code: 'source-failed',
    message: expect.stringContaining(message) as string,
  });
});

test.each([
  ['multipart/x-mixed-replace;boundary=ffmpeg', 'ffmpeg'],
  ['multipart/x-mixed-replace; boundary="my boundary"', 'my boundary'],
  ['Multipart/X-Mixed-Replace; charset=x; boundary=--a;q=1', '--a'],
])('the boundary of %s', (type, boundary) => {
  expect(boundaryOf(type)).toBe(boundary);
});

test.each([null, 'image/jpeg', 'multipart/form-data; boundary=a'])('%p is refused', (type) => {
  expect(() => boundaryOf(type)).toThrow(`it is of the type ${type ?? 'nothing'}`);
});
