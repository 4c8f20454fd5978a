import { DskdError, type PixelBuffer } from '@dskd/base';
import { bmpLayout, withFileHeader } from '../bmp.js';
import { isComplete, jpegColors, reasonOf, sniffFormat, unreadable } from '../image-format.js';
import { compositePixels, toRgb } from '../rgb-image.js';
import type { LoadOptions } from '../samples.js';
import { takeTurns } from '../turns.js';

const ORIENTATION_TAG = 0x112;

/** Offset of the value of the EXIF orientation in a TIFF structure; undefined if there is none. */
function placeOfOrientation(
  view: DataView,
  start: number,
  end: number,
): { at: number; littleEndian: boolean } | undefined {
  if (start + 8 > end) return undefined;
  const littleEndian = view.getUint16(start) === 0x4949;
  const directory = start + view.getUint32(start + 4, littleEndian);
  if (directory + 2 > end) return undefined;
  const count = view.getUint16(directory, littleEndian);
  for (let index = 0; index < count; index++) {
    const entry = directory + 2 + index * 12;
    if (entry + 12 > end) return undefined;
    if (view.getUint16(entry, littleEndian) === ORIENTATION_TAG) return { at: entry + 8, littleEndian };
  }
  return undefined;
}

/**
 * Removes the EXIF orientation from a WebP file. Chromium does not apply it, other browsers may. Without it all
 * browsers decode the same pixels, and this package rotates them.
 * @param bytes of a complete WebP; its orientation is set to 1.
 * @returns the previous orientation, 1 to 8; 1 if there was none.
 */
export function takeWebpOrientation(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = view.getUint32(at);
    const size = view.getUint32(at + 4, true);
    const end = Math.min(at + 8 + size, bytes.length);
    if (name === 0x45584946) {
      // 'EXIF'. Some programs write 'Exif\0\0' before the structure, as in JPEG.
      const start = at + 8 + (bytes[at + 8] === 0x45 ? 6 : 0);
      const place = placeOfOrientation(view, start, end);
      if (!place) return 1;
      const orientation = view.getUint16(place.at, place.littleEndian);
      view.setUint16(place.at, 1, place.littleEndian);
      return orientation >= 1 && orientation <= 8 ? orientation : 1;
    }
    at += 8 + size + (size % 2);
  }
  return 1;
}

/** Rotates and mirrors an image according to its EXIF orientation, 1 to 8. */
export function upright(pixels: PixelBuffer, orientation: number): PixelBuffer {
  if (orientation === 1) return pixels;
  const { data, width, height, channels } = pixels;
  const turned = new Uint8Array(data.length);
  const [outWidth, outHeight] = orientation >= 5 ? [height, width] : [width, height];
  const mirrorsX = [2, 3, 7, 8].includes(orientation);
  const mirrorsY = [3, 4, 6, 7].includes(orientation);
  let to = 0;
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      const [u, v] = orientation >= 5 ? [y, x] : [x, y];
      const from = ((mirrorsY ? height - 1 - v : v) * width + (mirrorsX ? width - 1 - u : u)) * channels;
      for (let channel = 0; channel < channels; channel++) turned[to++] = data[from + channel]!;
    }
  }
  return { data: turned, width: outWidth, height: outHeight, channels };
}

/** Supported formats that browsers can decode. */
const READABLE = ['png', 'jpeg', 'webp', 'bmp'];
const NAMES = 'PNG, JPEG, WebP and BMP';

/** Upright, with values as stored: docs/decisions/0003-image-decoding.md. */
const AS_STORED: ImageBitmapOptions = {
  imageOrientation: 'from-image',
  colorSpaceConversion: 'none',
  premultiplyAlpha: 'none',
};

/** Input of {@link decodeImage}: a file, a URL, or anything a page can draw. */
export type WebImage = ImageBitmapSource | URL;

/**
 * Checks the first bytes and the container structure of a file, so that the same files are refused with the same
 * messages as in Node, independent of the browser.
 * @returns its format.
 * @throws {DskdError} `image-unreadable`
 */
