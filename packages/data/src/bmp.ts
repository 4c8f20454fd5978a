import { BITMAP_HEADERS, isBareBitmap, unreadable } from './image-format.js';

/** Where the pixels of a BMP are, and what they mean. */
export interface BmpLayout {
  readonly width: number;
  readonly height: number;
  /** Whether the first row in the file is the top row; mostly it is the bottom row. */
  readonly topDown: boolean;
  readonly bits: 1 | 4 | 8 | 24 | 32;
  /** Offset of the first row. */
  readonly pixelsAt: number;
  /** Bytes from one row to the next. */
  readonly stride: number;
  /** Bytes of a row that hold pixels. */
  readonly rowBytes: number;
  /** Red, green, blue of each entry, 1 to 8 bits; null for 24 and 32 bits. */
  readonly palette: readonly (readonly [number, number, number])[] | null;
  /** Order of the colors of 24 and 32 bits. */
  readonly order: 'bgr' | 'rgb';
  /** Whether the fourth byte of 32 bits is opacity; otherwise it means nothing. */
  readonly alpha: boolean;
}

const FILE_HEADER = 14;
const CORE_HEADER = 12;
const RGB = 0;
const BIT_FIELDS = 3;
const ALPHA_BIT_FIELDS = 6;
const ENCODINGS: Readonly<Record<number, string>> = { 1: 'run-length', 2: 'run-length', 4: 'JPEG', 5: 'PNG' };

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

interface Header {
  readonly width: number;
  /** Negative: from top to bottom. */
  readonly height: number;
  readonly bits: number;
  readonly encoding: number;
  readonly paletteAt: number;
  /** Bytes of an entry of the palette. */
  readonly entry: 3 | 4;
  /** Entries of the palette, as the file says; 0: as many as the bits allow. */
  readonly colors: number;
  /** Bits of red, green, blue and alpha; null where there is no such field. */
  readonly masks: readonly number[] | null;
}

/** @returns undefined for a header that is unknown or cut off. */
function headerOf(view: DataView, at: number): Header | undefined {
  if (view.byteLength < at + CORE_HEADER) return undefined;
  const size = view.getUint32(at, true);
  if (size === CORE_HEADER) {
    return {
      width: view.getUint16(at + 4, true),
      height: view.getUint16(at + 6, true),
      bits: view.getUint16(at + 10, true),
      encoding: RGB,
      paletteAt: at + size,
      entry: 3,
      colors: 0,
      masks: null,
    };
  }
  if (!BITMAP_HEADERS.includes(size) || view.byteLength < at + size) return undefined;
  const encoding = view.getUint32(at + 16, true);
  const masked = encoding === BIT_FIELDS || encoding === ALPHA_BIT_FIELDS;
  if (masked && view.byteLength < at + 56) return undefined;
  const hasAlphaMask = size >= 56 || encoding === ALPHA_BIT_FIELDS;
  const masksInPalette = size === 40 && masked ? (hasAlphaMask ? 16 : 12) : 0;
  return {
    width: view.getInt32(at + 4, true),
    height: view.getInt32(at + 8, true),
    bits: view.getUint16(at + 14, true),
    encoding,
    paletteAt: at + size + masksInPalette,
    entry: 4,
    colors: view.getUint32(at + 32, true),
    masks: masked
      ? [40, 44, 48, 52].map((mask, index) =>
          index < 3 || hasAlphaMask ? view.getUint32(at + mask, true) : 0,
        )
      : null,
  };
}

function orderOf(masks: readonly number[] | null): 'bgr' | 'rgb' | undefined {
  if (!masks) return 'bgr';
  const [red, green, blue, alpha] = masks;
  if (green !== 0xff00 || (alpha !== 0 && alpha !== 0xff000000)) return undefined;
  if (red === 0xff0000 && blue === 0xff) return 'bgr';
  return red === 0xff && blue === 0xff0000 ? 'rgb' : undefined;
}

function paletteOf(
  bytes: Uint8Array,
  { paletteAt, entry }: Header,
  colors: number,
): [number, number, number][] {
  return Array.from({ length: colors }, (_, index) => {
    const at = paletteAt + index * entry;
    return [bytes[at + 2]!, bytes[at + 1]!, bytes[at]!];
  });
}

/** Why a BMP with this header is not read; undefined if it is. */
function objection({ width, height, bits, encoding, masks }: Header): string | undefined {
  if (width <= 0 || height === 0) return `a damaged BMP (${width} x ${height} pixels)`;
  const other = ENCODINGS[encoding];
  if (other !== undefined) return `a BMP with ${other} compression; store it without, or as PNG`;
  if (![1, 4, 8, 24, 32].includes(bits) || (masks && bits !== 32)) {
    return `a BMP of ${bits} bits per pixel; wanted 1, 4, 8, 24 or 32`;
  }
  if (!masks && encoding !== RGB) return `a BMP with the unknown compression ${encoding}`;
  if (!orderOf(masks)) return 'a BMP whose colors are not bytes; store it with 24 bits per pixel';
  return undefined;
}

/**
 * Reads the header of a BMP, or of a bitmap without the header of the file (`.dib`), and checks that all rows are there.
 * @throws {DskdError} `image-unreadable`
 */
export function bmpLayout(bytes: Uint8Array, where: string): BmpLayout {
  const view = viewOf(bytes);
  const headerAt = bytes[0] === 0x42 && bytes[1] === 0x4d ? FILE_HEADER : 0;
  const header = headerOf(view, headerAt);
  if (!header) throw unreadable(where, 'a truncated BMP, or one of an unknown version');
  const problem = objection(header);
  if (problem !== undefined) throw unreadable(where, problem);
  const { width, bits, paletteAt, entry, colors, masks } = header;
  const height = Math.abs(header.height);
  const most = bits <= 8 ? 2 ** bits : 0;
  const given = bits <= 8 && colors === 0 ? most : colors;
  const offset = headerAt === 0 ? 0 : view.getUint32(10, true);
  const pixelsAt = offset >= paletteAt ? offset : paletteAt + given * entry;
  const stride = Math.floor((bits * width + 31) / 32) * 4;
  const rowBytes = Math.ceil((bits * width) / 8);
  if (pixelsAt + stride * (height - 1) + rowBytes > bytes.length) {
    throw unreadable(where, 'a truncated BMP');
  }
  const entries = Math.min(given, most, Math.floor((pixelsAt - paletteAt) / entry));
  return {
    width,
    height,
    topDown: header.height < 0,
    bits: bits as BmpLayout['bits'],
    pixelsAt,
    stride,
    rowBytes,
    palette: bits <= 8 ? paletteOf(bytes, header, entries) : null,
    order: orderOf(masks)!,
    alpha: (masks?.[3] ?? 0) !== 0,
  };
}

/** A bitmap without the header of a BMP file, with that header; other bytes as they are. */
export function withFileHeader(bytes: Uint8Array, { pixelsAt }: BmpLayout): Uint8Array<ArrayBuffer> {
  if (!isBareBitmap(bytes)) return new Uint8Array(bytes);
  const file = new Uint8Array(FILE_HEADER + bytes.length);
  file.set([0x42, 0x4d]);
  const view = viewOf(file);
  view.setUint32(2, file.length, true);
  view.setUint32(10, FILE_HEADER + pixelsAt, true);
  file.set(bytes, FILE_HEADER);
  return file;
}
