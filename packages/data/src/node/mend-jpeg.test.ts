import sharp from 'sharp';
import { decodeImage, inspectImage } from './decode.js';
import { errorOf } from './fabricate.test.util.js';

const SIDE = 96;
const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, index) => (index * index * 31) % 251);
const image = sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } });
const clean = image.clone().jpeg().toBuffer();
const progressive = image.clone().jpeg({ progressive: true }).toBuffer();

const markerAt = (file: Buffer, marker: number, from = 0): number =>
  file.indexOf(Buffer.from([0xff, marker]), from);
const inserted = (file: Buffer, at: number, ...bytes: number[]): Buffer =>
  Buffer.concat([file.subarray(0, at), Buffer.from(bytes), file.subarray(at)]);
/** A JPEG with a segment after its first marker. */
const withSegment = (file: Buffer, marker: number, body: string): Buffer =>
  inserted(file, 2, 0xff, marker, 0, body.length + 2, ...Buffer.from(body, 'latin1'));
function changed(file: Buffer, at: number, byte: number): Buffer {
  const copy = Buffer.from(file);
  copy[at] = byte;
  return copy;
}

/** JPEGs that libjpeg warns of and decodes without a difference. */
const ODD: Readonly<Record<string, (file: Buffer) => Buffer>> = {
  'bytes between segments': (file) => inserted(file, markerAt(file, 0xda), 0, 0),
  'bytes between segments that look like an escaped 0xff': (file) =>
    inserted(file, markerAt(file, 0xc4), 7, 0xff, 0),
  'JFIF 2.01': (file) => withSegment(file, 0xe0, 'JFIF\0\x02\x01\0\0\x01\0\x01\0\0'),
  'an unknown color transform': (file) => withSegment(file, 0xee, 'Adobe\0\x64\0\0\0\0\x07'),
  'an unusual selection of coefficients in a sequential scan': (file) =>
    changed(file, markerAt(file, 0xda) + 4 + 8, 5),
  'bytes after the scan': (file) => inserted(file, file.length - 2, 0, 0, 0),
  'fill bytes before a marker': (file) => inserted(file, markerAt(file, 0xda), 0xff, 0xff),
};

describe('a JPEG that libjpeg only warns of', () => {
  test.each(Object.entries(ODD))('%s: the same bytes as without', async (_, odd) => {
    const file = await clean;
    const wanted = await decodeImage(file);
    expect(await decodeImage(odd(file))).toEqual(wanted);
    expect(await inspectImage(odd(file), { thorough: true })).toMatchObject({ width: SIDE, height: SIDE });
  });

  test('the strict decoder refuses most of them, so the test is not in vain', async () => {
    const file = await clean;
    const refused = await Promise.all(
      Object.values(ODD).map((odd) =>
        sharp(odd(file), { failOn: 'warning' })
          .raw()
          .toBuffer()
          .then(
            () => false,
            () => true,
          ),
      ),
    );
    expect(refused.filter(Boolean).length).toBeGreaterThanOrEqual(4);
  });

  /** Offset of the marker that ends the first scan. */
  const endOfFirstScan = (file: Buffer): number => {
    let at = markerAt(file, 0xda) + 14;
    while (file[at] !== 0xff || file[at + 1] === 0) at++;
    return at;
  };

  test('zeros after a scan of a progressive image are padding; other bytes may be lost data', async () => {
    const file = await progressive;
    const padded = inserted(file, endOfFirstScan(file), ...Array<number>(40).fill(0));
    await expect(sharp(padded, { failOn: 'warning' }).raw().toBuffer()).rejects.toThrow('extraneous bytes');
    expect(await decodeImage(padded)).toEqual(await decodeImage(file));
    const lost = inserted(file, endOfFirstScan(file), ...Array<number>(40).fill(7));
    expect((await errorOf(decodeImage(lost))).message).toContain('extraneous bytes');
  });
});

describe('a truncated JPEG is refused', () => {
  const cuts = [...Array.from({ length: 20 }, (_, index) => 20 + 4 * index), 99];

  test.each([
    ['baseline', clean],
    ['progressive', progressive],
  ])('%s, cut anywhere, also with an end, also when it is odd', async (_, whole) => {
    const file = await whole;
    for (const odd of [file, ODD['bytes between segments']!(file)]) {
      const outcomes = await Promise.all(
        cuts.flatMap((percent) => {
          const cut = odd.subarray(0, Math.floor((odd.length * percent) / 100));
          return [cut, Buffer.concat([cut, Buffer.from([0xff, 0xd9])])].map(
            async (bytes) => (await errorOf(decodeImage(bytes))).code,
          );
        }),
      );
      expect(new Set(outcomes)).toEqual(new Set(['image-unreadable']));
    }
  });

  test('zeros in place of the rest', async () => {
    const file = Buffer.from(await clean);
    file.fill(0, file.length >> 1);
    expect((await errorOf(decodeImage(file))).message).toContain('a truncated JPEG (it ends in zeros)');
  });
});
