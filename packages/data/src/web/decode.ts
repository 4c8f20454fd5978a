import { DskdError, type PixelBuffer } from '@dskd/base';
import { isComplete, jpegColors, sniffFormat } from '../image-format.js';
import { toRgb } from '../rgb-image.js';
import { reasonOf, unreadable } from '../unreadable.js';
import { takeWebpOrientation, upright } from './orientation.js';

/** What browsers decode of the formats that we read. */
const READABLE = ['png', 'jpeg', 'webp'];

/** Upright, and the numbers as stored: docs/decisions/0003-image-decoding.md. */
const AS_STORED: ImageBitmapOptions = {
  imageOrientation: 'from-image',
  colorSpaceConversion: 'none',
  premultiplyAlpha: 'none',
};

/** What {@link decodeImage} takes: a file, an address, or anything a page can draw. */
export type WebImage = ImageBitmapSource | URL;

/**
 * Looks at the first bytes and the frame of a file, so that the same files are refused in the same words as
 * in Node, whatever a browser makes of them.
 * @returns its format.
 * @throws {DskdError} `image-unreadable`
 */
export function readableFormat(bytes: Uint8Array, where: string): string {
  if (bytes.length === 0) throw unreadable(where, 'the file is empty');
  const format = sniffFormat(bytes);
  if (format === 'tiff') throw unreadable(where, 'browsers do not read TIFF; convert it to PNG');
  if (format === undefined || !READABLE.includes(format)) {
    throw unreadable(where, `not an image we read (PNG, JPEG and WebP) but ${format ?? 'something else'}`);
  }
  if (!isComplete(format, bytes)) throw unreadable(where, `a truncated ${format.toUpperCase()}`);
  if (format === 'jpeg' && jpegColors(bytes) === 4) {
    throw unreadable(where, 'a CMYK JPEG, which every browser turns into other colors; store it as RGB');
  }
  return format;
}

async function download(url: URL, signal: AbortSignal | undefined): Promise<Blob> {
  let response: Response;
  try {
    response = await fetch(url, signal ? { signal } : {});
    if (response.ok) return await response.blob();
  } catch (cause) {
    if (signal?.aborted) throw new DskdError('aborted', 'The operation was aborted.', { cause });
    throw unreadable(url.href, `could not be fetched (${reasonOf(cause)})`, cause);
  }
  if (response.status === 404) throw new DskdError('file-not-found', `${url.href}: there is no such file.`);
  throw unreadable(url.href, `the server answered ${response.status} ${response.statusText}`.trimEnd());
}

/** @throws {DskdError} `image-unreadable`, `dependency-missing` */
function pixelsOf(bitmap: ImageBitmap, where: string): PixelBuffer {
  const { width, height } = bitmap;
  let image: ImageData;
  try {
    // Read back at once: kept in main memory, no rounding on a graphics card.
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error(`no canvas of ${width} x ${height}`);
    context.drawImage(bitmap, 0, 0);
    image = context.getImageData(0, 0, width, height);
  } catch (cause) {
    throw unreadable(where, `its ${width} x ${height} pixels could not be read (${reasonOf(cause)})`, cause);
  }
  return toRgb(image);
}

function assertBrowser(): void {
  if (typeof createImageBitmap === 'function' && typeof OffscreenCanvas === 'function') return;
  throw new DskdError(
    'dependency-missing',
    'Images are read here by createImageBitmap and OffscreenCanvas, which are not there.',
    { hint: 'In Node use @dskd/data/node; else a browser from 2023 or newer.' },
  );
}

/**
 * Reads an image in a browser, in a page or a worker: the same rules as `decodeImage` of `@dskd/data/node`.
 * RGB, 8 bits, upright; alpha is composited over black; ICC profiles are ignored. Of files PNG, JPEG and
 * WebP are taken, told by content; truncated ones and CMYK are refused. Of what a page can draw the pixels are
 * taken as the page has them.
 *
 * @param source a file, an address to fetch, an `ImageData`, an `ImageBitmap` (stays open) or any other thing
 * that `createImageBitmap` takes, such as an image element, a canvas or a frame of a video.
 * @throws {DskdError} `image-unreadable`, `file-not-found`, `dependency-missing`, `aborted`
 */
export async function decodeImage(
  source: WebImage,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<PixelBuffer> {
  if ('data' in source) return toRgb(source);
  assertBrowser();
  if (typeof ImageBitmap === 'function' && source instanceof ImageBitmap) {
    return pixelsOf(source, 'an ImageBitmap');
  }
  let where = `a ${source.constructor.name}`;
  let drawable: ImageBitmapSource;
  if (source instanceof URL) {
    where = source.href;
    drawable = await download(source, signal);
  } else {
    drawable = source;
  }
  let orientation = 1;
  if (drawable instanceof Blob) {
    if ('name' in drawable) where = String(drawable.name);
    const bytes = new Uint8Array(await drawable.arrayBuffer());
    if (readableFormat(bytes, where) === 'webp') {
      orientation = takeWebpOrientation(bytes);
      drawable = new Blob([bytes]);
    }
  }
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(drawable, AS_STORED);
  } catch (cause) {
    throw unreadable(where, `could not be decoded (${reasonOf(cause)})`, cause);
  }
  try {
    return upright(pixelsOf(bitmap, where), orientation);
  } finally {
    bitmap.close();
  }
}
