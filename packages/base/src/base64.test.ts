import { base64 } from './base64.js';
import { randomStream } from './random.js';

test.each([0, 1, 2, 3, 100, 0x8000, 0x8001, 100_000])(
  'encodes and decodes %d bytes like Buffer',
  (length) => {
    const random = randomStream(length, 'base64');
    const bytes = Uint8Array.from({ length }, () => random.integer(256));
    const text = base64.encode(bytes);
    expect(text).toBe(Buffer.from(bytes).toString('base64'));
    expect(base64.decode(text)).toEqual(bytes);
  },
);

test('encodes only the viewed part of a buffer', () => {
  expect(base64.encode(Uint8Array.of(1, 2, 3, 4).subarray(1, 3))).toBe(base64.encode(Uint8Array.of(2, 3)));
});

test('refuses text that is not base64', () => {
  expect(() => base64.decode('?')).toThrow();
});
