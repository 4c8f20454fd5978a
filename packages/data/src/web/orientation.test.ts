import fc from 'fast-check';
import sharp from 'sharp';
import { decodeImage } from '../node/decode.js';
import { takeWebpOrientation, upright } from './decode.js';

const width = 5;
const height = 3;
const pixels = Uint8Array.from({ length: width * height * 3 }, (_, index) => (index * 37) % 256);
const webp = (orientation?: number): Promise<Buffer> => {
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  return (orientation === undefined ? image : image.withMetadata({ orientation }))
    .webp({ lossless: true })
    .toBuffer();
};

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'orientation %i is removed from a WebP and applied',
  async (orientation) => {
    const file = new Uint8Array(await webp(orientation));
    const wanted = await decodeImage(file);
    const taken = file.slice();
    expect(takeWebpOrientation(taken)).toBe(orientation);
    const stored = await decodeImage(taken);
    expect(stored).toEqual({ data: pixels, width, height, channels: 3 });
    expect(upright(stored, orientation)).toEqual(wanted);
    expect(takeWebpOrientation(taken)).toBe(1);
  },
);

/** A RIFF chunk with EXIF data. */
function exif(structure: Uint8Array): Uint8Array {
  const file = Buffer.alloc(20 + structure.length);
  file.write('RIFF', 0, 'latin1');
  file.write('WEBPEXIF', 8, 'latin1');
  file.writeUInt32LE(structure.length, 16);
  file.set(structure, 20);
  return new Uint8Array(file);
}

test('big-endian, with the prefix of JPEG', () => {
  const entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 8, 0, 0];
  const structure = [...Buffer.from('MM\0*\0\0\0\x08', 'latin1'), 0, 1, ...entry];
  expect(takeWebpOrientation(exif(Uint8Array.from(structure)))).toBe(8);
  const prefixed = exif(Uint8Array.from([...Buffer.from('Exif\0\0', 'latin1'), ...structure]));
  expect(takeWebpOrientation(prefixed)).toBe(8);
});

test('a file without an orientation, or with an invalid one, is unchanged', async () => {
  const plain = new Uint8Array(await webp());
  const before = plain.slice();
  expect(takeWebpOrientation(plain)).toBe(1);
  expect(plain).toEqual(before);
  const full = new Uint8Array(await webp(6));
  for (let length = 12; length < full.length; length++) {
    expect([1, 6]).toContain(takeWebpOrientation(full.slice(0, length)));
  }
  for (const structure of [[], [0x49, 0x49], [...Buffer.from('II*\0\xff\xff\xff\xff', 'latin1')]]) {
    expect(takeWebpOrientation(exif(Uint8Array.from(structure)))).toBe(1);
  }
});

test('a damaged EXIF chunk gives some orientation and throws nothing', async () => {
  const file = new Uint8Array(await webp(6));
  const chunk = Buffer.from(file).indexOf('EXIF');
  const place = fc.integer({ min: chunk + 4, max: file.length - 1 });
  fc.assert(
    fc.property(fc.array(fc.tuple(place, fc.integer({ min: 0, max: 255 }))), (changes) => {
      const damaged = file.slice();
      for (const [at, value] of changes) damaged[at] = value;
      const orientation = takeWebpOrientation(damaged);
      expect(orientation).toBeGreaterThanOrEqual(1);
      expect(orientation).toBeLessThanOrEqual(8);
    }),
    { numRuns: 500 },
  );
});
