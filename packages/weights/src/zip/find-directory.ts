import { ByteReader } from '../byte-reader.js';
import { invalidWeights } from '../invalid-weights.js';

const END = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT = 0xffff;
const LOCATOR = 0x07064b50;
const LOCATOR_BYTES = 20;
const END64 = 0x06064b50;

interface Directory {
  readonly start: number;
  readonly end: number;
  /** Number of entries. */
  readonly count: number;
}

/** Start of the record that ends the archive: its comment must reach to the end of the file. */
function findEnd(bytes: Uint8Array): number {
  const last = bytes.byteLength - END_BYTES;
  for (let start = last; start >= Math.max(0, last - MAX_COMMENT); start--) {
    if (bytes[start] !== 0x50) continue;
    const reader = new ByteReader(bytes, 'zip archive', start);
    if (reader.uint32() !== END) continue;
    reader.skip(16);
    if (reader.uint16() === reader.remaining) return start;
  }
  throw invalidWeights('zip archive', 'its end is missing; the file is truncated.');
}

/** The same of an archive too large for 32 bits, where a locator stands before the end record. */
function findDirectory64(bytes: Uint8Array, endStart: number): Directory | undefined {
  if (endStart < LOCATOR_BYTES) return undefined;
  const locator = new ByteReader(bytes, 'zip archive', endStart - LOCATOR_BYTES);
  if (locator.uint32() !== LOCATOR) return undefined;
  locator.skip(4);
  const recordStart = locator.uint64();
  const record = new ByteReader(bytes, 'zip archive');
  record.skip(recordStart);
  if (record.uint32() !== END64) throw record.fail('its zip64 end record is not where it should be.');
  record.skip(28);
  const count = record.uint64();
  const size = record.uint64();
  const start = record.uint64();
  if (start + size !== recordStart)
    throw record.fail('its directory does not end where its end record starts.');
  return { start, end: recordStart, count };
}

/**
 * Finds the directory of a zip archive, which lies directly before the records that end the archive.
 * @throws {DskdError} `weights-invalid`
 */
export function findDirectory(bytes: Uint8Array): Directory {
  const endStart = findEnd(bytes);
  const large = findDirectory64(bytes, endStart);
  if (large) return large;
  const reader = new ByteReader(bytes, 'zip archive', endStart + 4);
  if (reader.uint32() !== 0) throw reader.fail('it is one part of several.');
  reader.skip(2);
  const count = reader.uint16();
  const size = reader.uint32();
  const start = reader.uint32();
  if (start + size !== endStart) throw reader.fail('its directory does not end where its end record starts.');
  return { start, end: endStart, count };
}
