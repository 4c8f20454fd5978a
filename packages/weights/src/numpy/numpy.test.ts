import { readStateDict } from '../index.js';
import { refusalOf } from '../refusal.test.util.js';
import { concat } from '../torch/torch-writer.test.util.js';
import { writeZip } from '../zip/zip-writer.test.util.js';

/** Returns an `.npy` file with any header. */
function npy(header: string, data: Iterable<number> = [], version = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length =
    version === 1
      ? [text.length & 255, text.length >> 8]
      : [...new Uint8Array(Uint32Array.of(text.length).buffer)];
  return concat(
    Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...length),
    text,
    Uint8Array.from(data),
  );
}

const header = (descr: string, shape: string, order = 'False') =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }   \n`;

test.each([
  ['Python 2 writes longs', header("'|u1'", '(2L, 1L)'), [2, 1]],
  [
    'other order of keys, no trailing comma, no spaces',
    "{'shape':(2,1),'fortran_order':False,'descr':'|u1'}",
    [2, 1],
  ],
  ['native order', header("'=u1'", '(2,)'), [2]],
])('read: %s', (_, text, shape) => {
  for (const version of [1, 2, 3]) {
    expect(readStateDict(npy(text, [7, 8], version)).get('arr_0')).toEqual({
      dtype: 'U8',
      shape,
      data: Uint8Array.of(7, 8),
    });
  }
});

test('an empty array with very long sides', () => {
  const file = npy(header("'<f4'", '(9007199254740991, 9007199254740991, 0)'));
  expect(readStateDict(file).get('arr_0')!.data).toEqual(new Float32Array(0));
});

test('the names in an archive are those of its entries without .npy', () => {
  const names = ['__proto__', 'folder/a.b', '', '漢字'];
  const file = writeZip(
    names.map((name) => ({ name: `${name}.npy`, data: npy(header("'|i1'", '()'), [1]) })),
  );
  expect([...readStateDict(file).keys()]).toEqual(names);
});

const hostile: [string, Uint8Array, RegExp][] = [
  ['complex', npy(header("'<c8'", '(1,)'), new Uint8Array(8)), /elements '<c8'/],
  ['Python objects', npy(header("'|O'", '(1,)')), /elements '\|O'/],
  ['text', npy(header("'<U3'", '(1,)'), new Uint8Array(12)), /elements '<U3'/],
  [
    'a structure',
    npy(header("[('a', '<f4')]", '(1,)'), new Uint8Array(4)),
    /its header .* is not supported/s,
  ],
  ['a type inherited from Object', npy(header("'<toString'", '(1,)')), /'<toString'/],
  ['code instead of a header', npy("__import__('os').system('id')"), /its header .* is not supported/s],
  ['a key missing', npy("{'descr': '<f4', 'shape': (1,)}"), /its header .* is not supported/s],
  [
    'a key twice and one missing',
    npy("{'descr': '<f4', 'descr': '<f4', 'shape': (1,)}"),
    /its header .* is not supported/s,
  ],
  ['another key', npy("{'descr': '<f4', 'fortran': False, 'shape': (1,)}"), /fortran_order \(missing\)/],
  [
    'text after the dict',
    npy(`${header("'<f4'", '(1,)')}; import os`, new Uint8Array(4)),
    /its header .* is not supported/s,
  ],
  ['a shape that is a string', npy(header("'<f4'", "'(1,)'")), /shape '\(1,\)'/],
  ['a shape with an invalid number', npy(header("'<f4'", '(1L2,)')), /bytes follow/],
  ['an invalid order', npy(header("'<f4'", '(1,)', "'no'"), new Uint8Array(4)), /fortran_order 'no'/],
  ['fewer bytes', npy(header("'<f4'", '(2,)'), new Uint8Array(7)), /7 bytes follow its header; expected 8/],
  ['more bytes', npy(header("'<f4'", '(2,)'), new Uint8Array(9)), /9 bytes follow/],
  [
    'a shape that exceeds the memory',
    npy(header("'<f4'", '(9007199254740991, 9007199254740991)')),
    /0 bytes follow/,
  ],
  [
    'a side that is infinite as a number',
    npy(header("'<f4'", `(${'9'.repeat(400)}, 0)`)),
    /invalid shape, strides or offset/,
  ],
  ['65 sides', npy(header("'|u1'", `(${'1,'.repeat(65)})`), [1]), /invalid shape, strides or offset/],
  ['version 4', npy(header("'<f4'", '()'), new Uint8Array(4), 4), /version is 4/],
  ['a header above the limit', npy(' '.repeat(10_001), [], 2), /10001 bytes/],
  ['a header beyond the end of the file', npy(header("'<f4'", '()')).subarray(0, 20), /ends too early/],
  ['only a signature', npy('').subarray(0, 6), /ends too early/],
];

test.each(hostile)('refused: %s', (_, file, message) => {
  expect(refusalOf(file).message).toMatch(message);
  for (const deflate of [false, true]) {
    const archive = writeZip([{ name: 'bad.npy', data: file, deflate }]);
    expect(refusalOf(archive).message).toMatch(message);
    expect(refusalOf(archive).message).toContain('"bad.npy"');
  }
});

test('headers that are slow for some regular expressions are refused quickly', () => {
  const start = performance.now();
  for (const text of [
    `{${' '.repeat(9000)}`,
    `{'shape':(${'1 '.repeat(4000)}`,
    `{'a':'${'b'.repeat(9000)}`,
  ]) {
    refusalOf(npy(text, [], 2));
  }
  expect(performance.now() - start).toBeLessThan(500);
});
