import { nearestImages } from './nearest-images.js';

const rowsOf = (...values: number[]) => ({ data: Float32Array.from(values), count: values.length, width: 1 });

test('the nearest first, of equally near ones the earlier; the mean of their distances', () => {
  const known = rowsOf(10, 4, 6, 0, 4);
  expect(nearestImages(known, rowsOf(5), 0, 1)).toEqual({ images: [1], distance: 1 });
  expect(nearestImages(known, rowsOf(99, 5), 1, 4)).toEqual({ images: [1, 2, 4, 0], distance: 2 });
  expect(nearestImages(known, rowsOf(0), 0, 100)).toEqual({ images: [3, 1, 4, 2, 0], distance: 24 / 5 });
});
