import { DskdError } from '@dskd/base';

/** What we read. sharp knows more formats, but these keep pixels that a detector can be held to. */
export const READABLE_FORMATS = ['png', 'jpeg', 'webp', 'tiff'] as const;

/** For messages. */
export const READABLE_NAMES = 'PNG, JPEG, WebP and TIFF';

function startsWith(bytes: Uint8Array, text: string, offset = 0): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[offset + i] !== text.charCodeAt(i)) return false;
  return true;
}

/**
 * Tells by its first bytes what a file holds, whatever its name says: one of {@link READABLE_FORMATS}, the
 * name of something else, or undefined.
 */
export function sniffFormat(bytes: Uint8Array): string | undefined {
  if (startsWith(bytes, '\x89PNG\r\n\x1a\n')) return 'png';
  if (startsWith(bytes, '\xff\xd8\xff')) return 'jpeg';
  if (startsWith(bytes, 'RIFF') && startsWith(bytes, 'WEBP', 8)) return 'webp';
  if (['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].some((magic) => startsWith(bytes, magic))) return 'tiff';
  if (startsWith(bytes, 'BM')) return 'BMP';
  if (startsWith(bytes, 'GIF8')) return 'GIF';
  if (startsWith(bytes, 'ftyp', 4)) return 'HEIF, AVIF or a film';
  if (startsWith(bytes, '\0\0\0\x0cjP')) return 'JPEG 2000';
  if (startsWith(bytes, '%PDF')) return 'PDF';
  if (startsWith(bytes, 'PK\x03\x04')) return 'ZIP';
  if (bytes.length > 0 && bytes.subarray(0, 512).every((byte) => byte >= 32 || (byte >= 9 && byte <= 13))) {
    return 'text';
  }
  return undefined;
}

/** Whether the file's PNG chunks reach to the last one. */
function pngIsComplete(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    if (startsWith(bytes, 'IEND', at + 4)) return true;
  }
  return false;
}

/** The markers of a JPEG with the places after them; a thumbnail's are not among them. */
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

/** How many colors a JPEG stores: 1 gray, 3 color, 4 CMYK; undefined where it does not say. */
export function jpegColors(bytes: Uint8Array): number | undefined {
  for (const { marker, at } of jpegMarkers(bytes)) {
    // Start of frame: length, precision, height, width, number of colors.
    const isTable = marker === 0xc4 || marker === 0xc8 || marker === 0xcc;
    if (marker >= 0xc0 && marker <= 0xcf && !isTable) return bytes[at + 7];
  }
  return undefined;
}

/**
 * Whether the file reaches to the end that its format wants; there may be something after it. Looks at the
 * frame of the file only. If not, it may be truncated: decoding it tells. Of TIFF it cannot be seen.
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

const READABLE = ['.png', '.jpg', '.jpeg', '.webp', '.tif', '.tiff'];
/** Images to a user, not to us: said, not passed over. */
const REFUSED = ['.bmp', '.gif', '.heic', '.heif', '.avif', '.jp2', '.jxl', '.exr', '.dng'];
const IGNORED = ['thumbs.db', 'desktop.ini', '__macosx'];

/** With its dot, in lower case; empty where there is none. */
export function extensionOf(name: string): string {
  return /(?<=[^/\\])\.[^./\\]*$/.exec(name)?.[0].toLowerCase() ?? '';
}

/** Hidden files and folders (a leading dot), `Thumbs.db`, `desktop.ini` and `__MACOSX`. */
export function isPassedOver(name: string): boolean {
  return name.startsWith('.') || IGNORED.includes(name.toLowerCase());
}

/** What a file is by its extension, in any case. */
export function kindByName(name: string): 'readable' | 'refused' | 'other' {
  const extension = extensionOf(name);
  return READABLE.includes(extension) ? 'readable' : REFUSED.includes(extension) ? 'refused' : 'other';
}

/** What to say about an image in a format that we do not read. */
export function refusal(name: string): string {
  return `${extensionOf(name).slice(1).toUpperCase()} is not read, only ${READABLE_NAMES}; convert it without loss, for example to PNG`;
}

/** An image that cannot be read: where it lies, and why. */
export function unreadable(where: string, problem: string, cause?: unknown): DskdError {
  return new DskdError('image-unreadable', `${where}: ${problem}.`, { details: { where, problem }, cause });
}

/** The message of what was thrown, on one line. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replace(/\s*\n\s*/g, '; ');
}
