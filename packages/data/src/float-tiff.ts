import { DskdError } from '@dskd/base';
import type { PixelSize } from './transforms/placement.js';

/** Types of a TIFF's fields. */
const SHORT = 3;
const LONG = 4;
const HEADER_BYTES = 8;
const ENTRY_BYTES = 12;

/**
 * Numbers of one channel as a TIFF of 32-bit floats, without loss: little-endian, uncompressed, one strip. Read by
 * tifffile, Pillow (mode F), libtiff and what is built on them; MVTec's evaluation scripts take maps in this form.
 * @param pixels row-major, `width * height`; written bit by bit.
 * @throws {DskdError} `shape-mismatch` for a length that does not fit; `invalid-argument` for an empty image.
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
  // Tags ascending, as TIFF 6.0 wants them.
  const fields: readonly [tag: number, type: number, value: number][] = [
    [256, LONG, width],
    [257, LONG, height],
    [258, SHORT, 32], // bits per sample
    [259, SHORT, 1], // not compressed
    [262, SHORT, 1], // the lowest value is black
    [273, LONG, HEADER_BYTES], // where the only strip starts
    [277, SHORT, 1], // samples per pixel
    [278, LONG, height], // rows of a strip
    [279, LONG, 4 * data.length], // bytes of the strip
    [339, SHORT, 3], // the samples are floats
  ];
  const directory = HEADER_BYTES + 4 * data.length;
  const bytes = new Uint8Array(directory + 2 + fields.length * ENTRY_BYTES + 4);
  const view = new DataView(bytes.buffer);
  bytes.set([0x49, 0x49, 42, 0]); // II: little-endian
  view.setUint32(4, directory, true);
  // As integers: a float that goes through a register may lose the bits of a NaN.
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  for (let i = 0; i < bits.length; i++) view.setUint32(HEADER_BYTES + 4 * i, bits[i]!, true);
  view.setUint16(directory, fields.length, true);
  for (const [index, [tag, type, value]] of fields.entries()) {
    const entry = directory + 2 + index * ENTRY_BYTES;
    view.setUint16(entry, tag, true);
    view.setUint16(entry + 2, type, true);
    view.setUint32(entry + 4, 1, true);
    // A SHORT lies in the first two of the four bytes: in this byte order the same.
    view.setUint32(entry + 8, value, true);
  }
  return bytes;
}
