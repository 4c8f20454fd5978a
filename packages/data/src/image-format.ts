import { DskdError } from '@dskd/base';

/** Formats that are read. sharp supports more, but only these decode to well-defined pixels. */
export const READABLE_FORMATS = ['png', 'jpeg', 'webp', 'tiff', 'bmp'] as const;

/** Names of {@link READABLE_FORMATS} for error messages. */
export const READABLE_NAMES = 'PNG, JPEG, WebP, TIFF and BMP';

function startsWith(bytes: Uint8Array, text: string, offset = 0): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[offset + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Sizes of the headers that tell of a bitmap: BITMAPINFOHEADER, its versions 2 to 5, and that of OS/2 2. */
export const BITMAP_HEADERS: readonly number[] = [40, 52, 56, 64, 108, 124];

/** Whether bytes begin with the header of a bitmap without the header of a BMP file, as in most `.dib` files. */
export function isBareBitmap(bytes: Uint8Array): boolean {
  if (bytes.length < 40) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return (
    BITMAP_HEADERS.includes(view.getUint32(0, true)) &&
    view.getUint16(12, true) === 1 &&
    [1, 4, 8, 16, 24, 32].includes(view.getUint16(14, true)) &&
    view.getUint32(16, true) <= 6
  );
}

/**
 * Detects the format of a file from its first bytes; the file name is not used.
 * @returns one of {@link READABLE_FORMATS}, the display name of another known format, or undefined.
 */
export function sniffFormat(bytes: Uint8Array): string | undefined {
  if (startsWith(bytes, '\x89PNG\r\n\x1a\n')) return 'png';
  if (startsWith(bytes, '\xff\xd8\xff')) return 'jpeg';
  if (startsWith(bytes, 'RIFF') && startsWith(bytes, 'WEBP', 8)) return 'webp';
  if (['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].some((magic) => startsWith(bytes, magic))) return 'tiff';
  if (startsWith(bytes, 'BM') || isBareBitmap(bytes)) return 'bmp';
  if (startsWith(bytes, 'GIF8')) return 'GIF';
  if (startsWith(bytes, 'ftyp', 4)) return 'HEIF, AVIF or a video';
  if (startsWith(bytes, '\0\0\0\x0cjP')) return 'JPEG 2000';
  if (startsWith(bytes, '%PDF')) return 'PDF';
  if (startsWith(bytes, 'PK\x03\x04')) return 'ZIP';
  if (bytes.length > 0 && bytes.subarray(0, 512).every((byte) => byte >= 32 || (byte >= 9 && byte <= 13))) {
    return 'text';
  }
  return undefined;
}

/** Whether the sequence of PNG chunks ends with IEND. */
function pngIsComplete(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    if (startsWith(bytes, 'IEND', at + 4)) return true;
  }
  return false;
}

/**
 * Iterates over the markers of a JPEG, each with the offset after it. Markers of an embedded thumbnail are skipped.
 */
function* jpegMarkers(bytes: Uint8Array): Generator<{ readonly marker: number; readonly at: number }> {
  let at = bytes.indexOf(0xff, 2);
  while (at >= 0 && at + 1 < bytes.length) {
    const marker = bytes[at + 1]!;
    // A stuffed 0xff, TEM and the restart markers have no length.
    const standsAlone = marker <= 1 || (marker >= 0xd0 && marker <= 0xd7);
    if (marker === 0xff) at += 1;
    else if (standsAlone) at += 2;
    else {
      yield { marker, at: at + 2 };
      if (at + 3 >= bytes.length) return;
      at += 2 + bytes[at + 2]! * 256 + bytes[at + 3]!;
    }
    at = bytes.indexOf(0xff, at);
  }
}

function jpegIsComplete(bytes: Uint8Array): boolean {
  for (const { marker } of jpegMarkers(bytes)) if (marker === 0xd9) return true;
  return false;
}

/** Zeros at the end of a file that a copy or a camera did not finish; a JPEG has none there, or a few of padding. */
const UNWRITTEN = 512;

/** Whether a JPEG has no end, but zeros: a file whose space was reserved, and then not written. */
export function endsInZeros(bytes: Uint8Array): boolean {
  if (bytes.length < UNWRITTEN || bytes.at(-1) !== 0 || jpegIsComplete(bytes)) return false;
  return bytes.subarray(-UNWRITTEN).every((byte) => byte === 0);
}

/** Number of color components of a JPEG: 1 gray, 3 color, 4 CMYK; undefined if no frame header is found. */
export function jpegColors(bytes: Uint8Array): number | undefined {
  for (const { marker, at } of jpegMarkers(bytes)) {
    // Start of frame: length, precision, height, width, number of colors.
    const isTable = marker === 0xc4 || marker === 0xc8 || marker === 0xcc;
    if (marker >= 0xc0 && marker <= 0xcf && !isTable) return bytes[at + 7];
  }
  return undefined;
}

/**
 * Whether the file reaches the end that its format requires; bytes after that are allowed. Only the container
 * structure is inspected. False means that the file may be truncated, and only decoding can tell; this is always the
 * result for TIFF, and for BMP, whose header tells.
 */
export function isComplete(format: string, bytes: Uint8Array): boolean {
  switch (format) {
    case 'jpeg':
      return jpegIsComplete(bytes);
    case 'png':
      return pngIsComplete(bytes);
    case 'webp':
      return (
        bytes.length >= 12 &&
        new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(4, true) + 8 <= bytes.length
      );
    default:
      return false;
  }
}

const READABLE = ['.png', '.jpg', '.jpeg', '.webp', '.tif', '.tiff', '.bmp', '.dib'];
/** Image formats that are not supported. Such files are reported as problems, not ignored. */
const REFUSED = ['.gif', '.heic', '.heif', '.avif', '.jp2', '.jxl', '.exr', '.dng'];
const IGNORED = ['thumbs.db', 'desktop.ini', '__macosx'];

/** Extension with its dot, in lower case; empty if there is none. */
export function extensionOf(name: string): string {
  return /(?<=[^/\\])\.[^./\\]*$/.exec(name)?.[0].toLowerCase() ?? '';
}

/** Whether a name is ignored: hidden files and folders (a leading dot), `Thumbs.db`, `desktop.ini` and `__MACOSX`. */
export function isPassedOver(name: string): boolean {
  return name.startsWith('.') || IGNORED.includes(name.toLowerCase());
}

/** Whether a name is that of a heat map that `dskd predict` writes: `NAME.overlay.png` or `NAME.explained.png`. */
export function isHeatMap(name: string): boolean {
  return /[^/\\]\.(overlay|explained)\.png$/i.test(name);
}

/** Classifies a file by its extension; case does not matter. */
export function kindByName(name: string): 'readable' | 'refused' | 'other' {
  const extension = extensionOf(name);
  return READABLE.includes(extension) ? 'readable' : REFUSED.includes(extension) ? 'refused' : 'other';
}

/** Problem text for an image in an unsupported format. */
export function refusal(name: string): string {
  return `${extensionOf(name).slice(1).toUpperCase()} is not supported, only ${READABLE_NAMES}; convert it without loss, for example to PNG`;
}

/** Error for an image that cannot be read: where it is, and why. */
export function unreadable(where: string, problem: string, cause?: unknown): DskdError {
  return new DskdError('image-unreadable', `${where}: ${problem}.`, { details: { where, problem }, cause });
}

/** Message of a thrown value, on one line. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replace(/\s*\n\s*/g, '; ');
}
