import type { DskdError } from '@dskd/base';
import { Inflate, inflateSync } from 'fflate';
import { invalidWeights, quoted } from '../byte-reader.js';
import type { MemoryLimit } from '../memory-limit.js';
import { ZIP_FILE, type ZipArchive, type ZipEntry } from './zip-archive.js';

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

/** Returns the CRC-32 of a zip archive. `before` is the CRC-32 of the preceding bytes. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  // An iterator is several times slower than an index.
  for (let i = 0; i < bytes.byteLength; i++) crc = TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Largest ratio of inflated to deflated bytes. */
export const MAX_RATIO = 1032;

/**
 * Sizes of the first and the largest piece of input for the inflater; each piece is twice as long as the previous one.
 * A small first piece makes reading the start of an entry fast.
 */
const FIRST_BYTES = 2 ** 10;
const MOST_BYTES = 2 ** 14;

/** Limits for input that produces no output. Valid streams need less; a longer one only wastes time. */
const MAX_EXPANSION = 1 / 64;
const SLACK_BYTES = 2 ** 18;

/** Thrown inside fflate's callback to stop early. */
class Enough extends Error {}

/**
 * Inflates `deflated` and passes the output in pieces to `sink`, which returns whether to continue.
 * @param size expected size of the output in bytes. The output can be longer, so that `sink` can detect a wrong size.
 * @throws {Error} for an invalid stream
 */
export function inflate(deflated: Uint8Array, size: number, sink: (piece: Uint8Array) => boolean): void {
  if (deflated.byteLength <= FIRST_BYTES) {
    // A stream would allocate a window that is larger than this.
    const room = Math.min(size + 1, deflated.byteLength * MAX_RATIO);
    sink(inflateSync(deflated, { out: new Uint8Array(room) }));
    return;
  }
  inflateStream(deflated, sink);
}

function inflateStream(deflated: Uint8Array, sink: (piece: Uint8Array) => boolean): void {
  let produced = 0;
  const inflater = new Inflate((piece) => {
    produced += piece.byteLength;
    if (!sink(piece)) throw new Enough();
  });
  try {
    let size = FIRST_BYTES;
    for (let start = 0; start < deflated.byteLength; start += size, size = Math.min(2 * size, MOST_BYTES)) {
      const end = Math.min(start + size, deflated.byteLength);
      inflater.push(deflated.subarray(start, end), end === deflated.byteLength);
      if (end > produced * (1 + MAX_EXPANSION) + SLACK_BYTES)
        throw new Error('The stream produces no output.');
    }
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  }
}

function wrong(entry: ZipEntry, problem: string, cause?: unknown): DskdError {
  return invalidWeights(ZIP_FILE, `its entry ${quoted(entry.name)} ${problem}`, { cause });
}

function storedBytes(archive: ZipArchive, entry: ZipEntry): Uint8Array {
  return archive.bytes.subarray(entry.dataStart, entry.dataStart + entry.storedSize);
}

function inflateEntry(archive: ZipArchive, entry: ZipEntry, sink: (piece: Uint8Array) => boolean): void {
  try {
    inflate(storedBytes(archive, entry), entry.size, sink);
  } catch (cause) {
    throw wrong(entry, 'cannot be inflated.', cause);
  }
}

/**
 * Returns the first `length` bytes of an entry, or all if there are fewer.
 * @throws {DskdError} `weights-invalid`
 */
export function readEntryStart(archive: ZipArchive, entry: ZipEntry, length: number): Uint8Array {
  if (!entry.deflated) return storedBytes(archive, entry).subarray(0, length);
  const start = new Uint8Array(Math.min(length, entry.size));
  let produced = 0;
  inflateEntry(archive, entry, (piece) => {
    if (produced < start.byteLength) start.set(piece.subarray(0, start.byteLength - produced), produced);
    produced += piece.byteLength;
    return produced < start.byteLength;
  });
  if (produced > entry.size) throw wrong(entry, `contains more than the ${entry.size} bytes in its header.`);
  return start.subarray(0, produced);
}

/**
 * Returns the bytes of an entry from offset `from`: a view of the archive if the entry is stored, or `owned` memory
 * within `limit` if it is deflated. For a deflated entry, size and checksum are verified.
 * @throws {DskdError} `weights-invalid`, `weights-too-large`
 */
export function readEntry(
  archive: ZipArchive,
  entry: ZipEntry,
  limit: MemoryLimit,
  from = 0,
): { bytes: Uint8Array; owned: boolean } {
  if (!entry.deflated) return { bytes: storedBytes(archive, entry).subarray(from), owned: false };
  if (entry.size > entry.storedSize * MAX_RATIO) {
    throw wrong(entry, `cannot have ${entry.size} bytes, since its deflated size is ${entry.storedSize}.`);
  }
  const bytes = limit.allocate(entry.size - from);
  let position = 0;
  let checksum = 0;
  inflateEntry(archive, entry, (piece) => {
    checksum = crc32(piece, checksum);
    const wanted = piece.subarray(Math.max(0, from - position));
    const start = Math.max(position, from) - from;
    position += piece.byteLength;
    if (position > entry.size) return false;
    bytes.set(wanted, start);
    return true;
  });
  if (position !== entry.size) {
    throw wrong(
      entry,
      `contains ${position > entry.size ? 'more' : 'less'} than the ${entry.size} bytes in its header.`,
    );
  }
  if (checksum !== entry.crc32) throw wrong(entry, 'is damaged: its checksum is wrong.');
  return { bytes, owned: true };
}

/** @throws {DskdError} `weights-invalid` if the entry is not deflated and its checksum is wrong */
export function verifyStored(archive: ZipArchive, entry: ZipEntry): void {
  if (!entry.deflated && crc32(storedBytes(archive, entry)) !== entry.crc32) {
    throw wrong(entry, 'is damaged: its checksum is wrong.');
  }
}
