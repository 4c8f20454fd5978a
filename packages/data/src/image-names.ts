import { READABLE_NAMES } from './image-format.js';

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
