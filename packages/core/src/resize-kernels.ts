import { assembleModule, code, type Code } from '@dskd/base/web-assembly';
import { PRECISION_BITS, type Taps } from './resize-taps.js';

// The two passes of resizeBilinearAntialiased with SIMD: the same bytes as its loops in JavaScript, in a fifth of the time.

/** Of larger images the memory, which stays, would be a burden. */
const MOST_BYTES = 2 ** 26;
const PAGE = 2 ** 16;
/** Loads and stores reach beyond the end of a row by less than this. */
const SLACK = 16;
const HALF = 1 << (PRECISION_BITS - 1);
/** Rows that are resized together. */
const ROWS = 4;
/** Taps whose weights lie together in a table, and their bytes: of each pair the lower bits, then the upper bits. */
const GROUP = 4;
const GROUP_BYTES = 16;
/** Of a weight: as many as a positive number of 16 bits has. */
const LOWER_BITS = 15;

const { get, set, constant, advance, add, load32, repeat, repeatUntil, vector, vectorAt } = code;
const LOAD = (offset: number): Code => vectorAt(0, offset);
const loadSplat32 = (offset: number): Code => vectorAt(9, offset);
const STORE = vectorAt(11, 0);
const STORE_LANE_OF_I32 = vectorAt(90, 0);
const SWIZZLE = vector(14);
const SPLAT_I32 = vector(17);
const NARROW_TO_U8 = vector(102);
const NARROW_TO_I16 = vector(133);
const LOW_U8_TO_I16 = vector(137);
const HIGH_U8_TO_I16 = vector(138);
const LOW_U16_TO_I32 = vector(169);
const HIGH_U16_TO_I32 = vector(170);
const SHIFT_LEFT_I32 = vector(171);
const SHIFT_RIGHT_I32 = vector(172);
const ADD_I32 = vector(174);
const MULTIPLY_I32 = vector(181);
const DOT_I16 = vector(186);

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

/** A constant by which a vector of pixels becomes two of them beside each other, color by color, each with an upper byte of 0. */
function pair(channels: number, firstPixel: number): Code {
  const bytes = new Array<number>(16).fill(0xff);
  for (let color = 0; color < channels; color++) {
    bytes[4 * color] = firstPixel * channels + color;
    bytes[4 * color + 2] = (firstPixel + 1) * channels + color;
  }
  return [...vector(12), ...bytes];
}

/**
 * Four rows at a time, which share the loads of the weights: `rows(source, bytes of a row, target, bytes of its row, table, end of
 * table)`. Four bytes are written for each pixel: with fewer channels the next pixel overwrites what is too many, and behind a row
 * of the target there is {@link SLACK}.
 *
 * Two pixels are multiplied by their weights and added by one instruction, which takes 16 bits. Weights have more, so their lower
 * bits and their upper bits have a sum each. What tells the pairs must be constant: otherwise V8 adds an instruction to each use.
 */
