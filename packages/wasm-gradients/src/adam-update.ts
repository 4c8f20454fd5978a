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
  ROOT,
  store,
  SUBTRACT,
  UNIT,
  VECTOR,
} from './vector-instructions.js';

// One update of Adam of @dskd/training, which takes thirteen operations of TensorFlow.js for it where this kernel is not registered: each of
// them reads and writes an array as large as the parameter. The bits are the same.

const { get, set, repeat } = code;

/** What the kernel is told: see `AdamNumbers` in @dskd/training. Its numbers, in the order of the memory. */
const NUMBERS = [
  'keepFirst',
  'takeFirst',
  'keepSecond',
  'takeSecond',
  'rootScale',
  'epsilon',
  'stepSize',
] as const;
type Attributes = Readonly<Record<(typeof NUMBERS)[number], number>>;

/** `m' = m keep + g take`, `v' = v keep + g^2 take`, `p' = p - m' / (sqrt(v') / rootScale + epsilon) stepSize`, four at a time. */
function update() {
  const [P, M, V, G, NEW_P, NEW_M, NEW_V, VECTORS, CONSTANTS] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const [KEEP_M, TAKE_M, KEEP_V, TAKE_V, ROOT_SCALE, EPSILON, STEP, GRADIENT, FIRST, SECOND] = [
    9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
  ];
  const kept = [KEEP_M, TAKE_M, KEEP_V, TAKE_V, ROOT_SCALE, EPSILON, STEP];
  const moment = (old: number, keep: number, added: Code, take: number, result: number): Code => [
    ...[...get(old), ...load(0), ...get(keep), ...MULTIPLY],
    ...[...added, ...get(take), ...MULTIPLY, ...ADD, ...set(result)],
  ];
  const body = [
    ...[...get(G), ...load(0), ...set(GRADIENT)],
    ...moment(M, KEEP_M, get(GRADIENT), TAKE_M, FIRST),
    ...moment(V, KEEP_V, [...get(GRADIENT), ...get(GRADIENT), ...MULTIPLY], TAKE_V, SECOND),
    ...[...get(NEW_M), ...get(FIRST), ...store(0), ...get(NEW_V), ...get(SECOND), ...store(0)],
    ...[...get(NEW_P), ...get(P), ...load(0), ...get(FIRST)],
    ...[...get(SECOND), ...ROOT, ...get(ROOT_SCALE), ...DIVIDE, ...get(EPSILON), ...ADD],
    ...[...DIVIDE, ...get(STEP), ...MULTIPLY, ...SUBTRACT, ...store(0)],
    ...[P, M, V, G, NEW_P, NEW_M, NEW_V].flatMap((local) => [...code.advance(local, code.constant(VECTOR))]),
  ];
  return {
    ...{ parameters: 9, integers: 0, vectors: 10 },
    body: [
      ...kept.flatMap((local, at) => [...get(CONSTANTS), ...loadSplat(at * FLOAT), ...set(local)]),
      ...repeat(VECTORS, body),
    ],
  };
}

interface AdamFunctions {
  readonly update: (...addressesAndCount: number[]) => void;
}

const { fround } = Math;

/** The values after the last whole vector, or all where the engine has no vectors; in the same order of operations. */
function updateRest(
  [p, m, v, g, newP, newM, newV]: readonly Float32Array[],
  from: number,
  numbers: Float32Array,
): void {
  const [keepFirst, takeFirst, keepSecond, takeSecond, rootScale, epsilon, stepSize] = numbers;
  for (let at = from; at < p!.length; at++) {
    const gradient = g![at]!;
    const first = fround(fround(m![at]! * keepFirst!) + fround(gradient * takeFirst!));
    const square = fround(gradient * gradient);
    const second = fround(fround(v![at]! * keepSecond!) + fround(square * takeSecond!));
    const below = fround(fround(fround(Math.sqrt(second)) / rootScale!) + epsilon!);
    newM![at] = first;
    newV![at] = second;
    newP![at] = p![at]! - fround(fround(first / below) * stepSize!);
  }
}

/**
 * The kernel `AdamUpdate`. Inputs `parameter`, `first`, `second` and `gradient` of one shape; outputs the next parameter, first and
 * second moment, as new tensors: others may share the memory of the old ones.
 */
export function adamUpdate({ inputs, attrs, backend }: KernelCall): TensorInfo[] {
  const functions = functionsOnHeap<AdamFunctions>(backend, { update });
  const given = [inputs.parameter!, inputs.first!, inputs.second!, inputs.gradient!];
  const made = given.slice(0, 3).map(({ shape }) => allocate(backend, shape));
  withScratch(backend, [NUMBERS.length], (scratch) => {
    const numbers = floats(backend, scratch);
    NUMBERS.forEach((name, at) => (numbers[at] = (attrs as Attributes)[name]));
    const all = [...given, ...made];
    const arrays = all.map((info) => floats(backend, info));
    const vectors = functions ? Math.floor(arrays[0]!.length / UNIT) : 0;
    const address = ({ dataId }: TensorInfo): number => backend.getMemoryOffset(dataId);
    // The loop of the function tests its count at the end.
    if (vectors > 0) functions?.update(...all.map(address), vectors, address(scratch));
    updateRest(arrays, vectors * UNIT, numbers);
  });
  return made;
}
