import { code, type Code } from '@dskd/base/web-assembly';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { functionsOn, functionsOnHeap } from '../heap-functions.js';
import { FLOAT } from '../heap.js';
import { PANEL_ROWS } from '../panels.js';
import { ADD, load, loadSplat, MAX, MIN, store, UNIT, VECTOR } from '../vector-instructions.js';
import {
  columnOf,
  copy,
  filterPoints,
  inputPoints,
  loadApart,
  loadPixels,
  OUTPUTS,
  outputsOf,
  POINTS,
  rowOf,
  shuffle,
  SIDE,
  STEP,
  TILE,
  transformColumns,
  transformMatrices,
} from './instructions.js';

const { get, set, constant, load32, repeat, add } = code;

/**
 * Transforms tiles of the input, 4 tiles at a time, into panels of a left factor.
 * TABLE: 16 addresses of pixels for each tile. QUADS: a quarter of the channels. TO: the first panel of the first of 16 factors, POINT_STRIDE
 * apart. SCRATCH: 1 kB.
 */
function transformInput() {
  const [TABLE, GROUPS, QUADS, TO, POINT_STRIDE, SCRATCH] = [0, 1, 2, 3, 4, 5];
  const [OFFSET, QUAD, TILES, ENTRY, PLACE, COUNTER, OUT] = [6, 7, 8, 9, 10, 11, 12];
  const D = 13;
  const [W, X, Y, Z] = [D + POINTS, D + POINTS + 1, D + POINTS + 2, D + POINTS + 3];
  const tile: Code = [
    ...loadPixels(ENTRY, OFFSET, POINTS, D),
    ...transformColumns(D),
    ...Array.from({ length: TILE }, (_, at) =>
      inputPoints(rowOf(D, at)).flatMap((value, to) => [
        ...[...get(PLACE), ...value, ...store((TILE * at + to) * UNIT * VECTOR)],
      ]),
    ).flat(),
    ...code.advance(ENTRY, constant(POINTS * FLOAT)),
    ...code.advance(PLACE, constant(VECTOR)),
  ];
  const two = (a: number, b: number, lanes: readonly number[]): Code => [
    ...get(a),
    ...get(b),
    ...shuffle(lanes),
  ];
  const turned: Code = [
    ...[W, X, Y, Z].flatMap((value, at) => [...get(PLACE), ...load(at * VECTOR), ...set(value)]),
    ...[...two(W, X, [0, 4, 1, 5]), ...set(D), ...two(W, X, [2, 6, 3, 7]), ...set(D + 1)],
    ...[...two(Y, Z, [0, 4, 1, 5]), ...set(D + 2), ...two(Y, Z, [2, 6, 3, 7]), ...set(D + 3)],
    ...[...get(OUT), ...two(D, D + 2, [0, 1, 4, 5]), ...store(0)],
    ...[...get(OUT), ...two(D, D + 2, [2, 3, 6, 7]), ...store(VECTOR)],
    ...[...get(OUT), ...two(D + 1, D + 3, [0, 1, 4, 5]), ...store(2 * VECTOR)],
    ...[...get(OUT), ...two(D + 1, D + 3, [2, 3, 6, 7]), ...store(3 * VECTOR)],
    ...code.advance(PLACE, constant(UNIT * VECTOR)),
    ...code.advance(OUT, get(POINT_STRIDE)),
  ];
  const quad: Code = [
    ...[...constant(PANEL_ROWS), ...set(TILES), ...copy(TABLE, ENTRY), ...copy(SCRATCH, PLACE)],
    ...repeat(TILES, tile),
    ...[...constant(POINTS), ...set(COUNTER), ...copy(SCRATCH, PLACE), ...copy(TO, OUT)],
    ...repeat(COUNTER, turned),
    ...code.advance(OFFSET, constant(VECTOR)),
    // After the last channels it is at the next panel.
    ...code.advance(TO, constant(UNIT * VECTOR)),
  ];
  const body = repeat(GROUPS, [
    ...[...constant(0), ...set(OFFSET), ...copy(QUADS, QUAD)],
    ...repeat(QUAD, quad),
    ...code.advance(TABLE, constant(PANEL_ROWS * POINTS * FLOAT)),
  ]);
  return { parameters: 6, integers: 7, vectors: POINTS + 4, body };
}

