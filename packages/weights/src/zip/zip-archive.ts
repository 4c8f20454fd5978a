import { ByteReader, invalidWeights, quoted } from '../byte-reader.js';

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

/** Returns the offset of the end record, whose comment must end at the end of the file. */
function findEnd(bytes: Uint8Array): number {
  const last = bytes.byteLength - END_BYTES;
  for (let start = last; start >= Math.max(0, last - MAX_COMMENT); start--) {
    if (bytes[start] !== 0x50) continue;
    const reader = new ByteReader(bytes, 'zip archive', start);
    if (reader.uint32() !== END) continue;
    reader.skip(16);
    if (reader.uint16() === reader.remaining) return start;
  }
  throw invalidWeights('zip archive', 'its end record is missing; the file is truncated.');
}

/**
 * Returns the directory of a zip64 archive, which has a locator before the end record; `undefined` for other archives.
 */
function findDirectory64(bytes: Uint8Array, endStart: number): Directory | undefined {
  if (endStart < LOCATOR_BYTES) return undefined;
  const locator = new ByteReader(bytes, 'zip archive', endStart - LOCATOR_BYTES);
  if (locator.uint32() !== LOCATOR) return undefined;
  locator.skip(4);
  const recordStart = locator.uint64();
  const record = new ByteReader(bytes, 'zip archive');
  record.skip(recordStart);
  if (record.uint32() !== END64) throw record.fail('its zip64 end record is missing.');
  record.skip(28);
  const count = record.uint64();
  const size = record.uint64();
  const start = record.uint64();
  if (start + size !== recordStart)
    throw record.fail('its directory does not end where its end record starts.');
  return { start, end: recordStart, count };
}

/**
 * Finds the directory of a zip archive, which must be directly before the end records.
 * @throws {DskdError} `weights-invalid`
 */
export function findDirectory(bytes: Uint8Array): Directory {
  const endStart = findEnd(bytes);
  const large = findDirectory64(bytes, endStart);
  if (large) return large;
  const reader = new ByteReader(bytes, 'zip archive', endStart + 4);
  if (reader.uint32() !== 0) throw reader.fail('it is one part of a multi-part archive.');
  reader.skip(2);
  const count = reader.uint16();
  const size = reader.uint32();
  const start = reader.uint32();
  if (start + size !== endStart) throw reader.fail('its directory does not end where its end record starts.');
  return { start, end: endStart, count };
}

export const ZIP_FILE = 'zip archive';

const CENTRAL_HEADER = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
const ZIP64_EXTRA = 0x0001;
const IN_ZIP64 = 0xffffffff;
const ENCRYPTED = 0x1;

/** Largest number of entries, far more than any model has tensors. */
const MAX_ENTRIES = 100_000;

export interface ZipEntry {
  readonly name: string;
  readonly deflated: boolean;
  /** Size of the data after inflating, in bytes. */
  readonly size: number;
  /** Size of the data in the archive, in bytes. */
  readonly storedSize: number;
  readonly crc32: number;
  /** Offsets in the archive. */
  readonly headerStart: number;
  readonly dataStart: number;
}

