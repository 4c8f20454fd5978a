import { isDskdError, randomStream, type RandomStream } from '@dskd/base';
import { readExpected, readFixture } from '../fixtures.test.util.js';
import { readStateDict, writeSafetensors } from '../index.js';
import { MemoryLimit } from '../memory-limit.js';
import { readEntry } from '../zip/read-entry.js';
import { openZip } from '../zip/zip-archive.js';
import { writeZip } from '../zip/zip-writer.test.util.js';
import { mutate } from './mutate.test.util.js';

/** Values of `maxBytes`: large enough for all files, and too small for most. */
const LIMITS = [2 ** 20, 2 ** 20, 2 ** 20, 256];

/** Returns files of all formats by name, of at most a few kilobytes. */
function originals(): Map<string, Uint8Array> {
  const files = new Map(Object.keys(readExpected()).map((name) => [name, readFixture(name)]));
  files.set('all.safetensors', writeSafetensors(readStateDict(readFixture('stored.npz')), { note: 'fuzz' }));
  return files;
}

function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b;
}

/**
 * Mutates one entry of a zip archive and writes a new archive with correct sizes and checksums. Mutations of the whole
 * archive hardly ever get past the checks of the zip reader.
 */
function mutateInside(bytes: Uint8Array, other: Uint8Array, random: RandomStream): Uint8Array {
  const archive = openZip(bytes);
  const limit = new MemoryLimit();
  const deflate = random.integer(4) === 0;
  const parts = [...archive.entries.values()].map((entry) => ({
    name: entry.name,
    data: readEntry(archive, entry, limit).bytes,
    deflate,
  }));
  const part = parts[random.integer(2) === 0 ? 0 : random.integer(parts.length)]!;
  part.data = mutate(part.data, other, random);
  return writeZip(parts);
}

export interface FuzzReport {
  files: number;
  /** Number of mutated files that were read, by original. */
  read: Record<string, number>;
  /** Number of refused files, by error code. */
  refused: Record<string, number>;
  slowest: { milliseconds: number; file: string };
  /** Largest size of the tensors of one file, in bytes. */
  largest: number;
}

/**
 * Reads `count` mutated files. File `i` depends only on `seed` and `i`.
 * @throws {Error} with the number of the file if its tensors exceed the limit, or if reading throws anything but a
 * DskdError
 */
export function fuzz(seed: number, count: number): FuzzReport {
  const files = [...originals()];
  const report: FuzzReport = {
    files: count,
    read: {},
    refused: {},
    slowest: { milliseconds: 0, file: '' },
    largest: 0,
  };
  for (let i = 0; i < count; i++) {
    const random = randomStream(seed, 'fuzz', i);
    const [name, original] = files[i % files.length]!;
    const [, other] = files[random.integer(files.length)]!;
    const inside = isZip(original) && random.integer(2) === 0;
    const mutated = (inside ? mutateInside : mutate)(original, other, random);
    const unwrap = random.integer(2) === 1;
    const maxBytes = LIMITS[random.integer(LIMITS.length)]!;
    const file = `${name}, seed ${seed}, file ${i}`;
    const start = performance.now();
    try {
      const tensors = readStateDict(mutated, { maxBytes, unwrap });
      let bytes = 0;
      for (const { data } of tensors.values()) bytes += data.buffer.byteLength;
      if (bytes > maxBytes) throw new Error(`${bytes} bytes of tensors: ${file}`);
      report.largest = Math.max(report.largest, bytes);
      report.read[name] = (report.read[name] ?? 0) + 1;
    } catch (error) {
      if (!isDskdError(error)) throw new Error(`Not a DskdError: ${file}`, { cause: error });
      report.refused[error.code] = (report.refused[error.code] ?? 0) + 1;
    }
    const milliseconds = performance.now() - start;
    if (milliseconds > report.slowest.milliseconds) report.slowest = { milliseconds, file };
  }
  return report;
}

/** Checks that no file took long, and that mutations caused all kinds of results. */
export function expectThorough(report: FuzzReport): void {
  // On a busy machine, a file can take some tenths of a second.
  expect(report.slowest.milliseconds).toBeLessThan(5000);
  expect(Object.keys(report.refused).sort()).toEqual(['weights-invalid', 'weights-too-large']);
  // Every original has mutations that can be read, because damaged data without a checksum are not detected.
  expect(Object.keys(report.read).sort()).toEqual([...originals().keys()].sort());
}
