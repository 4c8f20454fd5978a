import { assertPixelBuffer, DskdError, type PixelBuffer } from '@dskd/base';

// Fixed-point arithmetic of Pillow (Resample.c): 32 bits minus 8 for the pixel and 2 for headroom.
const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

/** The source pixels that each output pixel uses, and their fixed-point weights. */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `outputs * width`, unused entries zero. */
  readonly weights: Int32Array;
  readonly width: number;
}

/**
 * Resizes an image as Pillow's `Image.resize((width, height), BILINEAR)`, byte for byte: a triangle filter, widened
 * by the reduction factor, in two passes (rows, then columns) that each round to 8 bits. torchvision's `Resize`
 * does the same to a PIL image. An ordinary bilinear resize has aliasing and gives other scores.
 *
 * The colors of RGBA are multiplied by alpha before and divided by it afterward, as in Pillow.
 *
 * @param source 1 (gray), 3 (RGB) or 4 (RGBA) channels.
 * @param size width and height in pixels, positive integers.
 * @returns a new buffer with the channels of `source`.
 * @throws {DskdError} `invalid-argument` for other channel counts or sizes.
 */
export function resizeBilinearAntialiased(
  source: PixelBuffer,
  { width, height }: { readonly width: number; readonly height: number },
): PixelBuffer {
  assertPixelBuffer(source);
  const { channels } = source;
  if (![1, 3, 4].includes(channels)) {
    throw new DskdError('invalid-argument', `Got ${channels} channels; wanted 1, 3 or 4.`, {
      details: { channels },
    });
  }
  if (!isSide(width) || !isSide(height)) {
    throw new DskdError(
      'invalid-argument',
      `Got a size of ${width} x ${height}; wanted positive integers for width and height.`,
      { details: { width, height } },
    );
  }
  const isSame = source.width === width && source.height === height;
  // Only what is returned, or changed in place, is copied: a camera's image takes longer to copy than to read.
  let data = isSame || channels === 4 ? new Uint8Array(source.data) : source.data;
  if (!isSame) {
    if (channels === 4) multiplyByAlpha(data);
    if (source.width !== width) {
      const resize = channels === 3 ? resizeRowsOfRgb : resizeRows;
      data = resize(data, source.height, source.width, width, channels);
    }
    if (source.height !== height) data = resizeColumns(data, source.height, height, width * channels);
    if (channels === 4) divideByAlpha(data);
  }
  return { data, width, height, channels };
}

function isSide(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}

function makeTaps(inputs: number, outputs: number): Taps {
  const scale = inputs / outputs;
  const support = Math.max(scale, 1);
  const width = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(outputs);
  const count = new Int32Array(outputs);
  const weights = new Int32Array(outputs * width);
  const exact = new Float64Array(width);
  const inverse = 1 / support;
  for (let output = 0; output < outputs; output++) {
    const center = (output + 0.5) * scale;
    const start = Math.max(Math.trunc(center - support + 0.5), 0);
    const taps = Math.min(Math.trunc(center + support + 0.5), inputs) - start;
    let total = 0;
    for (let tap = 0; tap < taps; tap++) {
      exact[tap] = Math.max(1 - Math.abs((tap + start - center + 0.5) * inverse), 0);
      total += exact[tap]!;
    }
    for (let tap = 0; tap < taps; tap++) {
      weights[output * width + tap] = Math.trunc(0.5 + (exact[tap]! / total) * (1 << PRECISION_BITS));
    }
    first[output] = start;
    count[output] = taps;
  }
  return { first, count, weights, width };
}

type Bytes = Uint8Array | Uint8ClampedArray;

/** {@link resizeRows} of three channels, which share each weight: twice as fast. */
function resizeRowsOfRgb(data: Bytes, height: number, from: number, to: number) {
  const { first, count, weights, width } = makeTaps(from, to);
  const result = new Uint8Array(height * to * 3);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < to; x++) {
      let pixel = (y * from + first[x]!) * 3;
      let [red, green, blue] = [HALF, HALF, HALF];
      const weightsEnd = x * width + count[x]!;
      for (let tap = x * width; tap < weightsEnd; tap++, pixel += 3) {
        const weight = weights[tap]!;
        // Integers of 32 bits, which the products are: without being told, JavaScript checks each for more.
        red = (red + Math.imul(data[pixel]!, weight)) | 0;
        green = (green + Math.imul(data[pixel + 1]!, weight)) | 0;
        blue = (blue + Math.imul(data[pixel + 2]!, weight)) | 0;
      }
      result[at++] = toByte(red);
      result[at++] = toByte(green);
      result[at++] = toByte(blue);
    }
  }
  return result;
}

/** `[height, from, channels]` to `[height, to, channels]`. */
function resizeRows(data: Bytes, height: number, from: number, to: number, channels: number) {
  const { first, count, weights, width } = makeTaps(from, to);
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
function resizeColumns(data: Bytes, from: number, to: number, rowLength: number) {
  const { first, count, weights, width } = makeTaps(from, to);
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

function multiplyByAlpha(pixels: Bytes): void {
  for (let at = 0; at < pixels.length; at += 4) {
    const alpha = pixels[at + 3]!;
    for (let i = at; i < at + 3; i++) {
      const product = pixels[i]! * alpha + 128;
      pixels[i] = ((product >> 8) + product) >> 8;
    }
  }
}

function divideByAlpha(pixels: Bytes): void {
  for (let at = 0; at < pixels.length; at += 4) {
    const alpha = pixels[at + 3]!;
    if (alpha === 0 || alpha === 255) continue;
    for (let i = at; i < at + 3; i++) pixels[i] = Math.min(Math.trunc((255 * pixels[i]!) / alpha), 255);
  }
}
