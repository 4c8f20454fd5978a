import { code, type Code } from '@dskd/base/web-assembly';
import { FLOAT } from '../heap.js';

// Instructions of the transformations of Winograd's minimal filtering F(2 x 2, 3 x 3) (Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks", 2015, section 4.1).

const { get, set } = code;
export const load = (offset: number): Code => code.vectorAt(0, offset);
export const loadSplat = (offset: number): Code => code.vectorAt(9, offset);
export const store = (offset: number): Code => code.vectorAt(11, offset);
export const NEGATE = code.vector(225);
export const ADD = code.vector(228);
export const SUBTRACT = code.vector(229);
export const MULTIPLY = code.vector(230);
export const MIN = code.vector(232);
export const MAX = code.vector(233);

export const UNIT = 4;
export const VECTOR = UNIT * FLOAT;
/** Sides of a tile of the input, of the tile of the output that it makes, and of the filter. */
export const TILE = 4;
export const STEP = 2;
export const SIDE = 3;
export const POINTS = TILE * TILE;
export const OUTPUTS = STEP * STEP;
export const TAPS = SIDE * SIDE;

export const copy = (from: number, to: number): Code => [...get(from), ...set(to)];
export const sum = (a: number, b: number): Code => [...get(a), ...get(b), ...ADD];
export const difference = (a: number, b: number): Code => [...get(a), ...get(b), ...SUBTRACT];
export const HALF: Code = [...code.vector(12), 0, 0, 0, 63, 0, 0, 0, 63, 0, 0, 0, 63, 0, 0, 0, 63];

/** Locals of a column, or of a row, of a matrix of vectors whose rows have `width` locals each, from `first` on. */
export const columnOf = (first: number, at: number, width = TILE, height = TILE): number[] =>
  Array.from({ length: height }, (_, row) => first + row * width + at);
export const rowOf = (first: number, at: number, width = TILE): number[] =>
  Array.from({ length: width }, (_, column) => first + width * at + column);

/** `B' d`: `[a - c, b + c, c - b, b - d]`. */
export const inputPoints = ([a, b, c, d]: readonly number[]): Code[] => [
  difference(a!, c!),
  sum(b!, c!),
  difference(c!, b!),
  difference(b!, d!),
];

/** `A' m`: `[a + b + c, b - c - d]`. */
export const outputsOf = ([a, b, c, d]: readonly number[]): Code[] => [
  [...sum(a!, b!), ...get(c!), ...ADD],
  [...difference(b!, c!), ...get(d!), ...SUBTRACT],
];

/** `A y`: `[a, a + b, a - b, -b]`. */
export const outputPoints = ([a, b]: readonly number[]): Code[] => [
  get(a!),
  sum(a!, b!),
  difference(a!, b!),
  [...get(b!), ...NEGATE],
];

/** Loads values in a row from places that are `stride` apart, beginning with the local `at`, which it changes. */
export const loadApart = (at: number, stride: number, locals: readonly number[]): Code =>
  locals.flatMap((local) => [...get(at), ...load(0), ...set(local), ...code.advance(at, get(stride))]);

/** Stores values in the same way. */
export const storeApart = (at: number, stride: number, values: readonly Code[], offset = 0): Code =>
  values.flatMap((value) => [...get(at), ...value, ...store(offset), ...code.advance(at, get(stride))]);

/** The lanes of two vectors as one: 0 to 3 of the first, 4 to 7 of the second. */
export const shuffle = (lanes: readonly number[]): Code => [
  ...code.vector(13),
  ...lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => UNIT * lane + byte)),
];

/** Loads the pixels of a tile: an address for each at `entry`, and `offset` after it. */
export const loadPixels = (entry: number, offset: number, count: number, first: number, after = 0): Code =>
  Array.from({ length: count }, (_, at) => [
    ...[...get(entry), ...code.load32(FLOAT * at), ...get(offset), ...code.add],
    ...[...load(after), ...set(first + at)],
  ]).flat();

/** Transforms the columns of a tile of the input in its place. */
export const transformColumns = (first: number): Code =>
  Array.from({ length: TILE }, (_, at) => {
    const values = columnOf(first, at);
    return [...inputPoints(values).flat(), ...values.toReversed().flatMap((value) => set(value))];
  }).flat();
