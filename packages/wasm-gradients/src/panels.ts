import { code, type Code } from '@dskd/base/web-assembly';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { FLOAT } from './heap.js';
import { functionsOn, functionsOnHeap } from './heap-functions.js';
import { ADD, load, loadSplat, MAX, MIN, MULTIPLY, store } from './vector-instructions.js';

// Matrix products in tiles of 4 x 8 sums that stay in registers, from factors that are packed first: panels of 4 rows of the left
// factor and of 8 columns of the right one, each stored along the common length. The tile is what XNNPACK has on wasm, and each
// sum is added in its order, so that the bits are the same. It is faster because it takes 8 steps along the common length without
// a loop's costs in between: see `multiply`.

/** Rows of a panel of the left factor, and columns of one of the right. */
export const PANEL_ROWS = 4;
export const PANEL_COLUMNS = 8;

/** All addresses and distances are in bytes. */
export interface PanelFunctions {
  /**
   * `out = clamp(start + left right)` for panels of the left factor one after another and one panel of the right factor.
   * @param left panels of `[length, 4]`, `leftStride` apart.
   * @param right `[length, 8]`
   * @param out rows of 8, `outStride` apart.
   * @param length the common length, at least 1.
   * @param start 8 numbers, the same for all rows.
   * @param limits the least result four times, then the greatest.
   */
  readonly multiply: (
    left: number,
    leftStride: number,
    panels: number,
    right: number,
    out: number,
    outStride: number,
    length: number,
    start: number,
    limits: number,
  ) => void;
  /** `out = out + (start + left right)`, as `multiply`. */
  readonly multiplyAndAdd: PanelFunctions['multiply'];
  /**
   * Packs rows that lie along the common length: each group of 4 addresses is one of 4 rows.
   * @param addresses of rows, 4 for each group.
   * @param quads and `rest`: each row has 4 `quads + rest` elements.
   * @param to the first element of the first row; the groups follow one another.
   * @param step distance between neighbors along the common length.
   */
  readonly interleave: (
    addresses: number,
    groups: number,
    quads: number,
    rest: number,
    to: number,
    step: number,
  ) => void;
  /**
   * Packs rows that lie across the common length, 4 neighbors along it for each group of addresses: 4 elements of each for
   * each panel.
   * @param panels how many.
   * @param to the first panel, `panelStride` before the next.
   */
  readonly stack4: (
    addresses: number,
    groups: number,
    panels: number,
    to: number,
    panelStride: number,
  ) => void;
  /** As `stack4`, with 8 elements of each row for each panel. */
  readonly stack8: PanelFunctions['stack4'];
}

const { get, set, constant, load32, store32, repeat, repeatSteps, whenNotZero } = code;
const advance = (local: number, bytes: number): Code => code.advance(local, constant(bytes));
const copy = (from: number, to: number): Code => [...get(from), ...set(to)];

/** Steps along the common length without a loop's costs. */
const STEPS = 8;
const HALVES = PANEL_COLUMNS / 4;

/**
 * V8 moves all loads of a piece of code without branches to its beginning, and then has not enough registers: a piece is one step,
 * which `repeatSteps` ends with a branch that reads the counter only.
 */
function multiply(adds: boolean) {
  const [LEFT, LEFT_STRIDE, PANELS, RIGHT, OUT, OUT_STRIDE, LENGTH, START, LIMITS] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8,
  ];
  const [COUNTER, LEFT_AT, RIGHT_AT] = [9, 10, 11];
  const SUMS = 12;
  const COLUMNS = SUMS + PANEL_ROWS * HALVES;
  const ROW = COLUMNS + HALVES;
  const sum = (row: number, half: number): number => SUMS + HALVES * row + half;

  const step = (index: number): Code => {
    const body: number[] = [];
    for (let half = 0; half < HALVES; half++) {
      body.push(
        ...get(RIGHT_AT),
        ...load(FLOAT * (PANEL_COLUMNS * index + 4 * half)),
        ...set(COLUMNS + half),
      );
    }
    for (let row = 0; row < PANEL_ROWS; row++) {
      body.push(...get(LEFT_AT), ...loadSplat(FLOAT * (PANEL_ROWS * index + row)), ...set(ROW));
      for (let half = 0; half < HALVES; half++) {
        body.push(
          ...[...get(ROW), ...get(COLUMNS + half), ...MULTIPLY],
          ...[...get(sum(row, half)), ...ADD, ...set(sum(row, half))],
        );
      }
    }
    return body;
  };
  const starts: number[] = [];
  const results: number[] = [];
  for (let row = 0; row < PANEL_ROWS; row++) {
    for (let half = 0; half < HALVES; half++) {
      starts.push(...get(START), ...load(16 * half), ...set(sum(row, half)));
      const result = adds
        ? [...get(OUT), ...load(16 * half), ...get(sum(row, half)), ...ADD]
        : [
            ...[...get(sum(row, half)), ...get(LIMITS), ...load(0), ...MAX],
            ...[...get(LIMITS), ...load(16), ...MIN],
          ];
      results.push(...get(OUT), ...result, ...store(16 * half));
    }
    results.push(...code.advance(OUT, get(OUT_STRIDE)));
  }
  const panel = [
    ...starts,
    ...copy(LEFT, LEFT_AT),
    ...copy(RIGHT, RIGHT_AT),
    ...copy(LENGTH, COUNTER),
    ...repeatSteps(
      COUNTER,
      Array.from({ length: STEPS }, (_, index) => step(index)),
      [...advance(LEFT_AT, STEPS * PANEL_ROWS * FLOAT), ...advance(RIGHT_AT, STEPS * PANEL_COLUMNS * FLOAT)],
    ),
    ...code.advance(LEFT, get(LEFT_STRIDE)),
    ...results,
  ];
  const body = repeat(PANELS, panel);
  return { parameters: 9, integers: 3, vectors: PANEL_ROWS * HALVES + HALVES + 1, body };
}