/** Transforms a filter, `G g G'`: 9 taps to 16 matrices. See {@link transformMatrices}. */
const transformFilter = () => transformMatrices(filterPoints, SIDE, TILE);

/**
 * Transforms 16 products to 2 x 2 output pixels for each tile, `clamp(A' m A + bias)`.
 * FROM: the first product, the others POINT_STRIDE apart, with a row of TILE_STRIDE for each tile. TABLE: 4 addresses of output pixels
 * for each tile. BIAS: as many values as channels. LIMITS: the least result four times, then the greatest.
 */
function transformOutput() {
  const [FROM, POINT_STRIDE, TILE_STRIDE, TILES, QUADS, TABLE, BIAS, LIMITS] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [QUAD, OFFSET, AT] = [8, 9, 10];
  const M = 11;
  const S = M + POINTS;
  const [LOW, HIGH, SHIFT] = [S + STEP * TILE, S + STEP * TILE + 1, S + STEP * TILE + 2];
  const down = Array.from({ length: TILE }, (_, at) =>
    outputsOf(columnOf(M, at)).flatMap((value, to) => [...value, ...set(S + TILE * to + at)]),
  ).flat();
  const across = Array.from({ length: STEP }, (_, at) =>
    outputsOf(rowOf(S, at)).flatMap((value, to) => [
      ...[...get(TABLE), ...load32(FLOAT * (STEP * at + to)), ...get(OFFSET), ...add],
      ...[...value, ...get(SHIFT), ...ADD, ...get(LOW), ...MAX, ...get(HIGH), ...MIN, ...store(0)],
    ]),
  ).flat();
  const quad = [
    ...[...get(FROM), ...get(OFFSET), ...add, ...set(AT)],
    ...loadApart(
      AT,
      POINT_STRIDE,
      Array.from({ length: POINTS }, (_, at) => M + at),
    ),
    ...[...get(BIAS), ...get(OFFSET), ...add, ...load(0), ...set(SHIFT)],
    ...[...down, ...across, ...code.advance(OFFSET, constant(VECTOR))],
  ];
  const body = [
    ...[...get(LIMITS), ...loadSplat(0), ...set(LOW), ...get(LIMITS), ...loadSplat(VECTOR), ...set(HIGH)],
    ...repeat(TILES, [
      ...[...constant(0), ...set(OFFSET), ...copy(QUADS, QUAD)],
      ...repeat(QUAD, quad),
      ...[...code.advance(FROM, get(TILE_STRIDE)), ...code.advance(TABLE, constant(OUTPUTS * FLOAT))],
    ]),
  ];
  return { parameters: 8, integers: 3, vectors: POINTS + STEP * TILE + 3, body };
}

type OnAddresses = (...addressesAndCounts: number[]) => void;

/** The transformations of a convolution in tiles. All addresses and distances are in bytes; see above for their order. */
export interface Transformations {
  readonly transformInput: OnAddresses;
  readonly transformFilter: OnAddresses;
  readonly transformOutput: OnAddresses;
}

const ASSEMBLIES = { transformInput, transformFilter, transformOutput };

/** @returns undefined where there are no functions of our own. */
export function transformationsOf(backend: BackendWasm): Transformations | undefined {
  return functionsOnHeap<Transformations>(backend, ASSEMBLIES);
}

/** The functions on shared memory of a fixed size. @throws {TypeError} where the engine has no SIMD. */
export function transformationsOnShared(memory: WebAssembly.Memory): Transformations {
  const kind = { sharedPages: memory.buffer.byteLength / 2 ** 16 };
  const functions = functionsOn<Transformations>(memory, kind, ASSEMBLIES);
  if (!functions) throw new TypeError('This engine has no SIMD instructions of WebAssembly.');
  return functions;
}
