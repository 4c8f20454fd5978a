import type { LeftSource } from '../left-factor.js';
import { GEOMETRY, type PixelGeometry } from '../pixel-addresses.js';
import { ROOM } from '../winograd/compute-lines.js';

// What two threads say to each other: integers in a small piece of shared memory, one piece for each helper.
//
// The rows of a job are divided into blocks. The helper takes them from the first on; the thread that gave the job takes them from
// the last on, when it has computed its own rows. It never waits: the block that the helper is still busy with it computes, too, until
// one of the two has it. So a helper that the machine does not run, or that has ended, costs nothing but the copies.

/** Number of the current job. The helper waits until it changes. */
export const JOB = 0;
/** Number of the job that the helper has finished. */
export const FINISHED = 1;
/** Blocks that nobody has taken: first and last + 1, 16 bits each. */
const RANGE = 2;
/** Blocks that the helper has computed. */
export const DONE = 3;
const NUMBERS_AT = 4;
/** Integers of the piece. */
export const CONTROL = 64;

/** The numbers of a product besides its left factor. Addresses in bytes. See `ProductInMemory`. */
const PRODUCT = [
  ...(['first', 'last', 'blockRows', 'right', 'panelStride', 'out', 'columns', 'starts', 'limits'] as const),
  ...(['zeros', 'adds', 'packed', 'tile', 'table', 'addresses'] as const),
] as const;
export interface ProductJob extends Readonly<Record<(typeof PRODUCT)[number], number>> {
  readonly kind: 'product';
  readonly left: LeftSource;
}

/** The numbers of a convolution in tiles besides its geometry. Its rows are lines of tiles. See `ConvolutionInMemory`. */
const CONVOLUTION = [
  ...(['first', 'last', 'blockRows', 'outChannels', 'input', 'output', 'bias', 'limits', 'block'] as const),
  ...(['address', 'pointStride', 'panelStride'] as const),
  ...ROOM,
] as const;
export interface ConvolutionJob extends Readonly<Record<(typeof CONVOLUTION)[number], number>> {
  readonly kind: 'convolution';
  readonly geometry: PixelGeometry;
}

export type Job = ProductJob | ConvolutionJob;

const JOBS = ['product', 'convolution'] as const;
const SOURCES = ['rows', 'across', 'pixels'] as const;

function numbersOf(job: Job): number[] {
  if (job.kind === 'convolution') {
    return [...CONVOLUTION.map((name) => job[name]), ...GEOMETRY.map((name) => job.geometry[name])];
  }
  const { left } = job;
  const shape =
    left.kind === 'pixels'
      ? GEOMETRY.map((name) => left.geometry[name])
      : [left.stride, left.rows, left.length];
  return [...PRODUCT.map((name) => job[name]), SOURCES.indexOf(left.kind), left.start, ...shape];
}

export function writeJob(control: Int32Array, job: Job): void {
  control.set([JOBS.indexOf(job.kind), ...numbersOf(job)], NUMBERS_AT);
}

export function readJob(control: Int32Array): Job {
  const numbers = [...control.subarray(NUMBERS_AT)];
  const named = <Name extends string>(names: readonly Name[]): Record<Name, number> =>
    Object.fromEntries(names.map((name) => [name, numbers.shift()])) as Record<Name, number>;
  const job = JOBS[numbers.shift()!]!;
  if (job === 'convolution') return { kind: job, ...named(CONVOLUTION), geometry: named(GEOMETRY) };
  const product = named(PRODUCT);
  const source = SOURCES[numbers.shift()!]!;
  const start = numbers.shift()!;
  const left: LeftSource =
    source === 'pixels'
      ? { kind: source, start, geometry: named(GEOMETRY) }
      : { kind: source, start, ...named(['stride', 'rows', 'length'] as const) };
  return { kind: job, ...product, left };
}

const range = (first: number, end: number): number => (end << 16) | first;

/** The most blocks of a job. */
export const MOST_BLOCKS = 2 ** 15;

/** Nobody has taken any of the `blocks`. */
export function offerBlocks(control: Int32Array, blocks: number): void {
  Atomics.store(control, DONE, 0);
  Atomics.store(control, RANGE, range(0, blocks));
}

/** Takes a block from the `first` on or from the `last` on. @returns its number; undefined if none is left. */
export function takeBlock(control: Int32Array, side: 'first' | 'last'): number | undefined {
  for (;;) {
    const seen = Atomics.load(control, RANGE);
    const [first, end] = [seen & 0xffff, seen >>> 16];
    if (first >= end) return undefined;
    const left = side === 'first' ? range(first + 1, end) : range(first, end - 1);
    if (Atomics.compareExchange(control, RANGE, seen, left) === seen) {
      return side === 'first' ? first : end - 1;
    }
  }
}

/** Blocks that the helper has taken, finished or not. */
export const takenByHelper = (control: Int32Array): number => Atomics.load(control, RANGE) & 0xffff;
