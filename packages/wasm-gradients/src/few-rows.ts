import { code, type Code } from '@dskd/base/web-assembly';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { functionsOnHeap } from './heap-functions.js';
import { allocate, FLOAT, floats, withScratch } from './heap.js';
import { LONGEST_SUM, type StoredMatrix } from './stored-matrix.js';

// Products of a few rows and a large matrix. XNNPACK copies such a matrix into an order of its own in each call, which moves
// three times as much memory as the product needs; and reading the matrix is all that it takes time for.

/** More rows are faster with XNNPACK, whose copy then serves all of them. */
const FEW_ROWS = 16;
/** Elements of a matrix that does not fit into the cache. */
const LARGE_MATRIX = 2 ** 18;
/** Shorter stored rows take more calls than they save. */
const LONG_ROW = 512;

/** Rows of the left factor that are multiplied at once. */
const GROUP = 4;
/** Elements for each pass of the innermost loop. */
const UNIT = 8;
/** Elements of a row that are multiplied before the next row: what they are multiplied with stays in the first-level cache. */
const BLOCK = 4096;

const { get, set, vectorAt, repeat } = code;
const load = (offset: number): Code => vectorAt(0, offset);
const loadSplat = (offset: number): Code => vectorAt(9, offset);
const store = (offset: number): Code => vectorAt(11, offset);
const ADD_F32X4 = code.vector(228);
const MULTIPLY_F32X4 = code.vector(230);
const advance = (local: number, bytes: number): Code => code.advance(local, code.constant(bytes));

/** The parameters of both functions; addresses of the `rows` of the group follow. */
const [RIGHT, UNITS] = [0, 1];

/** Reads the unit of the matrix into two locals. */
const loadUnit = (local: number): Code => [
  ...[...get(RIGHT), ...load(0), ...set(local)],
  ...[...get(RIGHT), ...load(16), ...set(local + 1)],
];

/**
 * `sums[r] += left[r] * right`, lane by lane, over `units` times 8 elements, for each row r of a group.
 * Parameters: right, units, then for each row its address, then for each row that of its sum of 4 lanes.
 */
function dotProducts(rows: number): Code {
  const left = (row: number): number => 2 + row;
  const sum = (row: number): number => 2 + rows + row;
  const matrix = 2 + 2 * rows;
  const lanes = (row: number, half: number): number => matrix + 2 + 2 * row + half;
  const unit: number[] = [...loadUnit(matrix)];
  for (let row = 0; row < rows; row++) {
    for (const half of [0, 1]) {
      unit.push(
        ...[...get(left(row)), ...load(16 * half), ...get(matrix + half), ...MULTIPLY_F32X4],
        ...[...get(lanes(row, half)), ...ADD_F32X4, ...set(lanes(row, half))],
      );
    }
    unit.push(...advance(left(row), UNIT * FLOAT));
  }
  const body: number[] = [...repeat(UNITS, [...unit, ...advance(RIGHT, UNIT * FLOAT)])];
  for (let row = 0; row < rows; row++) {
    body.push(
      ...[...get(sum(row)), ...get(sum(row)), ...load(0)],
      ...[...get(lanes(row, 0)), ...get(lanes(row, 1)), ...ADD_F32X4, ...ADD_F32X4, ...store(0)],
    );
  }
  return body;
}

/**
 * `out[r] += left[r] * right` over `units` times 8 elements of `right`, for each row r of a group. Parameters: right, units, then
 * for each row the address of its factor, then for each row that of `out`.
 */
function weightedSums(rows: number): Code {
  const factor = (row: number): number => 2 + row;
  const out = (row: number): number => 2 + rows + row;
  const matrix = 2 + 2 * rows;
  const splat = (row: number): number => matrix + 2 + row;
  const body: number[] = [];
  for (let row = 0; row < rows; row++) body.push(...get(factor(row)), ...loadSplat(0), ...set(splat(row)));
  const unit: number[] = [...loadUnit(matrix)];
  for (let row = 0; row < rows; row++) {
    for (const half of [0, 1]) {
      unit.push(
        ...[...get(out(row)), ...get(out(row)), ...load(16 * half)],
        ...[...get(splat(row)), ...get(matrix + half), ...MULTIPLY_F32X4, ...ADD_F32X4, ...store(16 * half)],
      );
    }
    unit.push(...advance(out(row), UNIT * FLOAT));
  }
  return [...body, ...repeat(UNITS, [...unit, ...advance(RIGHT, UNIT * FLOAT)])];
}

/** Right, units, and addresses of the rows and of their results. */
type RowFunction = (right: number, units: number, ...addresses: number[]) => void;

/** Functions by the number of rows: 1 or {@link GROUP}. */
interface RowFunctions {
  readonly dot1: RowFunction;
  readonly dot4: RowFunction;
  readonly weighted1: RowFunction;
  readonly weighted4: RowFunction;
}

function functionsOf(backend: BackendWasm): RowFunctions | undefined {
  const assembly = (rows: number, body: (rows: number) => Code) => () => ({
    ...{ parameters: 2 + 2 * rows, integers: 0, vectors: 2 + 2 * rows },
    body: body(rows),
  });
  return functionsOnHeap<RowFunctions>(backend, {
    dot1: assembly(1, dotProducts),
    dot4: assembly(GROUP, dotProducts),
    weighted1: assembly(1, weightedSums),
    weighted4: assembly(GROUP, weightedSums),
  });
}