export function readableFormat(bytes: Uint8Array, where: string): string {
  if (bytes.length === 0) throw unreadable(where, 'the file is empty');
  const format = sniffFormat(bytes);
  if (format === 'tiff') throw unreadable(where, 'browsers do not read TIFF; convert it to PNG');
  if (format === undefined || !READABLE.includes(format)) {
    throw unreadable(where, `unsupported format (${format ?? 'unknown'}); supported are ${NAMES}`);
  }
  if (format === 'bmp') bmpLayout(bytes, where);
  else if (!isComplete(format, bytes)) throw unreadable(where, `a truncated ${format.toUpperCase()}`);
  if (format === 'jpeg' && jpegColors(bytes) === 4) {
    throw unreadable(where, 'a CMYK JPEG, which each browser converts to other colors; store it as RGB');
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

/** Rows that are drawn at a time have about this many pixels. */
const STRIP_PIXELS = 2 ** 18;

/**
 * Reads a bitmap through a canvas of some rows, so that a large one neither blocks the event loop nor is in memory twice.
 * @throws {DskdError} `image-unreadable`
 */
async function pixelsOf(bitmap: ImageBitmap, where: string): Promise<PixelBuffer> {
  const { width, height } = bitmap;
  const rows = Math.min(height, Math.max(1, Math.floor(STRIP_PIXELS / width)));
  try {
    // For immediate reading: the canvas is kept in main memory, without rounding on a graphics card.
    const context = new OffscreenCanvas(width, rows).getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error(`no canvas of ${width} x ${rows}`);
    // Replaces the last strip also where this one is transparent.
    context.globalCompositeOperation = 'copy';
    const data = new Uint8Array(width * height * 3);
    for (let y = 0; y < height; y += rows) {
      await takeTurns();
      const pixels = width * Math.min(rows, height - y);
      context.drawImage(bitmap, 0, -y);
      const strip = context.getImageData(0, 0, width, pixels / width);
      compositePixels(strip.data, data.subarray(y * width * 3), { channels: 4, alpha: 3 }, [0, pixels]);
    }
    return { data, width, height, channels: 3 };
  } catch (cause) {
    throw unreadable(where, `its ${width} x ${height} pixels could not be read (${reasonOf(cause)})`, cause);
  }
}

function assertBrowser(): void {
  if (typeof createImageBitmap === 'function' && typeof OffscreenCanvas === 'function') return;
  throw new DskdError(
    'dependency-missing',
    'Decoding images needs createImageBitmap and OffscreenCanvas, which are not available.',
    { hint: 'In Node use @dskd/data/node; otherwise use a browser from 2023 or newer.' },
  );
}

/**
 * Reads an image in a browser, in a page or a worker, by the same rules as `decodeImage` of `@dskd/data/node`: RGB, 8
 * bits, upright; alpha is composited over black; ICC profiles are ignored. Files may be PNG, JPEG, WebP or BMP, detected
 * from the content; truncated files and CMYK are refused. For sources that a page can draw, the pixels are taken as
 * drawn.
 *
 * @param source a file, a URL to fetch, an `ImageData`, an `ImageBitmap` (it stays open) or anything else that
 * `createImageBitmap` accepts, such as an image element, a canvas or a video frame.
 * @param options.intensityRange is refused: a browser gives the upper 8 bits of 16-bit images only.
 * @throws {DskdError} `image-unreadable`, `file-not-found`, `dependency-missing`, `aborted`, `invalid-argument` (an
 * intensity range)
 */
export async function decodeImage(
  source: WebImage,
  { signal, intensityRange }: { readonly signal?: AbortSignal } & LoadOptions = {},
): Promise<PixelBuffer> {
  if ('data' in source) return toRgb(source);
  if (intensityRange) {
    throw new DskdError(
      'invalid-argument',
      `Got the intensity range ${intensityRange.join(':')}; a browser gives only the upper 8 bits of 16-bit images.`,
      {
        hint: 'Decode them in Node, or map them to bytes yourself and give { data, width, height, channels, intensityRange }.',
      },
    );
  }
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
    const format = readableFormat(bytes, where);
    if (format === 'webp') {
      orientation = takeWebpOrientation(bytes);
      drawable = new Blob([bytes]);
    } else if (format === 'bmp') {
      drawable = new Blob([withFileHeader(bytes, bmpLayout(bytes, where))]);
    }
  }
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(drawable, AS_STORED);
  } catch (cause) {
    throw unreadable(where, `could not be decoded (${reasonOf(cause)})`, cause);
  }
  try {
    return upright(await pixelsOf(bitmap, where), orientation);
  } finally {
    bitmap.close();
  }
}
