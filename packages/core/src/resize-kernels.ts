import { assembleModule, code, type Code } from '@dskd/base/web-assembly';
import { PRECISION_BITS, type Taps } from './resize-taps.js';

// The two passes of resizeBilinearAntialiased with SIMD: the same bytes as its loops in JavaScript, in a fifth of the time.

/** Of larger images the memory, which stays, would be a burden. */
const MOST_BYTES = 2 ** 26;
const PAGE = 2 ** 16;
/** Loads and stores reach beyond the end of a row by less than this. */
const SLACK = 16;
const HALF = 1 << (PRECISION_BITS - 1);

const { get, set, constant, advance, add, load32, repeat, repeatUntil, vector, vectorAt } = code;
const LOAD = (offset: number): Code => vectorAt(0, offset);
const LOAD_SPLAT_I32 = vectorAt(9, 0);
const STORE = vectorAt(11, 0);
const STORE_LANE_0_OF_I32 = [...vectorAt(90, 0), 0];
const LOAD_ZERO_I32 = vectorAt(92, 0);
const SPLAT_I32 = vector(17);
const NARROW_TO_U8 = vector(102);
const NARROW_TO_I16 = vector(133);
const LOW_U8_TO_I16 = vector(137);
const HIGH_U8_TO_I16 = vector(138);
const LOW_U16_TO_I32 = vector(169);
const HIGH_U16_TO_I32 = vector(170);
const SHIFT_RIGHT_I32 = vector(172);
const ADD_I32 = vector(174);
const MULTIPLY_I32 = vector(181);

const startSum = (sum: number): Code => [...constant(HALF), ...SPLAT_I32, ...set(sum)];
const rounded = (sum: number): Code => [...get(sum), ...constant(PRECISION_BITS), ...SHIFT_RIGHT_I32];
/** Adds the product of what is on top of the stack and a weight. */
const addProduct = (sum: number, weight: Code): Code => [
  ...weight,
  ...MULTIPLY_I32,
  ...get(sum),
  ...ADD_I32,
  ...set(sum),
];

/**
 * One row: `rows(source, target, table, end of table, channels)`. Four bytes are read and written for each pixel; with fewer
 * channels, the next pixel overwrites what is too many.
 */
function rowsBody(): Code {
  const [SOURCE, TARGET, TABLE, END, CHANNELS, PIXEL, COUNT, SUM] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
  const tap = [
    ...[...get(PIXEL), ...LOAD_ZERO_I32, ...LOW_U8_TO_I16, ...LOW_U16_TO_I32],
    ...addProduct(SUM, [...get(TABLE), ...LOAD_SPLAT_I32]),
    ...advance(PIXEL, get(CHANNELS)),
    ...advance(TABLE, constant(4)),
  ];
  return repeatUntil(TABLE, END, [
    ...[...get(TABLE), ...load32(0), ...get(SOURCE), ...add, ...set(PIXEL)],
    ...[...get(TABLE), ...load32(4), ...set(COUNT)],
    ...advance(TABLE, constant(8)),
    ...startSum(SUM),
    ...repeat(COUNT, tap),
    ...[...rounded(SUM), ...set(SUM)],
    ...[...get(SUM), ...get(SUM), ...NARROW_TO_I16, ...set(SUM)],
    ...[...get(TARGET), ...get(SUM), ...get(SUM), ...NARROW_TO_U8, ...STORE_LANE_0_OF_I32],
    ...advance(TARGET, get(CHANNELS)),
  ]);
}

/** One row of the result: `columns(first source row, bytes of a row, weights, their count, target, end of target)`. */
function columnsBody(): Code {
  const [SOURCE, STRIDE, WEIGHTS, TAPS, TARGET, END] = [0, 1, 2, 3, 4, 5] as const;
  const [PLACE, WEIGHT_PLACE, COUNT] = [6, 7, 8] as const;
  const [BYTES, WEIGHT, HALVES] = [13, 14, 15] as const;
  const SUMS = [9, 10, 11, 12] as const;
  const tap = [
    ...[...get(PLACE), ...LOAD(0), ...set(BYTES)],
    ...[...get(WEIGHT_PLACE), ...LOAD_SPLAT_I32, ...set(WEIGHT)],
    ...[LOW_U8_TO_I16, HIGH_U8_TO_I16].flatMap((half, at) => [
      ...[...get(BYTES), ...half, ...set(HALVES)],
      ...[...get(HALVES), ...LOW_U16_TO_I32, ...addProduct(SUMS[2 * at]!, get(WEIGHT))],
      ...[...get(HALVES), ...HIGH_U16_TO_I32, ...addProduct(SUMS[2 * at + 1]!, get(WEIGHT))],
    ]),
    ...advance(PLACE, get(STRIDE)),
    ...advance(WEIGHT_PLACE, constant(4)),
  ];
  return repeatUntil(TARGET, END, [
    ...[...get(SOURCE), ...set(PLACE), ...get(WEIGHTS), ...set(WEIGHT_PLACE), ...get(TAPS), ...set(COUNT)],
    ...SUMS.flatMap(startSum),
    ...repeat(COUNT, tap),
    ...get(TARGET),
    ...[...rounded(SUMS[0]), ...rounded(SUMS[1]), ...NARROW_TO_I16],
    ...[...rounded(SUMS[2]), ...rounded(SUMS[3]), ...NARROW_TO_I16],
    ...[...NARROW_TO_U8, ...STORE],
    ...advance(SOURCE, constant(16)),
    ...advance(TARGET, constant(16)),
  ]);
}

