import { randomStream } from '@dskd/base';

// Arithmetic, noise and random numbers with the same bits on every platform. Engines differ in the last bit of
// Math.sin, exp and pow, which can change a byte of an image; only operations that IEEE 754 defines exactly are
// used: + - * / and the square root. The functions of Math are bound once per module, because looking up a global
// is slow inside a test runner's sandbox.

const { floor, imul, sqrt } = Math;

const FULL_TURN = 6.283185307179586;

/** Sine of an angle in radians, the same bits on every platform; off by at most 1e-7. */
export function sine(radians: number): number {
  const turns = radians / FULL_TURN;
  let turn = turns - floor(turns + 0.5);
  if (turn > 0.25) turn = 0.5 - turn;
  else if (turn < -0.25) turn = -0.5 - turn;
  const x = turn * FULL_TURN;
  const s = x * x;
  return x * (1 + s * (-1 / 6 + s * (1 / 120 + s * (-1 / 5040 + s * (1 / 362880 - s / 39916800)))));
}

/** Cosine of an angle in radians, as {@link sine}. */
export function cosine(radians: number): number {
  return sine(radians + FULL_TURN / 4);
}

export function clamp(value: number, low = 0, high = 1): number {
  return value < low ? low : value > high ? high : value;
}

/** Returns 0 below `from`, 1 above `to`, and a cubic interpolation between. */
export function smoothStep(from: number, to: number, value: number): number {
  const t = clamp((value - from) / (to - from));
  return t * t * (3 - 2 * t);
}

export function length(x: number, y: number): number {
  return sqrt(x * x + y * y);
}

export function degrees(angle: number): number {
  return (angle * FULL_TURN) / 360;
}

/** Returns a number in [0, 1) for a lattice point: murmur3's finalizer over both coordinates and the seed. */
function latticeValue(column: number, row: number, seed: number): number {
  let hash = (imul(column, 0x9e3779b1) ^ imul(row, 0x85ebca77) ^ imul(seed, 0xc2b2ae3d)) >>> 0;
  hash = imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x100000000;
}

/** Returns smooth noise in [-1, 1] with about one feature per unit. */
export function valueNoise(x: number, y: number, seed: number): number {
  const column = floor(x);
  const row = floor(y);
  const u = x - column;
  const v = y - row;
  const s = u * u * (3 - 2 * u);
  const t = v * v * (3 - 2 * v);
  const a = latticeValue(column, row, seed);
  const b = latticeValue(column + 1, row, seed);
  const c = latticeValue(column, row + 1, seed);
  const d = latticeValue(column + 1, row + 1, seed);
  return 2 * (a + s * (b - a) + t * (c - a + s * (a - b - c + d))) - 1;
}

export interface Cell {
  /** Distance to the center of the nearest cell, in cells. */
  distance: number;
  /** In [0, 1), different for each cell. */
  identity: number;
}

/** Finds the cell of a jittered lattice's Voronoi diagram that contains a point, and writes it into `cell`. */
export function nearestCell(x: number, y: number, seed: number, cell: Cell): void {
  const column = floor(x);
  const row = floor(y);
  let nearest = 8;
  for (let j = row - 1; j <= row + 1; j++) {
    for (let i = column - 1; i <= column + 1; i++) {
      const identity = latticeValue(i, j, seed);
      const dx = i + 0.5 + 0.7 * (identity - 0.5) - x;
      const dy = j + 0.5 + 0.7 * (latticeValue(i, j, seed + 1) - 0.5) - y;
      const squared = dx * dx + dy * dy;
      if (squared >= nearest) continue;
      nearest = squared;
      cell.identity = identity;
    }
  }
  cell.distance = sqrt(nearest);
}

/** Random numbers of a scene. */
export interface Draws {
  between(low: number, high: number): number;
  /** Close to normal with mean 0 (the sum of four uniform numbers), within 3.5 standard deviations. */
  bell(deviation: number): number;
  /** Uniform integer in [0, bound). */
  integer(bound: number): number;
  pick<T>(items: readonly T[]): T;
  /** -1 or 1. */
  sign(): number;
  /** A shuffled copy. */
  shuffled<T>(items: readonly T[]): T[];
  /** A seed for noise. */
  seed(): number;
}

/** Returns the random numbers of the stream (`seed`, ...`keys`). */
export function drawsOf(seed: number, ...keys: (string | number)[]): Draws {
  const stream = randomStream(seed, ...keys);
  const draws: Draws = {
    between: (low, high) => low + (high - low) * stream.uniform(),
    bell(deviation) {
      const sum = stream.uniform() + stream.uniform() + stream.uniform() + stream.uniform();
      return (sum - 2) * 1.7320508075688772 * deviation;
    },
    integer: (bound) => stream.integer(bound),
    pick: (items) => items[stream.integer(items.length)]!,
    sign: () => (stream.integer(2) === 0 ? -1 : 1),
    shuffled: (items) => stream.shuffle([...items]),
    seed: () => stream.integer(0x100000000),
  };
  return draws;
}
