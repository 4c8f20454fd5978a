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

/** CRC-32 as in zip; `before` is the value for what came before `bytes`. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  // By index: an iterator takes several times as long.
  for (let i = 0; i < bytes.byteLength; i++) crc = TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Deflate makes at most this many bytes of one. */
export const MAX_RATIO = 1032;

/**
 * What goes into the inflater at first and, doubled each time, at most: much can come out, and whoever wants little
 * should not wait for it.
 */
const FIRST_BYTES = 2 ** 10;
const MOST_BYTES = 2 ** 14;

/** Deflate never makes more of its input than this; a stream that does is made to waste time. */
const MAX_EXPANSION = 1 / 64;
const SLACK_BYTES = 2 ** 18;

/** Passed through fflate to end the inflating early. */
class Enough extends Error {}

/**
 * Inflates `deflated` piece by piece into `sink`, which returns whether it wants more.
 * @param size what should come out; a byte more can, to show that it does
 * @throws {Error} for what is no deflate stream
 */
export function inflate(deflated: Uint8Array, size: number, sink: (piece: Uint8Array) => boolean): void {
  if (deflated.byteLength <= FIRST_BYTES) {
    // A stream's window costs more than this much data.
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
      if (end > produced * (1 + MAX_EXPANSION) + SLACK_BYTES) throw new Error('The stream produces nothing.');
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