interface Kernels {
  readonly memory: WebAssembly.Memory;
  readonly rows: (...parameters: number[]) => void;
  readonly columns: (...parameters: number[]) => void;
}

let kernels: Kernels | null | undefined;

/** Null where there is no WebAssembly with SIMD, or a page forbids it (content security policy). */
function loadKernels(): Kernels | null {
  try {
    const bytes = assembleModule(
      [
        { name: 'rows', parameters: 5, integers: 2, vectors: 1, body: rowsBody() },
        { name: 'columns', parameters: 6, integers: 3, vectors: 7, body: columnsBody() },
      ],
      'export',
    );
    return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as unknown as Kernels;
  } catch {
    return null;
  }
}

/** Of each output: where it begins in bytes, how many taps it has, and their weights. */
function tableOf({ first, count, weights, width }: Taps, unit: number): Int32Array {
  const table = new Int32Array(2 * count.length + count.reduce((sum, taps) => sum + taps, 0));
  let at = 0;
  for (let output = 0; output < count.length; output++) {
    table[at++] = first[output]! * unit;
    table[at++] = count[output]!;
    table.set(weights.subarray(output * width, output * width + count[output]!), at);
    at += count[output]!;
  }
  return table;
}

const aligned = (bytes: number): number => Math.ceil(bytes / 16) * 16;

/** Makes a memory as large as `bytes`. False where there is not so much. */
function hasRoom(memory: WebAssembly.Memory, bytes: number): boolean {
  const missing = Math.ceil(bytes / PAGE) - memory.buffer.byteLength / PAGE;
  try {
    if (missing > 0) memory.grow(missing);
    return true;
  } catch {
    return false;
  }
}

/**
 * Both passes.
 * @param across taps of each row; null where the width stays.
 * @param down taps of each column; null where the height stays.
 * @returns undefined where these kernels cannot be used.
 */
export function resizeWithKernels(
  source: { readonly data: Uint8Array | Uint8ClampedArray; readonly width: number; readonly height: number },
  channels: number,
  across: Taps | null,
  down: Taps | null,
): Uint8Array | undefined {
  if (kernels === undefined) kernels = loadKernels();
  if (!kernels) return undefined;
  const { memory, rows, columns } = kernels;
  const { data, width, height } = source;
  const rowBytes = width * channels;
  const outBytes = (across?.count.length ?? width) * channels;
  const acrossTable = across ? tableOf(across, channels) : new Int32Array(0);
  const downTable = down ? tableOf(down, outBytes) : new Int32Array(0);

  const downAt = aligned(acrossTable.byteLength);
  const rowAt = downAt + aligned(downTable.byteLength);
  const middleAt = rowAt + aligned(rowBytes + SLACK);
  const outAt = middleAt + aligned(height * outBytes + SLACK);
  const end = outAt + aligned(outBytes + SLACK);
  if (end > MOST_BYTES) return undefined;
  if (!hasRoom(memory, end)) return undefined;
  const bytes = new Uint8Array(memory.buffer);
  const integers = new Int32Array(memory.buffer);
  integers.set(acrossTable, 0);
  integers.set(downTable, downAt / 4);

  if (!across) bytes.set(data, middleAt);
  else
    for (let y = 0; y < height; y++) {
      bytes.set(data.subarray(y * rowBytes, (y + 1) * rowBytes), rowAt);
      rows(rowAt, middleAt + y * outBytes, 0, acrossTable.byteLength, channels);
    }
  if (!down) return bytes.slice(middleAt, middleAt + height * outBytes);
  const result = new Uint8Array(down.count.length * outBytes);
  let at = downAt / 4;
  for (let y = 0; y < down.count.length; y++) {
    const [first, taps] = [integers[at]!, integers[at + 1]!];
    columns(middleAt + first, outBytes, 4 * at + 8, taps, outAt, outAt + outBytes);
    result.set(bytes.subarray(outAt, outAt + outBytes), y * outBytes);
    at += 2 + taps;
  }
  return result;
}
