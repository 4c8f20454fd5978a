import { DskdError } from '@dskd/base';
import type { PixelSize } from './transforms/placement.js';

/** TIFF field types. */
const SHORT = 3;
const LONG = 4;
const HEADER_BYTES = 8;
const ENTRY_BYTES = 12;

/**
 * Encodes one channel of numbers as a TIFF of 32-bit floats, without loss: little-endian, uncompressed, one strip.
 * tifffile, Pillow (mode F), libtiff and programs based on them can read it. MVTec's evaluation scripts take anomaly
 * maps in this format.
 * @param pixels row-major, `width * height` values; every bit is kept.
 * @throws {DskdError} `shape-mismatch` if the length does not match; `invalid-argument` for an empty image.
 */
export function encodeFloatTiff({
  data,
  width,
  height,
}: PixelSize & { readonly data: Float32Array }): Uint8Array {
  if (![width, height].every((side) => Number.isInteger(side) && side > 0)) {
    throw new DskdError('invalid-argument', `Got a size of ${width} x ${height}; wanted positive integers.`);
  }
  if (data.length !== width * height) {
    throw new DskdError('shape-mismatch', `Got ${data.length} values, wanted ${width} x ${height}.`);
  }
  // TIFF 6.0 requires ascending tags.
  const fields: readonly [tag: number, type: number, value: number][] = [
    [256, LONG, width],
    [257, LONG, height],
    [258, SHORT, 32], // bits per sample
    [259, SHORT, 1], // no compression
    [262, SHORT, 1], // photometric interpretation: 0 is black
    [273, LONG, HEADER_BYTES], // offset of the only strip
    [277, SHORT, 1], // samples per pixel
    [278, LONG, height], // rows per strip
    [279, LONG, 4 * data.length], // bytes in the strip
    [339, SHORT, 3], // sample format: floating point
  ];
  const directory = HEADER_BYTES + 4 * data.length;
  const bytes = new Uint8Array(directory + 2 + fields.length * ENTRY_BYTES + 4);
  const view = new DataView(bytes.buffer);
  bytes.set([0x49, 0x49, 42, 0]); // II: little-endian
  view.setUint32(4, directory, true);
  // Copied as integers: copying as floats may change the bits of a NaN.
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  for (let i = 0; i < bits.length; i++) view.setUint32(HEADER_BYTES + 4 * i, bits[i]!, true);
  view.setUint16(directory, fields.length, true);
  for (const [index, [tag, type, value]] of fields.entries()) {
    const entry = directory + 2 + index * ENTRY_BYTES;
    view.setUint16(entry, tag, true);
    view.setUint16(entry + 2, type, true);
    view.setUint32(entry + 4, 1, true);
    // A SHORT is stored in the first two of the four bytes. In little-endian order a 32-bit write gives the same
    // bytes.
    view.setUint32(entry + 8, value, true);
  }
  return bytes;
}
