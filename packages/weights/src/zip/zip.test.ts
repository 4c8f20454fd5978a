import { readStateDict } from '../index.js';
import { refusalOf } from '../refusal.test.util.js';
import { concat } from '../torch/torch-writer.test.util.js';
import { crc32 } from './read-entry.js';
import { writeZip, type ZipPart } from './zip-writer.test.util.js';

/** Returns an `.npy` file with an array of bytes. */
function npy(data: Uint8Array): Uint8Array {
  const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (${data.length},), }\n`;
  return concat(
    Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0),
    new TextEncoder().encode(header),
    data,
  );
}

const DATA = new Uint8Array(3000).map((_, index) => (index * index) % 7);
const part = (more: Partial<ZipPart> = {}): ZipPart => ({ name: 'x.npy', data: npy(DATA), ...more });
const both = [false, true];

test('crc32 of the check value', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  expect(crc32(new TextEncoder().encode('56789'), crc32(new TextEncoder().encode('1234')))).toBe(0xcbf43926);
});

describe.each(both)('deflated: %p', (deflate) => {
  test.each([
    ['plain', {}, {}],
    ['zip64 end record', {}, { zip64: true }],
    ['zip64 entries', { zip64: true }, {}],
    ['zip64 throughout', { zip64: true }, { zip64: true }],
    ['a comment', {}, { comment: 'PK and so on' }],
    ['padding before the data', { padding: 61 }, {}],
  ])('read: %s', (_, more, options) => {
    const file = writeZip([part({ deflate, ...more }), part({ deflate, name: 'y.npy', ...more })], options);
    const tensors = readStateDict(file);
    expect([...tensors.keys()]).toEqual(['x', 'y']);
    for (const { data } of tensors.values()) expect(data).toEqual(DATA);
  });

  test.each([
    ['encrypted', { flags: 1 }, /encrypted/],
    ['unsupported method', { method: 12 }, /method 12/],
    ['wrong method in the directory', { method: deflate ? 0 : 8 }, /two sizes|another name or method/],
    ['wrong offset of a header', { headerStart: 5 }, /the header of .* is missing/],
    ['offset of a header beyond the end', { headerStart: 0xfffffff0 }, /the header of .* is missing/],
    ['stored bytes that overlap the directory', { storedSize: 4000, size: 4000 }, /overlaps/],
    ['wrong checksum', { crc: 1 }, /checksum/],
  ])('refused: %s', (_, wrong, message) => {
    expect(refusalOf(writeZip([part({ deflate, wrong })])).message).toMatch(message);
  });

  test('refused: wrong number of entries, equal names', () => {
    const parts = [part({ deflate }), part({ deflate, name: 'y.npy' })];
    expect(refusalOf(writeZip(parts, { entries: 1 })).message).toMatch(/longer than its entries/);
    expect(refusalOf(writeZip(parts, { entries: 3 })).message).toMatch(/ends too early/);
    expect(refusalOf(writeZip(parts, { zip64: true, entries: 2 ** 40 })).message).toMatch(
      /1099511627776 entries/,
    );
    expect(refusalOf(writeZip([part({ deflate }), part({ deflate })])).message).toMatch(/two entries/);
    expect(refusalOf(writeZip([part({ deflate, localName: 'z.npy' })])).message).toMatch(/another name/);
  });

  test('refused: overlapping entries', () => {
    const parts = [
      part({ deflate }),
      part({ deflate, name: 'y.npy', localName: 'x.npy', wrong: { headerStart: 0 } }),
    ];
    expect(refusalOf(writeZip(parts)).message).toMatch(/another name|overlaps/);
    // The second entry is a complete entry inside the data of the first.
    const inner = writeZip([{ name: 'y.npy', data: npy(DATA) }]);
    const outer = [
      { name: 'x.npy', data: npy(inner) },
      { name: 'y.npy', data: npy(DATA), wrong: { headerStart: 30 + 5 + npy(inner).length - inner.length } },
    ];
    expect(refusalOf(writeZip(outer)).message).toMatch(/overlaps/);
  });
});

describe('wrong inflated sizes', () => {
  test('too small and too large sizes are refused', () => {
    const real = npy(DATA).length;
    for (const size of [real + 1, real - 1, real + 100_000]) {
      expect(refusalOf(writeZip([part({ deflate: true, wrong: { size } })])).message).toMatch(
        /bytes follow its header|bytes in its header/,
      );
    }
    const torch = { name: 'a/data.pkl', data: new Uint8Array(50_000), deflate: true };
    for (const size of [49_999, 50_001]) {
      expect(refusalOf(writeZip([{ ...torch, wrong: { size } }])).message).toMatch(
        /than the \d+ bytes in its header/,
      );
    }
  });

  test('a zip bomb is refused by maxBytes, by the ratio of its sizes, and by its size', () => {
    const zeros = npy(new Uint8Array(3_000_000));
    const bomb = writeZip([part({ data: zeros, deflate: true })]);
    expect(bomb.length).toBeLessThan(4_000);
    expect(refusalOf(bomb, { maxBytes: 2_000_000 }, 'weights-too-large').details).toEqual({
      wanted: 3_000_000,
      maxBytes: 2_000_000,
    });
    expect(readStateDict(bomb).get('x')!.data.length).toBe(3_000_000);
    const pickle = {
      name: 'a/data.pkl',
      data: new Uint8Array(1000),
      deflate: true,
      wrong: { size: 1_000_000_000 },
    };
    expect(refusalOf(writeZip([pickle])).message).toMatch(/cannot have 1000000000 bytes/);
    // The size in the header is too small. Inflating stops after it.
    const modest = {
      name: 'a/data.pkl',
      data: new Uint8Array(3_000_000),
      deflate: true,
      wrong: { size: 1000 },
    };
    expect(refusalOf(writeZip([modest]), { maxBytes: 2000 }).message).toMatch(/more than the 1000 bytes/);
  });

  test('invalid deflate streams and streams that produce no output', () => {
    const raw = new Uint8Array(3000).fill(0xff);
    const wrong = { method: 8, size: 3000 };
    const file = writeZip([{ name: 'a/data.pkl', data: raw, wrong }]);
    // The method in the local header must be the same.
    file[8] = 8;
    expect(refusalOf(file).message).toMatch(/cannot be inflated/);
    // Very many empty blocks.
    const empty = new Uint8Array(2_000_000);
    for (let i = 0; i < empty.length; i += 5) empty.set([0, 0, 0, 0xff, 0xff], i);
    const slow = writeZip([{ name: 'a/data.pkl', data: empty, wrong }]);
    slow[8] = 8;
    expect(refusalOf(slow).message).toMatch(/cannot be inflated/);
  });
});

describe('invalid end records', () => {
  const file = writeZip([part()], { zip64: true });
  const end = file.length - 22;

  test.each([
    ['no end record', file.subarray(0, end - 20), /end record is missing/],
    ['bytes after the end record', Uint8Array.from([...file, 0]), /end record is missing/],
    ['only an end record', writeZip([]), /archive of no files/],
    ['unknown contents', writeZip([{ name: 'readme.txt', data: DATA }]), /archive of "readme.txt"/],
  ])('%s', (_, bytes, message) => {
    expect(refusalOf(bytes).message).toMatch(message);
  });

  test('bytes before the archive, an invalid locator, a multi-part archive', () => {
    const shifted = Uint8Array.from([0x50, 0x4b, ...writeZip([part()])]);
    expect(refusalOf(shifted).message).toMatch(/does not end where/);
    const nowhere = Uint8Array.from(file);
    nowhere[end - 12] = 0xff;
    nowhere[end - 6] = 0xff;
    expect(refusalOf(nowhere).message).toMatch(/ends too early|zip64/);
    const multi = writeZip([part()]);
    multi[multi.length - 18] = 1;
    expect(refusalOf(multi).message).toMatch(/multi-part/);
  });
});
