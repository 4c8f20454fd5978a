import { assertPixelBuffer } from './pixel-buffer.js';

test('accepts data of the right length', () => {
  assertPixelBuffer({ data: new Uint8Array(24), width: 4, height: 2, channels: 3 });
});

test.each([
  [{ data: new Uint8Array(23), width: 4, height: 2, channels: 3 }],
  [{ data: new Uint8Array(0), width: 0, height: 2, channels: 3 }],
  [{ data: new Uint8Array(12), width: 1.5, height: 4, channels: 2 }],
])('refuses %o', (pixels) => {
  expect(() => assertPixelBuffer(pixels)).toThrow(/wanted positive integer sides/);
});
