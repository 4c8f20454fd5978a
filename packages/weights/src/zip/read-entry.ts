import type { DskdError } from '@dskd/base';
import { invalidWeights, quoted } from '../invalid-weights.js';
import type { MemoryLimit } from '../memory-limit.js';
import { crc32 } from './crc32.js';
import { MAX_RATIO, inflate } from './inflate.js';
import { ZIP_FILE, type ZipArchive, type ZipEntry } from './zip-archive.js';

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
 * The first `length` bytes of an entry, or all if there are fewer.
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
  if (produced > entry.size) throw wrong(entry, `holds more than the ${entry.size} bytes it claims.`);
  return start.subarray(0, produced);
}

/**
 * An entry's bytes from `from` on: a view of the archive where it is stored, `owned` memory within `limit` where it
 * had to be inflated. Never more than the directory says; the checksum of what was inflated is verified.
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
    throw wrong(entry, `cannot have ${entry.size} bytes: it is stored in ${entry.storedSize}.`);
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
      `holds ${position > entry.size ? 'more' : 'less'} than the ${entry.size} bytes it claims.`,
    );
  }
  if (checksum !== entry.crc32) throw wrong(entry, 'is damaged: its checksum differs.');
  return { bytes, owned: true };
}

/** @throws {DskdError} `weights-invalid` where a stored entry is not what was put into the archive. */
export function verifyStored(archive: ZipArchive, entry: ZipEntry): void {
  if (!entry.deflated && crc32(storedBytes(archive, entry)) !== entry.crc32) {
    throw wrong(entry, 'is damaged: its checksum differs.');
  }
}