export interface ZipArchive {
  readonly bytes: Uint8Array;
  /** Entries by name, in the order of the directory. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
}

/** Replaces fields that do not fit into 32 bits by the values in the zip64 extra field, which have the same order. */
function withZip64(fields: number[], extra: ByteReader): number[] {
  if (!fields.includes(IN_ZIP64)) return fields;
  while (extra.remaining > 0) {
    const id = extra.uint16();
    const block = new ByteReader(extra.take(extra.uint16()), ZIP_FILE);
    if (id === ZIP64_EXTRA) return fields.map((field) => (field === IN_ZIP64 ? block.uint64() : field));
  }
  throw extra.fail('an entry has no zip64 extra field.');
}

type CentralEntry = Omit<ZipEntry, 'dataStart'>;

function readCentralHeader(reader: ByteReader): CentralEntry {
  if (reader.uint32() !== CENTRAL_HEADER) throw reader.fail('its directory is damaged.');
  reader.skip(4);
  const flags = reader.uint16();
  const method = reader.uint16();
  reader.skip(4);
  const crc = reader.uint32();
  const sizes = [reader.uint32(), reader.uint32()];
  const nameLength = reader.uint16();
  const extraLength = reader.uint16();
  const commentLength = reader.uint16();
  reader.skip(8);
  const start = reader.uint32();
  const name = reader.text(nameLength);
  const extra = new ByteReader(reader.take(extraLength), ZIP_FILE);
  reader.skip(commentLength);
  // The extra field has the inflated size before the stored size. The header has them in reverse order.
  const [size, storedSize, headerStart] = withZip64([sizes[1]!, sizes[0]!, start], extra) as [
    number,
    number,
    number,
  ];
  if (flags & ENCRYPTED) throw reader.fail(`${quoted(name)} is encrypted.`);
  if (method !== 0 && method !== 8)
    throw reader.fail(`${quoted(name)} is compressed with the unsupported method ${method}.`);
  if (method === 0 && size !== storedSize)
    throw reader.fail(`${quoted(name)} is not compressed, but has two sizes.`);
  return { name, deflated: method === 8, size, storedSize, crc32: crc, headerStart };
}

/** Returns the offset of the data. The local header can have another length than the entry in the directory. */
function dataStartOf(bytes: Uint8Array, entry: CentralEntry): number {
  const reader = new ByteReader(bytes, ZIP_FILE, entry.headerStart);
  if (reader.uint32() !== LOCAL_HEADER) throw reader.fail(`the header of ${quoted(entry.name)} is missing.`);
  reader.skip(4);
  const method = reader.uint16();
  reader.skip(16);
  const nameLength = reader.uint16();
  const extraLength = reader.uint16();
  const name = reader.text(nameLength);
  if (name !== entry.name || method !== (entry.deflated ? 8 : 0)) {
    throw reader.fail(`${quoted(entry.name)} has another name or method in its local header.`);
  }
  reader.skip(extraLength);
  return reader.position;
}

/** Throws if entries overlap. With overlaps, a small archive can have petabytes of contents. */
function refuseOverlaps(entries: readonly ZipEntry[], directoryStart: number): void {
  let free = 0;
  for (const entry of [...entries].sort((a, b) => a.headerStart - b.headerStart)) {
    const end = entry.dataStart + entry.storedSize;
    if (entry.headerStart < free || end > directoryStart) {
      throw invalidWeights(ZIP_FILE, `${quoted(entry.name)} overlaps another entry or the directory.`);
    }
    free = end;
  }
}

/**
 * Reads the directory of a zip archive, also of a zip64 archive. All offsets and sizes are checked against the file,
 * except the inflated sizes.
 * @throws {DskdError} `weights-invalid`
 */
export function openZip(bytes: Uint8Array): ZipArchive {
  const { start, end, count } = findDirectory(bytes);
  const reader = new ByteReader(bytes.subarray(0, end), ZIP_FILE, start);
  if (count > MAX_ENTRIES) throw reader.fail(`it has ${count} entries; the limit is ${MAX_ENTRIES}.`);
  const entries = new Map<string, ZipEntry>();
  for (let i = 0; i < count; i++) {
    const entry = readCentralHeader(reader);
    if (entry.headerStart >= start) throw reader.fail(`the header of ${quoted(entry.name)} is missing.`);
    if (entries.has(entry.name)) throw reader.fail(`there are two entries ${quoted(entry.name)}.`);
    entries.set(entry.name, { ...entry, dataStart: dataStartOf(bytes, entry) });
  }
  if (reader.remaining > 0) throw reader.fail('its directory is longer than its entries.');
  refuseOverlaps([...entries.values()], start);
  return { bytes, entries };
}
