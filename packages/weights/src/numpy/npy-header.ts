import { ByteReader } from '../byte-reader.js';
import { quoted } from '../invalid-weights.js';
import type { StateDictType } from '../types.js';

/** NumPy itself reads no longer ones. */
const MAX_HEADER_BYTES = 10_000;
/** The most that must be there of a file to read its header. */
export const NPY_START_BYTES = 12 + MAX_HEADER_BYTES;

/** `\x93NUMPY` */
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
  /** Whether the first axis is the one whose elements are neighbors. */
  readonly fortranOrder: boolean;
  readonly bigEndian: boolean;
  /** Where the elements start. */
  readonly dataStart: number;
}

export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte);
}

/** One `'key': value,` of the Python dict: a text, a truth value, or a tuple of counts. */
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
    throw reader.fail(`its header is ${quoted(text.trimEnd())}.`, {
      hint: 'Arrays of numbers are read; structured types and Python objects are not.',
    });
  }
  return items;
}

/**
 * Reads the header of an `.npy` file (versions 1 to 3) from its first bytes.
 * @param what the array, for messages
 * @throws {DskdError} `weights-invalid`
 */
export function readNpyHeader(start: Uint8Array, what: string): NpyHeader {
  const reader = new ByteReader(start, what);
  if (!isNpy(start)) throw reader.fail('its signature is missing.');
  reader.skip(MAGIC.length);
  const version = reader.uint8();
  reader.skip(1);
  if (version < 1 || version > 3) throw reader.fail(`its format is version ${version}; wanted 1 to 3.`);
  const length = version === 1 ? reader.uint16() : reader.uint32();
  if (length > MAX_HEADER_BYTES) throw reader.fail(`its header has ${length} bytes.`);
  const items = parseDict(reader.text(length), reader);
  const [, order, kind] = /^'([<>|=])(\w+)'$/.exec(items.get('descr') ?? '') ?? [];
  const dtype = kind !== undefined && Object.hasOwn(TYPES, kind) ? TYPES[kind] : undefined;
  const sides = /^\((.*)\)$/s.exec(items.get('shape') ?? '')?.[1];
  const fortran = items.get('fortran_order') ?? '';
  if (!dtype || sides === undefined || !['True', 'False'].includes(fortran)) {
    throw reader.fail(
      `it has elements ${items.get('descr') ?? '(not told)'} and shape ${items.get('shape') ?? '(not told)'}.`,
      { hint: `Wanted elements of ${Object.keys(TYPES).join(', ')}; convert the array with astype.` },
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
