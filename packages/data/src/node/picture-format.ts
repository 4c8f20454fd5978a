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

/**
 * Whether the file ends as its format says it must. If not it may be truncated or may carry something after
 * the picture: only decoding it tells.
 */
export function endsProperly(format: string, bytes: Uint8Array): boolean {
  switch (format) {
    case 'jpeg':
      return bytes.at(-2) === 0xff && bytes.at(-1) === 0xd9;
    case 'png':
      return startsWith(bytes, 'IEND', bytes.length - 8);
    case 'webp':
      return (
        new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(4, true) + 8 === bytes.length
      );
    default:
      return false;
  }
}