function rowsBody(channels: number): Code {
  const [SOURCE, STRIDE, TARGET, TARGET_STRIDE, TABLE, END] = [0, 1, 2, 3, 4, 5] as const;
  const [COUNT, PLACE] = [6, 7] as const;
  const PIXELS = [8, 9, 10, 11] as const;
  const WEIGHTS = [12, 13, 14, 15] as const;
  const LOWER = [16, 17, 18, 19] as const;
  const UPPER = [20, 21, 22, 23] as const;
  const [BYTES, PAIR] = [24, 25] as const;
  const addDot = (sum: number, weights: number): Code => [
    ...[...get(PAIR), ...get(weights), ...DOT_I16, ...get(sum), ...ADD_I32, ...set(sum)],
  ];
  const taps = [
    ...WEIGHTS.flatMap((weights, at) => [...get(TABLE), ...loadSplat32(4 * at), ...set(weights)]),
    ...advance(TABLE, constant(GROUP_BYTES)),
    ...PIXELS.flatMap((pixel, row) => [
      ...[...get(pixel), ...LOAD(0), ...set(BYTES), ...advance(pixel, constant(GROUP * channels))],
      ...[...get(BYTES), ...pair(channels, 0), ...SWIZZLE, ...set(PAIR)],
      ...[...addDot(LOWER[row]!, WEIGHTS[0]), ...addDot(UPPER[row]!, WEIGHTS[1])],
      ...[...get(BYTES), ...pair(channels, 2), ...SWIZZLE, ...set(PAIR)],
      ...[...addDot(LOWER[row]!, WEIGHTS[2]), ...addDot(UPPER[row]!, WEIGHTS[3])],
    ]),
  ];
  const sum = (row: number): Code => [
    ...[...get(UPPER[row]!), ...constant(LOWER_BITS), ...SHIFT_LEFT_I32],
    ...[...get(LOWER[row]!), ...ADD_I32, ...constant(PRECISION_BITS), ...SHIFT_RIGHT_I32],
  ];
  return repeatUntil(TABLE, END, [
    ...[...get(TABLE), ...load32(0), ...get(SOURCE), ...add, ...set(PLACE)],
    ...PIXELS.flatMap((pixel) => [...get(PLACE), ...set(pixel), ...advance(PLACE, get(STRIDE))]),
    ...[...get(TABLE), ...load32(4), ...set(COUNT)],
    ...advance(TABLE, constant(8)),
    ...LOWER.flatMap(startSum),
    ...UPPER.flatMap((upper) => [...constant(0), ...SPLAT_I32, ...set(upper)]),
    ...repeat(COUNT, taps),
    ...[...sum(0), ...sum(1), ...NARROW_TO_I16, ...sum(2), ...sum(3), ...NARROW_TO_I16],
    ...[...NARROW_TO_U8, ...set(BYTES)],
    ...[...get(TARGET), ...set(PLACE)],
    ...PIXELS.flatMap((_, row) => [
      ...[...get(PLACE), ...get(BYTES), ...STORE_LANE_OF_I32, row],
      ...advance(PLACE, get(TARGET_STRIDE)),
    ]),
    ...advance(TARGET, constant(channels)),
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
    ...[...get(WEIGHT_PLACE), ...loadSplat32(0), ...set(WEIGHT)],
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

type Kernel = (...parameters: number[]) => void;

interface Kernels {
  readonly memory: WebAssembly.Memory;
  readonly rows: Kernel;
  readonly columns: Kernel;
}

/** By the number of channels, each made when it is first needed. Null: see {@link loadKernels}. */
const kernels = new Map<number, Kernels | null>();

/** Null where there is no WebAssembly with SIMD, or a page forbids it (content security policy). */
function loadKernels(channels: number): Kernels | null {
  try {
    const bytes = assembleModule(
      [
        { name: 'rows', parameters: 6, integers: 6, vectors: 14, body: rowsBody(channels) },
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
function columnsTable({ first, count, weights, width }: Taps, stride: number): Int32Array {
  const table = new Int32Array(2 * count.length + count.reduce((sum, taps) => sum + taps, 0));
  let at = 0;
  for (let output = 0; output < count.length; output++) {
    table[at++] = first[output]! * stride;
    table[at++] = count[output]!;
    table.set(weights.subarray(output * width, output * width + count[output]!), at);
    at += count[output]!;
  }
  return table;
}

/** Of each output: where it begins in bytes, how many groups of taps it has, and their weights. Those of no tap are 0. */
function rowsTable({ first, count, weights, width }: Taps, channels: number): Int32Array {
  const groups = count.map((taps) => Math.ceil(taps / GROUP));
  const table = new Int32Array(2 * count.length + groups.reduce((sum, each) => sum + each * GROUP, 0));
  let at = 0;
  for (let output = 0; output < count.length; output++) {
    table[at++] = first[output]! * channels;
    table[at++] = groups[output]!;
    const start = output * width;
    const weight = (tap: number): number => (tap < count[output]! ? weights[start + tap]! : 0);
    for (let tap = 0; tap < groups[output]! * GROUP; tap += 2) {
      const [one, two] = [weight(tap), weight(tap + 1)];
      const lower = (1 << LOWER_BITS) - 1;
      table[at++] = (one & lower) | ((two & lower) << 16);
      table[at++] = (one >> LOWER_BITS) | ((two >> LOWER_BITS) << 16);
    }
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
  if (!kernels.has(channels)) kernels.set(channels, loadKernels(channels));
  const own = kernels.get(channels);
  if (!own) return undefined;
  const { memory, rows, columns } = own;
  const { data, width, height } = source;
  const rowBytes = width * channels;
  const outBytes = (across?.count.length ?? width) * channels;
  // Bytes from a row to the next one between both passes.
  const stride = across ? outBytes + SLACK : outBytes;
  const acrossTable = across ? rowsTable(across, channels) : new Int32Array(0);
  const downTable = down ? columnsTable(down, stride) : new Int32Array(0);

  const downAt = aligned(acrossTable.byteLength);
  const rowsAt = downAt + aligned(downTable.byteLength);
  const middleAt = rowsAt + aligned(ROWS * rowBytes + SLACK);
  const outAt = middleAt + aligned((height + ROWS) * stride + SLACK);
  const end = outAt + aligned(outBytes + SLACK);
  if (end > MOST_BYTES) return undefined;
  if (!hasRoom(memory, end)) return undefined;
  const bytes = new Uint8Array(memory.buffer);
  const integers = new Int32Array(memory.buffer);
  integers.set(acrossTable, 0);
  integers.set(downTable, downAt / 4);

  if (across) {
    // What the last rows have too few of is computed of what is there, and not used.
    for (let y = 0; y < height; y += ROWS) {
      bytes.set(data.subarray(y * rowBytes, (y + ROWS) * rowBytes), rowsAt);
      rows(rowsAt, rowBytes, middleAt + y * stride, stride, 0, acrossTable.byteLength);
    }
  } else {
    bytes.set(data, middleAt);
  }
  const result = new Uint8Array((down?.count.length ?? height) * outBytes);
  if (!down) {
    for (let y = 0; y < height; y++) {
      const at = middleAt + y * stride;
      result.set(bytes.subarray(at, at + outBytes), y * outBytes);
    }
    return result;
  }
  let at = downAt / 4;
  for (let y = 0; y < down.count.length; y++) {
    const [first, taps] = [integers[at]!, integers[at + 1]!];
    columns(middleAt + first, stride, 4 * at + 8, taps, outAt, outAt + outBytes);
    result.set(bytes.subarray(outAt, outAt + outBytes), y * outBytes);
    at += 2 + taps;
  }
  return result;
}