/** The four rows that a group of addresses begins with, into locals from `first` on. */
const loadAddresses = (addresses: number, first: number): Code => [
  ...[0, 1, 2, 3].flatMap((row) => [...get(addresses), ...load32(4 * row), ...set(first + row)]),
  ...advance(addresses, 16),
];

/** Lanes of two vectors, numbered 0 to 7. */
const shuffle = (lanes: readonly number[]): Code => [
  ...code.vector(13),
  ...lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
];

function interleave() {
  const [ADDRESSES, GROUPS, QUADS, REST, TO, STEP] = [0, 1, 2, 3, 4, 5];
  const [ROWS, COUNTER] = [6, 10];
  const [LOADED, MIXED] = [11, 15];
  const rows = [0, 1, 2, 3];
  const mix = (target: number, first: number, second: number, lanes: readonly number[]): Code => [
    ...[...get(LOADED + first), ...get(LOADED + second), ...shuffle(lanes), ...set(MIXED + target)],
  ];
  const storeStep = (first: number, second: number, lanes: readonly number[]): Code => [
    ...[...get(TO), ...get(MIXED + first), ...get(MIXED + second), ...shuffle(lanes), ...store(0)],
    ...code.advance(TO, get(STEP)),
  ];
  const quad = [
    ...rows.flatMap((row) => [
      ...get(ROWS + row),
      ...load(0),
      ...set(LOADED + row),
      ...advance(ROWS + row, 16),
    ]),
    ...[...mix(0, 0, 1, [0, 4, 1, 5]), ...mix(1, 2, 3, [0, 4, 1, 5])],
    ...[...mix(2, 0, 1, [2, 6, 3, 7]), ...mix(3, 2, 3, [2, 6, 3, 7])],
    ...[...storeStep(0, 1, [0, 1, 4, 5]), ...storeStep(0, 1, [2, 3, 6, 7])],
    ...[...storeStep(2, 3, [0, 1, 4, 5]), ...storeStep(2, 3, [2, 3, 6, 7])],
  ];
  const single = [
    ...rows.flatMap((row) => [
      ...[...get(TO), ...get(ROWS + row), ...load32(0), ...store32(4 * row)],
      ...advance(ROWS + row, 4),
    ]),
    ...code.advance(TO, get(STEP)),
  ];
  const group = [
    ...loadAddresses(ADDRESSES, ROWS),
    ...[...copy(QUADS, COUNTER), ...whenNotZero(COUNTER, repeat(COUNTER, quad))],
    ...[...copy(REST, COUNTER), ...whenNotZero(COUNTER, repeat(COUNTER, single))],
  ];
  return { parameters: 6, integers: 5, vectors: 8, body: repeat(GROUPS, group) };
}

function stack(halves: number) {
  const [ADDRESSES, GROUPS, PANELS, TO, PANEL_STRIDE] = [0, 1, 2, 3, 4];
  const [ROWS, COUNTER, PANEL] = [5, 9, 10];
  const panel = [0, 1, 2, 3].flatMap((row) => [
    ...Array.from({ length: halves }, (_, half) => [
      ...[...get(PANEL), ...get(ROWS + row), ...load(16 * half), ...store(16 * (halves * row + half))],
    ]).flat(),
    ...advance(ROWS + row, 16 * halves),
  ]);
  const group = [
    ...loadAddresses(ADDRESSES, ROWS),
    ...[...copy(TO, PANEL), ...copy(PANELS, COUNTER)],
    ...whenNotZero(COUNTER, repeat(COUNTER, [...panel, ...code.advance(PANEL, get(PANEL_STRIDE))])),
    ...advance(TO, 64 * halves),
  ];
  return { parameters: 5, integers: 6, vectors: 0, body: repeat(GROUPS, group) };
}

const ASSEMBLIES = {
  multiply: () => multiply(false),
  multiplyAndAdd: () => multiply(true),
  interleave,
  stack4: () => stack(1),
  stack8: () => stack(2),
};

/** The functions on the memory of this backend; undefined where {@link functionsOnHeap} has none. */
export function panelFunctionsOf(backend: BackendWasm): PanelFunctions | undefined {
  return functionsOnHeap<PanelFunctions>(backend, ASSEMBLIES);
}

/** The functions on shared memory of a fixed size. @throws {TypeError} where the engine has no SIMD. */
export function panelFunctionsOnShared(memory: WebAssembly.Memory): PanelFunctions {
  const functions = functionsOn<PanelFunctions>(
    memory,
    { sharedPages: memory.buffer.byteLength / 2 ** 16 },
    ASSEMBLIES,
  );
  if (!functions) throw new TypeError('This engine has no SIMD instructions of WebAssembly.');
  return functions;
}
