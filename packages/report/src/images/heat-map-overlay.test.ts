import { heatMapOverlay } from './overlays.js';

const image = { data: new Uint8Array(16 * 16 * 3).fill(100), width: 16, height: 16, channels: 3 };
const map = (value: number): { data: Float32Array; width: number; height: number } => ({
  data: new Float32Array(256).fill(value),
  width: 16,
  height: 16,
});
const scale = { low: 2, threshold: 6 };

test('pixels at the low end are unchanged, for any highest value', () => {
  expect(heatMapOverlay(image, map(2), scale).data).toEqual(image.data);
  expect(heatMapOverlay(image, map(-50), scale).data).toEqual(image.data);
});

test('the threshold is orange at 45 %, twice as far is red at 75 %, and higher values are equal to that', () => {
  const pixel = (value: number): number[] => [...heatMapOverlay(image, map(value), scale).data.slice(0, 3)];
  expect(pixel(6)).toEqual([255, 152, 0].map((color) => Math.round(100 + (color - 100) * 0.45)));
  expect(pixel(10)).toEqual([213, 0, 0].map((color) => Math.round(100 + (color - 100) * 0.75)));
  expect(pixel(1e6)).toEqual(pixel(10));
});

test('a high value in a corner of the map colors the same corner of the image', () => {
  const corner = map(2);
  corner.data[15] = 10;
  const { data } = heatMapOverlay(image, corner, scale);
  const red = (x: number, y: number): number => data[(y * 16 + x) * 3]!;
  expect(red(15, 0)).toBeGreaterThan(180);
  expect([red(0, 0), red(0, 15), red(15, 15)]).toEqual([100, 100, 100]);
});
