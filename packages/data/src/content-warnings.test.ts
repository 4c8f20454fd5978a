import { contentWarnings, type ImageContent } from './content-warnings.js';

const plain = (id: string): ImageContent => ({
  id,
  facts: { bits: 8, droppedBands: 0 },
  constant: false,
});
const deep = (id: string, low: number, high: number, constant = false): ImageContent => ({
  id,
  facts: { bits: 16, values: [low, high], droppedBands: 0 },
  constant,
});

test('nothing to say of usual images', () => {
  expect(contentWarnings([plain('a'), deep('b', 100, 60_000), { ...plain('c'), facts: undefined }])).toEqual(
    [],
  );
});

test('16 bits of which few levels are left', () => {
  // A scene of 120 counts is constant after the cut; that is not said twice.
  const images = [deep('b.png', 21_000, 21_110, true), deep('a.png', 21_010, 21_120, true), plain('c.png')];
  expect(contentWarnings(images)).toEqual([
    '2 of 3 images have 16 bits with values from 21000 to 21120, of which the upper 8 bits have at most 1 of 256 gray levels: ' +
      'a.png, b.png. Train with the intensity range auto, or 20940:21180.',
  ]);
  expect(contentWarnings(images, [20_900, 21_200])).toEqual([]);
  expect(contentWarnings(images, [0, 60_000])[0]).toContain(
    'the intensity range 0:60000 leaves at most 2 of 256',
  );
  // 16 levels are few, 17 are not.
  expect(contentWarnings([deep('a', 0, 15 * 256)])).toHaveLength(1);
  expect(contentWarnings([deep('a', 0, 16 * 256)])).toEqual([]);
});

test('images without content, single ones and all', () => {
  const empty = { ...plain('z'), constant: true };
  expect(contentWarnings([plain('a'), empty])).toEqual([
    '1 of 2 images has no content, all its pixels are alike: z.',
  ]);
  expect(contentWarnings([empty, { ...empty, id: 'y' }])).toEqual([
    'all 2 images have no content, all pixels of each are alike: y, z.',
  ]);
  expect(contentWarnings([deep('a', 300, 300, true), plain('b')])[0]).toContain('no content');
});

test('bands that were dropped', () => {
  const images = ['e', 'd', 'c', 'b'].map((id) => ({
    ...plain(id),
    facts: { bits: 8, droppedBands: 1 } as const,
  }));
  expect(contentWarnings([plain('a'), ...images])).toEqual([
    '4 of 5 images have bands that are neither colors nor marked as opacity, which are dropped: b, c, d and 1 more.',
  ]);
});
