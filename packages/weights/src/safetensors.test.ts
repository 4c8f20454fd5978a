import { isDskdError } from '@dskd/base';
import fc from 'fast-check';
import { readSafetensors, writeSafetensors, type StateDictEntry } from './index.js';

/** Returns a file with any header. */
function fileOf(header: unknown, body: ArrayLike<number> = []): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + body.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  file.set(body, 8 + json.length);
  return file;
}

function refusal(bytes: Uint8Array): string {
  try {
    readSafetensors(bytes);
  } catch (error) {
    if (isDskdError(error, 'weights-invalid')) return error.message;
    throw error;
  }
  throw new Error('The file was read.');
}

const u8 = (shape: unknown, offsets: unknown) => ({ dtype: 'U8', shape, data_offsets: offsets });

describe('reading', () => {
  test('a file as the reference implementation writes it', () => {
    // safetensors.numpy.save({'b': float32 [[1, -2]], 'a': int64 scalar 7}, {'format': 'pt'}), byte by byte.
    const body = [...new Uint8Array(new BigInt64Array([7n]).buffer), 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0];
    const file = fileOf(
      '{"__metadata__":{"format":"pt"},"a":{"dtype":"I64","shape":[],"data_offsets":[0,8]},' +
        '"b":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]}}     ',
      body,
    );
    const { tensors, metadata } = readSafetensors(file);
    expect(metadata).toEqual({ format: 'pt' });
    expect([...tensors.keys()]).toEqual(['a', 'b']);
    expect(tensors.get('a')).toEqual({ dtype: 'I64', shape: [], data: new BigInt64Array([7n]) });
    expect(tensors.get('b')).toEqual({ dtype: 'F32', shape: [1, 2], data: new Float32Array([1, -2]) });
  });

  test('tensors are in file order, not in the order of the header', () => {
    const header = { 10: u8([1], [0, 1]), z: u8([1], [2, 3]), 2: u8([1], [1, 2]) };
    expect([...readSafetensors(fileOf(header, [1, 2, 3])).tensors.keys()]).toEqual(['10', '2', 'z']);
  });

  test.each(['Uint8Array at an odd offset', 'Buffer', 'shared memory'])('tensors are copies: %s', (kind) => {
    const file = fileOf({ x: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }, [0, 0, 0x80, 0x3f]);
    let bytes: Uint8Array;
    if (kind === 'Buffer') bytes = Buffer.from(file);
    else if (kind === 'shared memory') bytes = new Uint8Array(new SharedArrayBuffer(file.length));
    else bytes = new Uint8Array(file.length + 3).subarray(3);
    bytes.set(file);
    const { data } = readSafetensors(bytes).tensors.get('x')!;
    bytes.fill(0);
    expect(data).toEqual(new Float32Array([1]));
    expect(data.buffer.byteLength).toBe(4);
  });

  test('a tensor can have the name __proto__', () => {
    const file = fileOf('{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', [9]);
    const { tensors } = readSafetensors(file);
    expect([...tensors.keys()]).toEqual(['__proto__']);
    expect(readSafetensors(writeSafetensors(tensors)).tensors).toEqual(tensors);
  });
});

