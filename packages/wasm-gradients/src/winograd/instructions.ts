import { type AssembledFunction, code, type Code } from '@dskd/base/web-assembly';
import { FLOAT } from '../heap.js';
import { ADD, load, MULTIPLY, NEGATE, store, SUBTRACT, UNIT, VECTOR } from '../vector-instructions.js';

// Instructions of the transformations of Winograd's minimal filtering F(2 x 2, 3 x 3) (Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks", 2015, section 4.1).

const { get, set } = code;
/** Sides of a tile of the input, of the tile of the output that it makes, and of the filter. */
export const TILE = 4;
export const STEP = 2;
export const SIDE = 3;
export const POINTS = TILE * TILE;
export const OUTPUTS = STEP * STEP;

export const copy = (from: number, to: number): Code => [...get(from), ...set(to)];
export const sum = (a: number, b: number): Code => [...get(a), ...get(b), ...ADD];
export const difference = (a: number, b: number): Code => [...get(a), ...get(b), ...SUBTRACT];
const HALF: Code = [...code.vector(12), 0, 0, 0, 63, 0, 0, 0, 63, 0, 0, 0, 63, 0, 0, 0, 63];

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

/** Half of the sum and half of the difference of two values, into two locals. */
const halves = (a: Code, b: Code, [sumTo, differenceTo]: readonly [number, number]): Code => [
  ...[...a, ...HALF, ...MULTIPLY, ...set(sumTo)],
  ...[...b, ...HALF, ...MULTIPLY, ...set(differenceTo)],
];

/** A transformation of values in locals: what is computed before, with two more locals, and the results. */
type Transformation = (
  values: readonly number[],
  more: readonly [number, number],
) => { readonly before: Code; readonly results: readonly Code[] };

/** `G g`: `[a, (a + c) / 2 + b / 2, (a + c) / 2 - b / 2, c]`. */
export const filterPoints: Transformation = ([a, b, c], [even, odd]) => ({
  before: halves(sum(a!, c!), get(b!), [even, odd]),
  results: [get(a!), sum(even, odd), difference(even, odd), get(c!)],
});

/** `G' u`: `[a + (b + c) / 2, (b - c) / 2, (b + c) / 2 + d]`. */
export const filterTaps: Transformation = ([a, b, c, d], [even, odd]) => ({
  before: halves(sum(b!, c!), difference(b!, c!), [even, odd]),
  results: [sum(a!, even), get(odd), sum(even, d!)],
});

/**
 * Transforms the columns and then the rows of square matrices, `side` x `side` to `result` x `result`, for 4 pairs of channels at a time.
 * Parameters: the first place of the matrix, the distance of its places, how many times 4 pairs, and the first place of the result and the
 * distance of its places.
 */
export function transformMatrices(
  transformation: Transformation,
  side: number,
  result: number,
): Omit<AssembledFunction, 'name'> {
  const [FROM, FROM_STRIDE, QUADS, TO, TO_STRIDE] = [0, 1, 2, 3, 4];
  const [AT, OUT] = [5, 6];
  const first = 7;
  const half = first + side ** 2;
  const more = [half + result * side, half + result * side + 1] as const;
  const places = Array.from({ length: side ** 2 }, (_, at) => first + at);
  const down = Array.from({ length: side }, (_, at) => {
    const { before, results } = transformation(columnOf(first, at, side, side), more);
    return [...before, ...results.flatMap((value, to) => [...value, ...set(half + side * to + at)])];
  }).flat();
  const across = Array.from({ length: result }, (_, at) => {
    const { before, results } = transformation(rowOf(half, at, side), more);
    return [...before, ...storeApart(OUT, TO_STRIDE, results)];
  }).flat();
  const body = code.repeat(QUADS, [
    ...[...copy(FROM, AT), ...loadApart(AT, FROM_STRIDE, places), ...copy(TO, OUT), ...down, ...across],
    ...[FROM, TO].flatMap((local) => code.advance(local, code.constant(VECTOR))),
  ]);
  return { parameters: 5, integers: 2, vectors: side ** 2 + result * side + 2, body };
}
