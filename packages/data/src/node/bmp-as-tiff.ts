import type { BmpLayout } from '../bmp.js';
import { inSlices } from '../turns.js';

const HEADER = 8;
const SHORT = 3;
const LONG = 4;

/** Numbers of TIFF 6.0. */
const TAGS = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  colors: 262,
  rowOffsets: 273,
  samples: 277,
  rowsPerStrip: 278,
  rowBytes: 279,
  planes: 284,
  palette: 320,
  extraSamples: 338,
} as const;
const PALETTE_COLORS = 3;
const RGB_COLORS = 2;
const UNSPECIFIED = 0;
const UNASSOCIATED_ALPHA = 2;

interface Field {
  readonly tag: number;
  readonly type: typeof SHORT | typeof LONG;
  readonly values: readonly number[];
}

/** Red, green and blue of all entries, one color after the other, 16 bits each. Missing entries are black. */
function colorMap(palette: NonNullable<BmpLayout['palette']>, entries: number): number[] {
  return [0, 1, 2].flatMap((color) =>
    Array.from({ length: entries }, (_, index) => (palette[index]?.[color] ?? 0) * 257),
  );
}

function fieldsOf({
  width,
  height,
  topDown,
  bits,
  pixelsAt,
  stride,
  rowBytes,
  palette,
  alpha,
}: BmpLayout): Field[] {
  const short = (tag: number, ...values: number[]): Field => ({ tag, type: SHORT, values });
  const long = (tag: number, ...values: number[]): Field => ({ tag, type: LONG, values });
  const samples = palette ? 1 : bits / 8;
  const rows = Array.from({ length: height }, (_, y) => (topDown ? y : height - 1 - y));
  const fields = [
    long(TAGS.width, width),
    long(TAGS.height, height),
    short(TAGS.bits, ...Array<number>(samples).fill(palette ? bits : 8)),
    short(TAGS.compression, 1),
    short(TAGS.colors, palette ? PALETTE_COLORS : RGB_COLORS),
    long(TAGS.rowOffsets, ...rows.map((row) => HEADER + pixelsAt + row * stride)),
    short(TAGS.samples, samples),
    long(TAGS.rowsPerStrip, 1),
    long(TAGS.rowBytes, ...rows.map(() => rowBytes)),
    short(TAGS.planes, 1),
  ];
  if (palette) fields.push(short(TAGS.palette, ...colorMap(palette, 2 ** bits)));
  if (samples === 4) fields.push(short(TAGS.extraSamples, alpha ? UNASSOCIATED_ALPHA : UNSPECIFIED));
  return fields;
}

/**
 * The pixels of a BMP in a TIFF, which libtiff decodes: the same rows, each as a strip, in the order from top to
 * bottom. Blue and red stay exchanged where the BMP has them so.
 * @param bytes of the BMP.
 */
export async function bmpAsTiff(bytes: Uint8Array, layout: BmpLayout): Promise<Uint8Array> {
  const fields = fieldsOf(layout);
  const sizeOf = ({ type, values }: Field): number => values.length * (type === SHORT ? 2 : 4);
  const apart = fields.filter((field) => sizeOf(field) > 4);
  const valuesAt = HEADER + bytes.length + (bytes.length % 2);
  const directoryAt = apart.reduce((at, field) => at + sizeOf(field), valuesAt);
  const file = new Uint8Array(directoryAt + 2 + fields.length * 12 + 4);
  const view = new DataView(file.buffer);
  file.set([0x49, 0x49, 42, 0]);
  view.setUint32(4, directoryAt, true);
  await inSlices(bytes.length, (first, end) => file.set(bytes.subarray(first, end), HEADER + first));
  let free = valuesAt;
  view.setUint16(directoryAt, fields.length, true);
  for (const [index, field] of fields.entries()) {
    const { tag, type, values } = field;
    const entry = directoryAt + 2 + index * 12;
    view.setUint16(entry, tag, true);
    view.setUint16(entry + 2, type, true);
    view.setUint32(entry + 4, values.length, true);
    let at = entry + 8;
    if (sizeOf(field) > 4) {
      view.setUint32(at, free, true);
      at = free;
      free += sizeOf(field);
    }
    for (const value of values) {
      if (type === SHORT) view.setUint16(at, value, true);
      else view.setUint32(at, value, true);
      at += type === SHORT ? 2 : 4;
    }
  }
  return file;
}
