import { code, type Code } from '@dskd/base/web-assembly';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { functionsOnHeap } from './heap-functions.js';
import { allocate, FLOAT, floats, withScratch } from './heap.js';
import type { KernelCall } from './kernel.js';
import {
  ADD,
  DIVIDE,
  load,
  loadSplat,
  MULTIPLY,
  store,
  SUBTRACT,
  UNIT,
  VECTOR,
} from './vector-instructions.js';

// Rows of the contextual affinity of @dskd/losses, which computes them by some thirty operations of TensorFlow.js where this kernel is
// not registered: those read and write a block of rows thirty times, and this one reads it once.

const { get, set, repeat } = code;
const NEAREST_F32X4 = code.vector(106);
const TO_INTEGERS = code.vector(248);
const SHIFT_LEFT_I32X4 = code.vector(171);
const ADD_I32X4 = code.vector(174);

const advance = (...locals: number[]): Code =>
  locals.flatMap((local) => [...code.advance(local, code.constant(VECTOR))]);

/** A constant in all lanes. */
const every = (value: number): Code => [
  ...code.vector(12),
  ...[0, 1, 2, 3].flatMap(() => [...new Uint8Array(Float32Array.of(value).buffer)]),
];
const EXPONENT_OF_ONE: Code = [
  ...code.vector(12),
  ...[0, 1, 2, 3].flatMap(() => [...new Uint8Array(Int32Array.of(127 << 23).buffer)]),
];

/** `x = exp(x)` in a local, for -80 < x < 80, as `expf` of Cephes: within 2 units of the last place. */
function exponential(x: number, n: number, result: number): Code {
  const horner = [1.398199951e-3, 8.333451907e-3, 4.16657959e-2, 0.1666666546, 0.5].flatMap((coefficient) => [
    ...[...get(x), ...MULTIPLY, ...every(coefficient), ...ADD],
  ]);
  const reduce = (part: number): Code => [
    ...[...get(x), ...get(n), ...every(part), ...MULTIPLY, ...SUBTRACT, ...set(x)],
  ];
  return [
    ...[...get(x), ...every(Math.LOG2E), ...MULTIPLY, ...NEAREST_F32X4, ...set(n)],
    // The logarithm of 2 in two parts, the first of which times n is exact.
    ...[...reduce(0.693359375), ...reduce(-2.1219444e-4)],
    ...[...every(1.98756915e-4), ...horner, ...get(x), ...MULTIPLY, ...get(x), ...MULTIPLY],
    ...[...get(x), ...ADD, ...every(1), ...ADD, ...set(result)],
    ...[
      ...get(n),
      ...TO_INTEGERS,
      ...code.constant(23),
      ...SHIFT_LEFT_I32X4,
      ...EXPONENT_OF_ONE,
      ...ADD_I32X4,
    ],
    ...[...get(result), ...MULTIPLY, ...set(x)],
  ];
}

/** Sums in two stages, so that their error stays small: `outer` times `inner` vectors. */
function inTwoStages(
  [outer, inner, counter]: readonly [number, number, number],
  sums: readonly (readonly [part: number, total: number])[],
  body: Code,
): Code {
  return repeat(outer, [
    ...sums.flatMap(([part]) => [...every(0), ...set(part)]),
    ...[...get(inner), ...set(counter), ...repeat(counter, body)],
    ...sums.flatMap(([part, total]) => [...get(total), ...get(part), ...ADD, ...set(total)]),
  ]);
}

/** `p = exp(logits - largest)`, and the sums of p and of p times the changes. */
function exponentials() {
  const [LOGITS, CHANGES, P, OUTER, INNER, LARGEST, SUMS] = [0, 1, 2, 3, 4, 5, 6];
  const COUNTER = 7;
  const [X, N, RESULT, PART, TOTAL, CHANGED_PART, CHANGED_TOTAL, SHIFT] = [8, 9, 10, 11, 12, 13, 14, 15];
  const body = [
    ...[...get(LOGITS), ...load(0), ...get(SHIFT), ...SUBTRACT, ...set(X)],
    ...exponential(X, N, RESULT),
    ...[...get(P), ...get(X), ...store(0), ...get(PART), ...get(X), ...ADD, ...set(PART)],
    ...[...get(CHANGES), ...load(0), ...get(X), ...MULTIPLY],
    ...[...get(CHANGED_PART), ...ADD, ...set(CHANGED_PART)],
    ...advance(LOGITS, CHANGES, P),
  ];
  return {
    ...{ parameters: 7, integers: 1, vectors: 8 },
    body: [
      ...[...get(LARGEST), ...loadSplat(0), ...set(SHIFT)],
      ...inTwoStages(
        [OUTER, INNER, COUNTER],
        [
          [PART, TOTAL],
          [CHANGED_PART, CHANGED_TOTAL],
        ],
        body,
      ),
      ...[...get(SUMS), ...get(TOTAL), ...store(0), ...get(SUMS), ...get(CHANGED_TOTAL), ...store(VECTOR)],
    ],
  };
}

