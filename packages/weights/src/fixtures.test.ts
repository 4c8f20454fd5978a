import { asExpected, readExpected, readFixture } from './fixtures.test.util.js';
import { readStateDict } from './index.js';
import { refusalOf } from './refusal.test.util.js';

const EXPECTED = readExpected();
const FILES = Object.keys(EXPECTED);

test('the fixtures cover every format', () => {
  expect(FILES.length).toBe(16);
});

describe.each(FILES)('%s', (name) => {
  const unwrap = name.startsWith('checkpoint');

  test('all tensors have the expected type, shape and bits, in file order', () => {
    const tensors = readStateDict(readFixture(name), { unwrap });
    expect(asExpected(tensors)).toEqual(EXPECTED[name]);
    expect([...tensors.keys()]).toEqual(Object.keys(EXPECTED[name]!));
  });

  test.each(['at an odd offset', 'a Buffer', 'shared memory'])('input %s: the tensors are copies', (kind) => {
    const file = readFixture(name);
    let bytes: Uint8Array;
    if (kind === 'a Buffer') bytes = Buffer.from(file);
    else if (kind === 'shared memory') bytes = new Uint8Array(new SharedArrayBuffer(file.length));
    else bytes = new Uint8Array(file.length + 3).subarray(3);
    bytes.set(file);
    const tensors = readStateDict(bytes, { unwrap });
    bytes.fill(0);
    expect(asExpected(tensors)).toEqual(EXPECTED[name]);
    const buffers = new Set([...tensors.values()].map(({ data }) => data.buffer));
    expect(buffers.size).toBe(tensors.size);
    for (const { data } of tensors.values()) expect(data.buffer.byteLength).toBe(data.byteLength);
  });

  test('maxBytes is the exact size of the tensors and of temporary inflated data', () => {
    const file = readFixture(name);
    const sizes = Object.values(EXPECTED[name]!).map(({ hex }) => hex.length / 2);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const { details } = refusalOf(file, { unwrap, maxBytes: total - 1 }, 'weights-too-large');
    expect(details).toEqual({ wanted: total, maxBytes: total - 1 });
    // An array in Fortran order is inflated to temporary memory first.
    const apart = name === 'deflated.npz' ? Math.max(...sizes) : 0;
    expect(readStateDict(file, { unwrap, maxBytes: total + apart }).size).toBe(sizes.length);
  });

  test('truncated files are refused', () => {
    const file = readFixture(name);
    for (let length = 0; length < file.length; length += 1 + Math.floor(file.length / 300)) {
      refusalOf(file.subarray(0, length), { unwrap });
    }
  });
});
