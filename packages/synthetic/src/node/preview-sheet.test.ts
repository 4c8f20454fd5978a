import { CATEGORIES } from '../categories.js';
import { generateScene } from '../generate-scene.js';
import { sameBytes } from '../pixels.test.util.js';
import { previewPixels } from './preview-sheet.js';

const SIZE = 128;
const GAP = 6;
const TOP = GAP + 15;

test('shows each anomaly with its good counterpart and its ground truth', () => {
  const sheet = previewPixels({ category: 'box', size: SIZE, seed: 7 });
  const { anomalies } = CATEGORIES.find(({ name }) => name === 'box')!;
  expect(sheet.width).toBe(2 * (3 * SIZE + 4 * GAP));
  const pane = (k: number): Uint8Array => {
    const data = new Uint8Array(SIZE * SIZE * 3);
    for (let row = 0; row < SIZE; row++) {
      const from = ((TOP + row) * sheet.width + GAP + k * (SIZE + GAP)) * 3;
      data.set(sheet.data.subarray(from, from + SIZE * 3), row * SIZE * 3);
    }
    return data;
  };
  const scene = { category: 'box', size: SIZE, seed: 7, split: 'test', index: 0 } as const;
  const damaged = generateScene({ ...scene, anomaly: anomalies[0]!.name });
  expect(sameBytes(pane(0), generateScene(scene).image.data)).toBe(true);
  expect(sameBytes(pane(1), damaged.image.data)).toBe(true);
  const truth = pane(2);
  const red = truth.filter((_, i) => i % 3 === 0);
  const expected = damaged.regions[0]!.mask.data.map((value) => (value > 0 ? 255 : 0));
  expect(sameBytes(red, expected)).toBe(true);
});

test('writes the names of the types', () => {
  const { data, width } = previewPixels({ category: 'box', size: SIZE });
  const dark = (fromX: number, toX: number): number => {
    let count = 0;
    for (let y = GAP; y < GAP + 15; y++) {
      for (let x = fromX; x < toX; x++) count += Number(data[(y * width + x) * 3]! < 100);
    }
    return count;
  };
  // missing_bead: twelve letters of twelve pixels; the eighth is a blank.
  expect(dark(GAP, GAP + 84)).toBeGreaterThan(200);
  expect(dark(GAP + 84, GAP + 96)).toBe(0);
  expect(dark(GAP + 96, GAP + 144)).toBeGreaterThan(200);
  expect(dark(GAP + 150, GAP + 300)).toBe(0);
});

test('another index shows other scenes', () => {
  const [first, second] = [0, 1].map(
    (index) => previewPixels({ category: 'harness', size: SIZE, index }).data,
  );
  expect(sameBytes(first!, second!)).toBe(false);
  expect(() => previewPixels({ category: 'harness', index: -1 })).toThrow('Got index -1');
});
