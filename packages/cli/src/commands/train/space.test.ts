import { assertRoom } from './space.js';

const MIB = 2 ** 20;
const files = [
  { path: 'model.safetensors', bytes: 30 * MIB },
  { path: 'run.checkpoint', bytes: 10 * MIB },
];

test('enough room is not mentioned, little of it is warned of', () => {
  expect(assertRoom(files, 40 * MIB)).toBeUndefined();
  expect(assertRoom(files, 39 * MIB)).toBe(
    'model.safetensors and run.checkpoint will take about 40.0 MiB; there are 39.0 MiB free. They may not be enough.',
  );
});

test('by far too little room is refused', () => {
  expect(() => assertRoom(files, 9.9 * MIB)).toThrow(
    expect.objectContaining({
      code: 'file-not-writable',
      message: 'model.safetensors and run.checkpoint will take about 40.0 MiB; there are 9.9 MiB free.',
      details: { paths: ['model.safetensors', 'run.checkpoint'], needed: 40 * MIB, free: 9.9 * MIB },
    }) as Error,
  );
});
