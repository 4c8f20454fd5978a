import { isDskdError, randomStream, type RandomStream } from '@dskd/base';
import { readExpected, readFixture } from '../fixtures.test.util.js';
import { readStateDict, writeSafetensors } from '../index.js';
import { MemoryLimit } from '../memory-limit.js';
import { readEntry } from '../zip/read-entry.js';
import { openZip } from '../zip/zip-archive.js';
import { writeZip } from '../zip/zip-writer.test.util.js';
import { mutate } from './mutate.test.util.js';

/** Room for every file, and for hardly any. */
const LIMITS = [2 ** 20, 2 ** 20, 2 ** 20, 256];

/** Files of every format, none larger than a few kilobytes. */
function originals(): Map<string, Uint8Array> {
  const files = new Map(Object.keys(readExpected()).map((name) => [name, readFixture(name)]));
  files.set('all.safetensors', writeSafetensors(readStateDict(readFixture('stored.npz')), { note: 'fuzz' }));
  return files;
}

function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b;
}

/**
 * With one entry of a zip archive mutated and the archive written anew, sizes and checksums right: what is inside gets
 * no further by mutations of the whole.
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
  /** Files of each original that were read all the same. */
  read: Record<string, number>;
  /** Files refused, by code. */
  refused: Record<string, number>;
  slowest: { milliseconds: number; file: string };
  /** Most bytes that the tensors of one file took. */
  largest: number;
}

/**
 * Reads `count` mutated files. Throws where one does anything but read within the limit or give a DskdError, naming it:
 * file `i` depends on `seed` and `i` alone.
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

/** What every run must show: no file took long, and the mutations reached past the first checks. */
export function expectThorough(report: FuzzReport): void {
  // A reader that hangs takes for ever; a busy machine some tenths of a second.
  expect(report.slowest.milliseconds).toBeLessThan(5000);
  expect(Object.keys(report.refused).sort()).toEqual(['weights-invalid', 'weights-too-large']);
  // Every format has files that still read: damage within the data goes unnoticed where there is no checksum.
  expect(Object.keys(report.read).sort()).toEqual([...originals().keys()].sort());
}