/**
 * Calls a function for all rows, in groups. A row is computed in the same way in a group and alone, to the bit.
 * @param first address of the first row, and the distance to the next; `result`: the same of the results.
 */
function forGroups(
  [single, group]: readonly [RowFunction, RowFunction],
  rows: number,
  [right, units]: readonly [number, number],
  [first, stride]: readonly [number, number],
  [result, resultStride]: readonly [number, number],
): void {
  let row = 0;
  for (; row + GROUP <= rows; row += GROUP) {
    const [a, r] = [first + row * stride, result + row * resultStride];
    group(
      ...([right, units] as const),
      ...([a, a + stride, a + 2 * stride, a + 3 * stride] as const),
      ...([r, r + resultStride, r + 2 * resultStride, r + 3 * resultStride] as const),
    );
  }
  for (; row < rows; row++) single(right, units, first + row * stride, result + row * resultStride);
}

/** `left * matrix'` for a matrix that is stored row by row, as its rows are to be multiplied. */
function byDotProducts(
  functions: RowFunctions,
  backend: BackendWasm,
  left: TensorInfo,
  b: StoredMatrix,
): TensorInfo {
  const [rows, inner] = left.shape as [number, number];
  const out = allocate(backend, [1, rows, b.rows]);
  withScratch(backend, [b.rows, rows, 4], (lanes) => {
    floats(backend, lanes).fill(0);
    const [leftStart, lanesStart] = [left, lanes].map(({ dataId }) => backend.getMemoryOffset(dataId)) as [
      number,
      number,
    ];
    const rightStart = backend.getMemoryOffset(b.info.dataId) + b.start * FLOAT;
    const whole = inner - (inner % UNIT);
    for (let from = 0; from < whole; from += BLOCK) {
      const units = Math.min(BLOCK, whole - from) / UNIT;
      for (let row = 0; row < b.rows; row++) {
        const right = rightStart + (row * inner + from) * FLOAT;
        forGroups(
          [functions.dot1, functions.dot4],
          rows,
          [right, units],
          [leftStart + from * FLOAT, inner * FLOAT],
          [lanesStart + row * rows * 4 * FLOAT, 4 * FLOAT],
        );
      }
    }
    const [sums, values, matrix, result] = [lanes, left, b.info, out].map((info) =>
      floats(backend, info),
    ) as [Float32Array, Float32Array, Float32Array, Float32Array];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < b.rows; column++) {
        const at = (column * rows + row) * 4;
        let sum = sums[at]! + sums[at + 1]! + (sums[at + 2]! + sums[at + 3]!);
        for (let i = whole; i < inner; i++)
          sum += values[row * inner + i]! * matrix[b.start + column * inner + i]!;
        result[row * b.rows + column] = sum;
      }
    }
  });
  return out;
}

/** `left * matrix`, as a sum of the rows of the matrix. */
function byWeightedSums(
  functions: RowFunctions,
  backend: BackendWasm,
  left: TensorInfo,
  b: StoredMatrix,
): TensorInfo {
  const [rows, inner] = left.shape as [number, number];
  const out = allocate(backend, [1, rows, b.columns]);
  const result = floats(backend, out).fill(0);
  const [leftStart, outStart] = [left, out].map(({ dataId }) => backend.getMemoryOffset(dataId)) as [
    number,
    number,
  ];
  const rightStart = backend.getMemoryOffset(b.info.dataId) + b.start * FLOAT;
  const whole = b.columns - (b.columns % UNIT);
  for (let from = 0; from < whole; from += BLOCK) {
    const units = Math.min(BLOCK, whole - from) / UNIT;
    for (let row = 0; row < inner; row++) {
      const right = rightStart + (row * b.columns + from) * FLOAT;
      forGroups(
        [functions.weighted1, functions.weighted4],
        rows,
        [right, units],
        [leftStart + row * FLOAT, inner * FLOAT],
        [outStart + from * FLOAT, b.columns * FLOAT],
      );
    }
  }
  const [values, matrix] = [left, b.info].map((info) => floats(backend, info)) as [
    Float32Array,
    Float32Array,
  ];
  for (let row = 0; row < rows; row++) {
    for (let column = whole; column < b.columns; column++) {
      let sum = 0;
      for (let i = 0; i < inner; i++)
        sum += values[row * inner + i]! * matrix[b.start + i * b.columns + column]!;
      result[row * b.columns + column] = sum;
    }
  }
  return out;
}

/**
 * Whether a product of so many rows with this matrix is one of a few rows and a large matrix. Sums of rows of the matrix are
 * not split, so that they must not be longer than {@link LONGEST_SUM}.
 */
export function isFewRowsProduct(rows: number, { rows: stored, columns, transposed }: StoredMatrix): boolean {
  const isLarge = stored * columns >= LARGE_MATRIX && columns >= LONG_ROW;
  return rows <= FEW_ROWS && isLarge && (transposed || stored <= LONGEST_SUM);
}

/**
 * The product of a few rows and a large matrix, `[1, rows, columns]`, where {@link isFewRowsProduct}. The result of a row does not depend on
 * the other rows.
 * @param left `[rows, inner]`.
 * @returns undefined where the engine has no SIMD or the backend does not expose its memory.
 */
export function fewRowsProduct(
  backend: BackendWasm,
  left: TensorInfo,
  b: StoredMatrix,
): TensorInfo | undefined {
  const functions = functionsOf(backend);
  if (!functions) return undefined;
  return b.transposed
    ? byDotProducts(functions, backend, left, b)
    : byWeightedSums(functions, backend, left, b);
}