/** `e = exp(2^halvings (changes - mean)) - 1`, and the sum of p times e. */
function growths(halvings: number) {
  const [CHANGES, P, E, OUTER, INNER, MEAN, SUMS] = [0, 1, 2, 3, 4, 5, 6];
  const COUNTER = 7;
  const [X, Q, PART, TOTAL, CENTER] = [8, 9, 10, 11, 12];
  const doubling = [...get(X), ...get(X), ...every(2), ...ADD, ...MULTIPLY, ...set(X)];
  const body = [
    ...[...get(CHANGES), ...load(0), ...get(CENTER), ...SUBTRACT, ...set(X)],
    // x / (1 - x/2 + x^2/12 - x^4/720), as in @dskd/losses.
    ...[...get(X), ...get(X), ...MULTIPLY, ...set(Q)],
    ...[...get(X), ...get(Q), ...every(-1 / 720), ...MULTIPLY, ...every(1 / 12), ...ADD],
    ...[...get(Q), ...MULTIPLY, ...every(1), ...ADD],
    ...[...get(X), ...every(0.5), ...MULTIPLY, ...SUBTRACT, ...DIVIDE, ...set(X)],
    ...Array.from({ length: halvings }, () => doubling).flat(),
    ...[...get(E), ...get(X), ...store(0)],
    ...[...get(P), ...load(0), ...get(X), ...MULTIPLY, ...get(PART), ...ADD, ...set(PART)],
    ...advance(CHANGES, P, E),
  ];
  return {
    ...{ parameters: 7, integers: 1, vectors: 5 },
    body: [
      ...[...get(MEAN), ...loadSplat(0), ...set(CENTER)],
      ...inTwoStages([OUTER, INNER, COUNTER], [[PART, TOTAL]], body),
      ...[...get(SUMS), ...get(TOTAL), ...store(0)],
    ],
  };
}

/** `weights = p (e - excess) / total`. */
function weights() {
  const [P, E, WEIGHTS, VECTORS, EXCESS, INVERSE_TOTAL] = [0, 1, 2, 3, 4, 5];
  const [SHIFT, SCALE] = [6, 7];
  const body = [
    ...[...get(WEIGHTS), ...get(E), ...load(0), ...get(SHIFT), ...SUBTRACT],
    ...[...get(P), ...load(0), ...MULTIPLY, ...get(SCALE), ...MULTIPLY, ...store(0)],
    ...advance(P, E, WEIGHTS),
  ];
  return {
    ...{ parameters: 6, integers: 0, vectors: 2 },
    body: [
      ...[...get(EXCESS), ...loadSplat(0), ...set(SHIFT)],
      ...[...get(INVERSE_TOTAL), ...loadSplat(0), ...set(SCALE)],
      ...repeat(VECTORS, body),
    ],
  };
}

type RowFunction = (...addressesAndCounts: number[]) => void;

interface AffinityFunctions {
  readonly exponentials: RowFunction;
  readonly growths: RowFunction;
  readonly weights: RowFunction;
}

/** The largest divisor of `count` that does not exceed its square root. */
function stageOf(count: number): number {
  let size = Math.floor(Math.sqrt(count));
  while (count % size > 0) size--;
  return size;
}

/** What the kernel is told: see `AffinityRowsAttributes` in @dskd/losses. */
interface Attributes {
  readonly largest: number;
  readonly halvings: number;
  readonly withWeights: boolean;
}

/**
 * The kernel `ContextualAffinityRows`. Inputs `logits` and `changes` `[rows, positions]`, outputs `excess` `[rows, 1]` and, if asked
 * for, `weights` `[rows, positions]`.
 */
export function affinityRows({ inputs, attrs, backend }: KernelCall): TensorInfo[] {
  const { largest, halvings, withWeights } = attrs as Attributes;
  const functions = functionsOnHeap<AffinityFunctions>(
    backend,
    { exponentials, growths: () => growths(halvings), weights },
    halvings,
  );
  const logits = inputs.logits!;
  const changes = inputs.changes!;
  const [rows, positions] = logits.shape as [number, number];
  if (!functions || positions % UNIT > 0) return [];
  const excess = allocate(backend, [rows, 1]);
  const result = withWeights ? allocate(backend, [rows, positions]) : undefined;
  // p and e of one row, then single numbers.
  withScratch(backend, [2 * positions + NUMBERS], (scratch) => {
    const [p, logitsAt, changesAt, resultAt] = [scratch, logits, changes, result].map((info) =>
      info ? backend.getMemoryOffset(info.dataId) : 0,
    ) as [number, number, number, number];
    const rowBytes = positions * FLOAT;
    const e = p + rowBytes;
    const numbersAt = e + rowBytes;
    const numbers = floats(backend, scratch).subarray(2 * positions);
    const excesses = floats(backend, excess);
    const vectors = positions / UNIT;
    const inner = stageOf(vectors);
    const outer = vectors / inner;
    numbers[LARGEST] = largest;
    for (let row = 0; row < rows; row++) {
      const at = row * rowBytes;
      const [sums, mean] = [numbersAt + SUMS * FLOAT, numbersAt + MEAN * FLOAT];
      functions.exponentials(
        logitsAt + at,
        changesAt + at,
        p,
        outer,
        inner,
        numbersAt + LARGEST * FLOAT,
        sums,
      );
      const total = lanesOf(numbers, SUMS);
      numbers[MEAN] = lanesOf(numbers, SUMS + UNIT) / total;
      functions.growths(changesAt + at, p, e, outer, inner, mean, sums);
      const grown = Math.max(0, lanesOf(numbers, SUMS) / total);
      excesses[row] = grown;
      if (!result) continue;
      numbers[EXCESS] = grown;
      numbers[INVERSE_TOTAL] = 1 / total;
      functions.weights(
        ...[p, e, resultAt + at, vectors],
        ...[numbersAt + EXCESS * FLOAT, numbersAt + INVERSE_TOTAL * FLOAT],
      );
    }
  });
  return result ? [excess, result] : [excess];
}

/** Places of the single numbers. */
const [LARGEST, MEAN, EXCESS, INVERSE_TOTAL, SUMS] = [0, 1, 2, 3, 4];
const NUMBERS = SUMS + 2 * UNIT;

function lanesOf(numbers: Float32Array, at: number): number {
  return numbers[at]! + numbers[at + 1]! + (numbers[at + 2]! + numbers[at + 3]!);
}
