import type { RandomStream } from '@dskd/base';

/** Lengths and counts that often cause errors in readers. */
const LENGTHS = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];
const LONG_LENGTHS = [2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];

type Mutation = (bytes: Uint8Array, random: RandomStream, other: Uint8Array) => Uint8Array;

function splice(bytes: Uint8Array, start: number, removed: number, inserted: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length - removed + inserted.length);
  result.set(bytes.subarray(0, start));
  result.set(inserted, start);
  result.set(bytes.subarray(start + removed), start + inserted.length);
  return result;
}

/** Returns a random range of at most `longest` bytes. */
function stretch(
  bytes: Uint8Array,
  random: RandomStream,
  longest: number,
): { start: number; length: number } {
  const start = random.integer(bytes.length);
  return { start, length: 1 + random.integer(Math.min(longest, bytes.length - start)) };
}

function writeNumber(bytes: Uint8Array, random: RandomStream, width: number, value: bigint): Uint8Array {
  const start = random.integer(bytes.length);
  for (let i = 0; i < width && start + i < bytes.length; i++) {
    bytes[start + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }
  return bytes;
}

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  bit: (bytes, random) => {
    bytes[random.integer(bytes.length)]! ^= 1 << random.integer(8);
    return bytes;
  },
  byte: (bytes, random) => {
    bytes[random.integer(bytes.length)] = random.integer(256);
    return bytes;
  },
  /** Changes a byte by 1. */
  step: (bytes, random) => {
    bytes[random.integer(bytes.length)]! += random.integer(2) * 2 - 1;
    return bytes;
  },
  length16: (bytes, random) =>
    writeNumber(bytes, random, 2, BigInt(LENGTHS[random.integer(LENGTHS.length)]!)),
  length32: (bytes, random) =>
    writeNumber(bytes, random, 4, BigInt(LENGTHS[random.integer(LENGTHS.length)]!)),
  length64: (bytes, random) =>
    writeNumber(bytes, random, 8, LONG_LENGTHS[random.integer(LONG_LENGTHS.length)]!),
  insert: (bytes, random) => {
    const noise = new Uint8Array(1 + random.integer(16)).map(() => random.integer(256));
    return splice(bytes, random.integer(bytes.length + 1), 0, noise);
  },
  remove: (bytes, random) => {
    const { start, length } = stretch(bytes, random, 32);
    return splice(bytes, start, length, new Uint8Array(0));
  },
  repeat: (bytes, random) => {
    const { start, length } = stretch(bytes, random, 256);
    return splice(bytes, random.integer(bytes.length + 1), 0, bytes.slice(start, start + length));
  },
  truncate: (bytes, random) => bytes.slice(0, random.integer(bytes.length)),
  /** Joins the start of this file and the end of the other. */
  graft: (bytes, random, other) => {
    const place = random.integer(bytes.length);
    return splice(bytes, place, bytes.length - place, other.slice(random.integer(other.length)));
  },
  transplant: (bytes, random, other) => {
    const { start, length } = stretch(other, random, 512);
    const place = random.integer(bytes.length);
    return splice(bytes, place, Math.min(length, bytes.length - place), other.slice(start, start + length));
  },
};

const NAMES = Object.keys(MUTATIONS);

/**
 * Returns a copy of `bytes` with one or more random mutations, mostly one, so that the rest of the file is read as
 * well.
 */
export function mutate(bytes: Uint8Array, other: Uint8Array, random: RandomStream): Uint8Array {
  let mutated: Uint8Array = bytes.slice();
  do {
    if (mutated.length === 0) return mutated;
    mutated = MUTATIONS[NAMES[random.integer(NAMES.length)]!]!(mutated, random, other);
  } while (random.integer(3) === 0);
  return mutated;
}
