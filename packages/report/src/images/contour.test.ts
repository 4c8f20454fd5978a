import { drawContour } from './overlays.js';

const SIDE = 9;
const gray = { data: new Uint8Array(SIDE * SIDE).fill(90), width: SIDE, height: SIDE, channels: 1 };

/** The drawing as text: `.` the image, `#` the line, `o` its edge. */
function drawn(mask: Uint8Array, thickness?: number): string[] {
  const { data, channels } = drawContour(gray, mask, thickness);
  expect(channels).toBe(3);
  const signs = Array.from({ length: SIDE * SIDE }, (_, pixel) => {
    const color = [...data.subarray(pixel * 3, pixel * 3 + 3)].join();
    return { '90,90,90': '.', '0,229,255': '#', '0,24,48': 'o' }[color];
  });
  return Array.from({ length: SIDE }, (_, row) => signs.slice(row * SIDE, (row + 1) * SIDE).join(''));
}

test('draws a line around a defect of one pixel, which stays visible', () => {
  const mask = new Uint8Array(SIDE * SIDE);
  mask[4 * SIDE + 4] = 255;
  expect(drawn(mask)).toEqual([
    '.........',
    '.........',
    '..ooooo..',
    '..o###o..',
    '..o#.#o..',
    '..o###o..',
    '..ooooo..',
    '.........',
    '.........',
  ]);
});

test('the line is open at the edge of the image; thicker lines have one dark edge', () => {
  const mask = new Uint8Array(SIDE * SIDE);
  mask[0] = 1;
  expect(drawn(mask, 2).slice(0, 5)).toEqual([
    '.##o.....',
    '###o.....',
    '###o.....',
    'oooo.....',
    '.........',
  ]);
});
