import { ByteReader, invalidWeights, quoted } from '../byte-reader.js';
import { elementBytes, StoredTensor, type TensorStorage } from '../stored-tensor.js';
import type { MemoryLimit } from '../memory-limit.js';
import type { StateDictType } from '../types.js';
import { readEntry, readEntryStart, verifyStored } from '../zip/read-entry.js';
import type { ZipArchive, ZipEntry } from '../zip/zip-archive.js';

/** Longest header. NumPy has the same limit. */
const MAX_HEADER_BYTES = 10_000;
/** Number of bytes at the start of a file that are enough to read any header. */
export const NPY_START_BYTES = 12 + MAX_HEADER_BYTES;

/** `\x93NUMPY`, the signature of an `.npy` file. */
const MAGIC: readonly number[] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const TYPES: Readonly<Record<string, StateDictType>> = {
  b1: 'BOOL',
  i1: 'I8',
  u1: 'U8',
  i2: 'I16',
  u2: 'U16',
  i4: 'I32',
  u4: 'U32',
  i8: 'I64',
  u8: 'U64',
  f2: 'F16',
  f4: 'F32',
  f8: 'F64',
};

export interface NpyHeader {
  readonly dtype: StateDictType;
  readonly shape: readonly number[];
  /** Whether elements are contiguous along the first axis instead of the last. */
  readonly fortranOrder: boolean;
  readonly bigEndian: boolean;
  /** Offset of the first element in the file, in bytes. */
  readonly dataStart: number;
}

export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte);
}

/** One `'key': value,` of the Python dict. The value is a string, a boolean or a tuple of integers. */
const ITEM = /\s*'(\w+)'\s*:\s*('[^']*'|True|False|\([\dL,\s]*\))\s*(?:,|(?=\}))/y;

function parseDict(text: string, reader: ByteReader): Map<string, string> {
  const items = new Map<string, string>();
  ITEM.lastIndex = text.startsWith('{') ? 1 : text.length;
  let end = ITEM.lastIndex;
  for (let match = ITEM.exec(text); match; match = ITEM.exec(text)) {
    items.set(match[1]!, match[2]!);
    end = ITEM.lastIndex;
  }
  if (!/^\s*\}\s*$/.test(text.slice(end)) || items.size !== 3) {
    throw reader.fail(`its header ${quoted(text.trimEnd())} is not supported.`, {
      hint: 'Arrays of numbers are supported; structured types and Python objects are not.',
    });
  }
  return items;
}

/**
 * Reads the header of an `.npy` file (versions 1 to 3).
 * @param start at least the first {@link NPY_START_BYTES} bytes of the file, or all
 * @param what name of the array in error messages
 * @throws {DskdError} `weights-invalid`
 */
export function readNpyHeader(start: Uint8Array, what: string): NpyHeader {
  const reader = new ByteReader(start, what);
  if (!isNpy(start)) throw reader.fail('its signature is missing.');
  reader.skip(MAGIC.length);
  const version = reader.uint8();
  reader.skip(1);
  if (version < 1 || version > 3) throw reader.fail(`its format version is ${version}; expected 1 to 3.`);
  const length = version === 1 ? reader.uint16() : reader.uint32();
  if (length > MAX_HEADER_BYTES)
    throw reader.fail(`its header has ${length} bytes; the limit is ${MAX_HEADER_BYTES}.`);
  const items = parseDict(reader.text(length), reader);
  const [, order, kind] = /^'([<>|=])(\w+)'$/.exec(items.get('descr') ?? '') ?? [];
  const dtype = kind !== undefined && Object.hasOwn(TYPES, kind) ? TYPES[kind] : undefined;
  const sides = /^\((.*)\)$/s.exec(items.get('shape') ?? '')?.[1];
  const fortran = items.get('fortran_order') ?? '(missing)';
  if (!dtype || sides === undefined || !['True', 'False'].includes(fortran)) {
    throw reader.fail(
      `it has elements ${items.get('descr') ?? '(missing)'}, shape ${items.get('shape') ?? '(missing)'} and ` +
        `fortran_order ${fortran}.`,
      { hint: `Expected elements of ${Object.keys(TYPES).join(', ')}; convert the array with astype.` },
    );
  }
  return {
    dtype,
    shape: sides
      .split(',')
      .filter((side) => side.trim() !== '')
      .map((side) => Number(side.replace('L', ''))),
    fortranOrder: fortran === 'True',
    bigEndian: order === '>',
    dataStart: reader.position,
  };
}

const WHAT = 'NumPy array';

/** Returns the strides of a contiguous array in C or Fortran order. Unit: elements. */
function stridesOf(shape: readonly number[], fortranOrder: boolean): number[] {
  const strides = new Array<number>(shape.length);
  const axes = [...shape.keys()];
  let stride = 1;
  for (const axis of fortranOrder ? axes : axes.reverse()) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

function tensorOf(
  what: string,
  header: NpyHeader,
  fileBytes: number,
  read: TensorStorage['read'],
): StoredTensor {
  const { dtype, shape, fortranOrder, bigEndian, dataStart } = header;
  const byteLength = fileBytes - dataStart;
  const wanted = shape.includes(0) ? 0 : shape.reduce((product, side) => product * side, elementBytes(dtype));
  if (wanted !== byteLength) {
    throw invalidWeights(
      what,
      `${byteLength} bytes follow its header; expected ${wanted} for ${dtype} [${shape.join(', ')}].`,
    );
  }
  // The sides of an empty array can be so large that products of them overflow.
  const strides = wanted === 0 ? shape.map(() => 1) : stridesOf(shape, fortranOrder);
  return new StoredTensor(what, {
    dtype,
    shape,
    strides,
    offset: 0,
    storage: { byteLength, read },
    bigEndian,
  });
}

/**
 * Returns the array of an `.npy` file under the name `arr_0`, as `numpy.savez` would call it.
 * @throws {DskdError} `weights-invalid`
 */
export function readNpy(bytes: Uint8Array): Map<string, StoredTensor> {
  const header = readNpyHeader(bytes.subarray(0, NPY_START_BYTES), WHAT);
  const read = () => ({ bytes: bytes.subarray(header.dataStart), owned: false });
  return new Map([['arr_0', tensorOf(WHAT, header, bytes.byteLength, read)]]);
}

const EXTENSION = '.npy';

/** Whether all entries of the archive are `.npy` files. */
export function isNpz(archive: ZipArchive): boolean {
  const names = [...archive.entries.keys()];
  return names.length > 0 && names.every((name) => name.endsWith(EXTENSION));
}

function readArray(archive: ZipArchive, entry: ZipEntry): StoredTensor {
  const what = `${WHAT} ${quoted(entry.name)}`;
  const header = readNpyHeader(readEntryStart(archive, entry, NPY_START_BYTES), what);
  return tensorOf(what, header, entry.size, (limit) => {
    verifyStored(archive, entry);
    return readEntry(archive, entry, limit, header.dataStart);
  });
}

/**
 * Returns the arrays of an `.npz` archive by name, in file order.
 * @throws {DskdError} `weights-invalid` with the name of the array; `weights-too-large`
 */
export function readNpz(archive: ZipArchive, limit: MemoryLimit): Map<string, StoredTensor> {
  const arrays = new Map<string, StoredTensor>();
  let total = 0;
  for (const entry of archive.entries.values()) {
    const array = readArray(archive, entry);
    // Checked in the loop, because reading the headers of very many deflated entries takes long.
    total += array.byteLength;
    limit.check(total);
    arrays.set(entry.name.slice(0, -EXTENSION.length), array);
  }
  return arrays;
}
