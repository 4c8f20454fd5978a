import { toRgb } from './rgb-image.js';

const size = { width: 2, height: 1 };

test('RGB is returned unchanged', () => {
  const image = { data: Uint8Array.of(1, 2, 3, 4, 5, 6), ...size, channels: 3 };
  expect(toRgb(image)).toEqual(image);
  expect(toRgb(image).data).toBe(image.data);
});

test('gray becomes three equal channels', () => {
  const { data, channels } = toRgb({ data: Uint8Array.of(7, 200), ...size, channels: 1 });
  expect([...data]).toEqual([7, 7, 7, 200, 200, 200]);
  expect(channels).toBe(3);
});

test('ImageData is RGBA: transparent pixels become black, half-transparent ones half as bright', () => {
  const data = Uint8ClampedArray.of(200, 100, 50, 255, 200, 100, 51, 128);
  const wanted = { data: Uint8Array.of(200, 100, 50, 100, 50, 26), ...size, channels: 3 };
  expect(toRgb({ data, ...size })).toEqual(wanted);
  expect(toRgb({ data, ...size, channels: 4 })).toEqual(wanted);
});

test.each([
  ['too few bytes', { data: new Uint8Array(5), ...size, channels: 3 }, 'invalid-argument'],
  ['RGB without saying so', { data: new Uint8Array(6), ...size }, 'invalid-argument'],
  ['two channels', { data: new Uint8Array(4), ...size, channels: 2 }, 'shape-mismatch'],
  ['no pixels', { data: new Uint8Array(0), width: 0, height: 0, channels: 3 }, 'invalid-argument'],
  ['floats', { data: new Float32Array(8) as unknown as Uint8Array, ...size }, 'invalid-argument'],
  ['an array', { data: [1, 2, 3, 4, 5, 6, 7, 8] as unknown as Uint8Array, ...size }, 'invalid-argument'],
])('refuses %s', (_, image, code) => {
  expect(() => toRgb(image)).toThrow(expect.objectContaining({ code }) as Error);
});