describe('invalid files are refused with the problem', () => {
  const cases: [string, Uint8Array, RegExp][] = [
    ['empty', new Uint8Array(0), /0 bytes/],
    ['shorter than the length field', new Uint8Array(7), /7 bytes/],
    ['header longer than the file', fileOf({}).subarray(0, 9), /is 2 bytes; the file has 1 bytes after/],
    ['header of 2^63 bytes', Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x80, 0x7b), /is 922337203685477/],
    ['not JSON', fileOf('{"a":'), /not JSON/],
    [
      'not UTF-8',
      (() => {
        const file = fileOf('{"a"}');
        file[9] = 0xff;
        return file;
      })(),
      /not JSON/,
    ],
    ['not an object', fileOf([]), /not an object/],
    ['null', fileOf('null'), /not an object/],
    ['entry not an object', fileOf({ x: 3 }), /entry of tensor 'x' is not an object/],
    ['unknown type', fileOf({ x: { dtype: 'F8_E4M3', shape: [], data_offsets: [0, 1] } }, [0]), /F8_E4M3/],
    [
      'inherited type',
      fileOf({ x: { dtype: 'toString', shape: [], data_offsets: [0, 1] } }, [0]),
      /toString/,
    ],
    ['negative side', fileOf({ x: u8([-1, -1], [0, 1]) }, [0]), /shape \[-1,-1\]/],
    ['fractional side', fileOf({ x: u8([0.5, 2], [0, 1]) }, [0]), /shape \[0.5,2\]/],
    ['side that is a string', fileOf({ x: u8(['1'], [0, 1]) }, [0]), /shape/],
    ['no shape', fileOf({ x: { dtype: 'U8', data_offsets: [0, 1] } }, [0]), /shape undefined/],
    ['three offsets', fileOf({ x: u8([1], [0, 1, 1]) }, [0]), /offsets/],
    ['offsets swapped', fileOf({ x: u8([1], [1, 0]) }, [0]), /offsets 1\.\.0/],
    [
      'shape larger than its bytes',
      fileOf({ x: u8([2 ** 30, 2 ** 30], [0, 1]) }, [0]),
      /offsets 0\.\.1; expected/,
    ],
    [
      'shape that overflows',
      fileOf({ x: u8([2 ** 52, 2 ** 52, 2 ** 52], [0, 1]) }, [0]),
      /offsets 0\.\.1; expected/,
    ],
    ['beyond the end', fileOf({ x: u8([2], [0, 2]) }, [0]), /offsets 0\.\.2, but there are only 1 bytes/],
    ['overlapping', fileOf({ x: u8([2], [0, 2]), y: u8([2], [1, 3]) }, [0, 0, 0]), /'y' has offsets 1\.\.3/],
    ['a gap', fileOf({ x: u8([1], [0, 1]), y: u8([1], [2, 3]) }, [0, 0, 0]), /expected its start at 1/],
    ['bytes after the last tensor', fileOf({ x: u8([1], [0, 1]) }, [0, 0]), /end at byte 1 of 2/],
    ['metadata that is not an object', fileOf({ __metadata__: ['a'] }), /__metadata__/],
    ['metadata that is not a string', fileOf({ __metadata__: { a: 1 } }), /__metadata__/],
  ];
  test.each(cases)('%s', (_, bytes, message) => {
    expect(refusal(bytes)).toMatch(message);
  });

  test('a truncated file is refused at every length', () => {
    const file = writeSafetensors(new Map([['x', { dtype: 'U8', shape: [9], data: new Uint8Array(9) }]]));
    for (let length = 0; length < file.length; length++) refusal(file.subarray(0, length));
    expect(readSafetensors(file).tensors.size).toBe(1);
  });

  test('random headers are read or refused with a DskdError', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.uint8Array({ maxLength: 16 }), (header, body) => {
        try {
          readSafetensors(
            fileOf({ x: header, y: { dtype: 'U8', shape: header, data_offsets: header } }, body),
          );
        } catch (error) {
          expect(isDskdError(error, 'weights-invalid')).toBe(true);
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe('writing', () => {
  const ARRAYS = {
    F64: Float64Array,
    F32: Float32Array,
    F16: Uint16Array,
    BF16: Uint16Array,
    I64: BigInt64Array,
    I32: Int32Array,
    I16: Int16Array,
    I8: Int8Array,
    U8: Uint8Array,
    U16: Uint16Array,
    U32: Uint32Array,
    U64: BigUint64Array,
    BOOL: Uint8Array,
  } as const;
  const entry: fc.Arbitrary<StateDictEntry> = fc
    .tuple(
      fc.constantFrom(...(Object.keys(ARRAYS) as (keyof typeof ARRAYS)[])),
      fc.array(fc.nat({ max: 4 }), { maxLength: 3 }),
      fc.infiniteStream(fc.nat({ max: 255 })),
    )
    .map(([dtype, shape, stream]) => {
      const length = shape.reduce((product, side) => product * side, 1);
      const bytes = Uint8Array.from(stream.take(length * ARRAYS[dtype].BYTES_PER_ELEMENT));
      return { dtype, shape, data: new ARRAYS[dtype](bytes.buffer) };
    });
  const name = fc.string().filter((text) => text !== '__metadata__');

  test('a file that is read and written again is the same', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, entry)),
        fc.dictionary(fc.string(), fc.string()),
        (entries, metadata) => {
          const tensors = new Map(entries);
          const file = writeSafetensors(tensors, metadata);
          const back = readSafetensors(file);
          expect(back.metadata).toEqual({ ...metadata });
          expect(writeSafetensors(back.tensors, metadata)).toEqual(file);
          expect(back.tensors.size).toBe(tensors.size);
          for (const [key, { dtype, shape, data }] of tensors) {
            const got = back.tensors.get(key)!;
            expect([got.dtype, got.shape]).toEqual([dtype, shape]);
            // Compares bytes, to include NaN payloads and negative zeros.
            expect(new Uint8Array(got.data.buffer)).toEqual(new Uint8Array(data.buffer));
          }
        },
      ),
      { seed: 2, numRuns: 200 },
    );
  });

  test('data start at a multiple of 8', () => {
    for (const key of ['a', 'ab', 'abcdefg']) {
      const file = writeSafetensors(new Map([[key, { dtype: 'U8', shape: [1], data: Uint8Array.of(5) }]]));
      expect((file.length - 1) % 8).toBe(0);
      expect(file.at(-1)).toBe(5);
    }
  });

  test('data that do not match their shape or type, and the reserved name, are refused', () => {
    const bad: [string, StateDictEntry][] = [
      ['x', { dtype: 'F32', shape: [2], data: new Float32Array(3) }],
      ['x', { dtype: 'F32', shape: [2], data: new Float64Array(2) }],
      ['__metadata__', { dtype: 'U8', shape: [0], data: new Uint8Array(0) }],
    ];
    for (const pair of bad) expect(() => writeSafetensors(new Map([pair]))).toThrow(/'(x|__metadata__)'/);
  });

  test('a view of a larger array is written as the view', () => {
    const data = Float32Array.of(1, 2, 3).subarray(1, 2);
    const back = readSafetensors(writeSafetensors(new Map([['x', { dtype: 'F32', shape: [1], data }]])));
    expect(back.tensors.get('x')!.data).toEqual(Float32Array.of(2));
  });
});
