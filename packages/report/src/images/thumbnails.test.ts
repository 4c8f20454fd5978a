import { shrinkByMaximum, shrinkMap, thumbnailSize } from './panels.js';

test.each([
  [1700, 1000, 224, 224, 132],
  [1000, 1700, 224, 132, 224],
  [100, 80, 224, 100, 80],
  [5000, 1, 120, 120, 1],
])('%d x %d at %d is %d x %d', (width, height, side, wantedWidth, wantedHeight) => {
  expect(thumbnailSize({ width, height }, side)).toEqual({ width: wantedWidth, height: wantedHeight });
});

test('maxima are kept, and no new ones appear', () => {
  const from = { width: 37, height: 23 };
  const to = { width: 9, height: 5 };
  for (let at = 0; at < 37 * 23; at++) {
    const map = new Float32Array(37 * 23).fill(-1);
    map[at] = 7;
    expect(Math.max(...shrinkMap({ data: map, ...from }, to).data)).toBe(7);
  }
  expect(new Set(shrinkByMaximum(new Float32Array(37 * 23).fill(-3), from, to))).toEqual(new Set([-3]));
});

test('values are kept when the size does not change', () => {
  const data = Uint8Array.from({ length: 12 }, (_, index) => index);
  const size = { width: 4, height: 3 };
  expect(shrinkByMaximum(data, size, size)).toEqual(data);
});
