import { PreparedImages } from '../prepared-images.js';
import { decodeImage, inspectImage } from './decode.js';
import { errorOf, makePng, makeTiff, plainPng, temporaryFolder } from './fabricate.test.util.js';
import { openSource } from './open-source.js';

const RANGE = [21_000, 21_255] as const;
const row = [20_000, 21_000, 21_051, 21_255, 30_000];
const levels = [0, 0, 51, 255, 255];
const gray = makePng({ width: 5, height: 1, colorType: 0, bitDepth: 16, rows: [row] });

test('16 bits are mapped by the range, which the image keeps', async () => {
  const found: unknown[] = [];
  const image = await decodeImage(gray, { intensityRange: RANGE, onFacts: (facts) => found.push(facts) });
  expect(image).toEqual({
    data: Uint8Array.from(levels.flatMap((level) => [level, level, level])),
    width: 5,
    height: 1,
    channels: 3,
    intensityRange: RANGE,
  });
  expect(found).toEqual([{ bits: 16, values: [20_000, 30_000], droppedBands: 0 }]);
  const color = makePng({
    width: 1,
    height: 1,
    colorType: 2,
    bitDepth: 16,
    rows: [[21_000, 21_100, 21_255]],
  });
  expect([...(await decodeImage(color, { intensityRange: RANGE })).data]).toEqual([0, 100, 255]);
  const tiff = makeTiff([{ width: 5, height: 1, bits: 16, samples: 1, values: row }]);
  expect(await decodeImage(tiff, { intensityRange: RANGE })).toEqual(image);
});

test('opacity is not mapped', async () => {
  const image = makePng({
    width: 2,
    height: 1,
    colorType: 4,
    bitDepth: 16,
    rows: [[21_255, 0x8000, 21_255, 0xffff]],
  });
  expect([...(await decodeImage(image, { intensityRange: RANGE })).data]).toEqual([
    128, 128, 128, 255, 255, 255,
  ]);
});

test('an image of 8 bits is refused, and so is a range that is none', async () => {
  const error = await errorOf(decodeImage(plainPng(1, 1, [1, 2, 3]), { intensityRange: RANGE }));
  expect(error.code).toBe('image-unreadable');
  expect(error.message).toContain(
    'it has 8 bits, but the intensity range 21000:21255 is for images of 16 bits',
  );
  expect((await errorOf(decodeImage(gray, { intensityRange: [5, 5] }))).code).toBe('invalid-argument');
});

test('inspecting thoroughly tells of dropped bands and constant images', async () => {
  const bands = makeTiff([
    { width: 2, height: 1, bits: 8, samples: 4, extra: [0], values: [1, 2, 3, 9, 1, 2, 3, 7] },
  ]);
  const { facts } = await inspectImage(bands);
  expect(facts).toMatchObject({ bits: 8, droppedBands: 1, constant: true });
  expect((await inspectImage(plainPng(2, 2, [1, 2, 3]))).facts).toBeUndefined();
});

test('prepared images and thorough sources warn of the same', async () => {
  const folder = await temporaryFolder();
  try {
    const scene = (seed: number): Buffer =>
      makePng({
        width: 8,
        height: 8,
        colorType: 0,
        bitDepth: 16,
        rows: Array.from({ length: 8 }, (_, y) =>
          Array.from({ length: 8 }, (_, x) => 21_000 + ((x * y * seed) % 120)),
        ),
      });
    await folder.write({ 'a.png': scene(3), 'b.png': scene(5), 'c.png': plainPng(8, 8, [1, 2, 3]) });
    const source = await openSource({ root: folder.root, thorough: true });
    expect(source.warnings).toEqual([
      expect.stringMatching(/^1 of 3 images has no content, all its pixels are alike: c\.png/),
      expect.stringMatching(
        /^2 of 3 images have 16 bits with values from 21000 to 211\d\d, of which .* a\.png, b\.png/,
      ),
    ]);
    const prepared = new PreparedImages(source.samples, { height: 8, width: 8 });
    expect(prepared.warnings()).toEqual([]);
    (await prepared.images([0, 1, 2])).forEach(({ data }) => expect(data).toHaveLength(192));
    expect(prepared.warnings()).toEqual(source.warnings);

    const mapped = new PreparedImages(source.samples.slice(0, 2), {
      height: 8,
      width: 8,
      intensityRange: [20_940, 21_180],
    });
    const [image] = await mapped.images([0]);
    expect(new Set(image!.data).size).toBeGreaterThan(10);
    expect(mapped.warnings()).toEqual([]);
    // A sample of one's own that does not know ranges.
    const own = new PreparedImages([{ id: 'own', load: () => decodeImage(gray) }], {
      height: 1,
      width: 5,
      intensityRange: [1, 9],
    });
    expect((await errorOf(own.images([0]))).message).toBe(
      'Got an image with no intensity range; wanted 1:9.',
    );
  } finally {
    await folder.remove();
  }
});
