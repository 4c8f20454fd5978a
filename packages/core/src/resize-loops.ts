import { PRECISION_BITS, type Taps } from './resize-taps.js';

const HALF = 1 << (PRECISION_BITS - 1);

type Bytes = Uint8Array | Uint8ClampedArray;

/**
 * Both passes in JavaScript, where there is no SIMD.
 * @param across taps of each row; null where the width stays.
 * @param down taps of each column; null where the height stays, which then the width does not.
 */
export function resizeInLoops(
  { data, width, height }: { readonly data: Bytes; readonly width: number; readonly height: number },
  channels: number,
  across: Taps | null,
  down: Taps | null,
): Uint8Array {
  const rows = across ? resizeRows(data, { height, from: width, channels }, across) : data;
  const rowLength = (across?.count.length ?? width) * channels;
  return down ? resizeColumns(rows, rowLength, down) : new Uint8Array(rows);
}

/** `[height, from, channels]` to `[height, to, channels]`. */
function resizeRows(
  data: Bytes,
  { height, from, channels }: { readonly height: number; readonly from: number; readonly channels: number },
  { first, count, weights, width }: Taps,
): Uint8Array {
  const to = count.length;
  const result = new Uint8Array(height * to * channels);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < to; x++) {
      const start = (y * from + first[x]!) * channels;
      const weightsEnd = x * width + count[x]!;
      for (let channel = 0; channel < channels; channel++) {
        let sum = HALF;
        let pixel = start + channel;
        for (let tap = x * width; tap < weightsEnd; tap++, pixel += channels) {
          sum += data[pixel]! * weights[tap]!;
        }
        result[at++] = toByte(sum);
      }
    }
  }
  return result;
}

/** `[from, rowLength]` to `[to, rowLength]`. */
function resizeColumns(data: Bytes, rowLength: number, { first, count, weights, width }: Taps): Uint8Array {
  const to = count.length;
  const result = new Uint8Array(to * rowLength);
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < to; y++) {
    sums.fill(HALF);
    for (let tap = 0; tap < count[y]!; tap++) {
      const weight = weights[y * width + tap]!;
      const row = (first[y]! + tap) * rowLength;
      for (let i = 0; i < rowLength; i++) sums[i] = (sums[i]! + Math.imul(data[row + i]!, weight)) | 0;
    }
    for (let i = 0; i < rowLength; i++) result[y * rowLength + i] = toByte(sums[i]!);
  }
  return result;
}

/** The weights are positive, so only the upper bound can be exceeded, by their rounding. */
function toByte(sum: number): number {
  return Math.min(sum >> PRECISION_BITS, 255);
}
