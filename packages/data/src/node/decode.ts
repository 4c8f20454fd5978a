import { readFile, stat } from 'node:fs/promises';
import { DskdError, isDskdError, type PixelBuffer } from '@dskd/base';
import type { Metadata, Sharp } from 'sharp';
import {
  isComplete,
  READABLE_FORMATS,
  READABLE_NAMES,
  reasonOf,
  sniffFormat,
  unreadable,
} from '../image-format.js';
import { overBlack } from '../rgb-image.js';
import { loadSharp } from './sharp.js';

/**
 * Larger images are refused before decoding: a file of a few kilobytes can declare more pixels than fit into memory.
 * 16384 x 16384 pixels take 805 MB as RGB.
 */
export const MAX_PIXELS = 2 ** 28;

interface OpenedImage {
  /** The upright image, with pixel values as stored: ICC profiles are ignored, except for CMYK. */
  readonly pipeline: Sharp;
  readonly metadata: Metadata;
  readonly format: string;
  readonly bytes: Uint8Array;
  /** Name of the image in messages. */
  readonly where: string;
}

/**
 * Reads a regular file. Others are refused: reading a FIFO or a device may never end.
 * @throws {DskdError} `file-not-found`, `image-unreadable`
 */
export async function readBytes(file: string): Promise<Uint8Array> {
  try {
    const type = await stat(file);
    if (!type.isFile() && !type.isDirectory()) {
      throw unreadable(file, 'not a regular file, but a FIFO, socket or device');
    }
    return await readFile(file);
  } catch (cause) {
    if (isDskdError(cause)) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new DskdError('file-not-found', `${file}: there is no such file.`, {
        details: { where: file },
        cause,
      });
    }
    throw unreadable(file, code === 'EISDIR' ? 'it is a folder' : reasonOf(cause), cause);
  }
}

/** @param name of the image in messages, used if `source` is bytes. */
async function open(source: string | Uint8Array, name?: string): Promise<OpenedImage> {
  const sharp = await loadSharp();
  // Always decode from bytes: libvips caches files by name and would return the old image for a replaced file.
  const bytes = typeof source === 'string' ? await readBytes(source) : source;
  const where = typeof source === 'string' ? source : (name ?? `an image of ${bytes.length} bytes`);
  if (bytes.length === 0) throw unreadable(where, 'the file is empty');
  const format = sniffFormat(bytes);
  if (format === undefined || !(READABLE_FORMATS as readonly string[]).includes(format)) {
    throw unreadable(where, `unsupported format (${format ?? 'unknown'}); supported are ${READABLE_NAMES}`);
  }
  const failOn = 'warning';
  let metadata: Metadata;
  try {
    metadata = await sharp(bytes, { failOn, limitInputPixels: false }).metadata();
  } catch (cause) {
    throw unreadable(where, `a damaged ${format.toUpperCase()} (${reasonOf(cause)})`, cause);
  }
  const { width, height, depth } = metadata;
  if (width * height > MAX_PIXELS) {
    throw unreadable(where, `it is ${width} x ${height}; at most ${MAX_PIXELS} pixels are read`);
  }
  if (depth !== 'uchar' && depth !== 'ushort') {
    throw unreadable(where, `unsupported sample type ${depth}; wanted 8 or 16 bits, unsigned`);
  }
  const ignoreIcc = metadata.space !== 'cmyk';
  const pipeline = sharp(bytes, { failOn, ignoreIcc, limitInputPixels: MAX_PIXELS }).autoOrient();
  return { pipeline, metadata, format, bytes, where };
}

/** Runs the decoder. A truncated or damaged image causes an error; it is never completed with gray rows. */
async function rawPixels({
  pipeline,
  format,
  where,
}: OpenedImage): Promise<{ data: Uint8Array; width: number; height: number; channels: number }> {
  try {
    const { data, info } = await pipeline.raw().toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    return { data: new Uint8Array(data.buffer, data.byteOffset, data.length), width, height, channels };
  } catch (cause) {
    throw unreadable(where, `a damaged or truncated ${format.toUpperCase()} (${reasonOf(cause)})`, cause);
  }
}

/**
 * Reads an image: PNG, JPEG, WebP or TIFF (first page). The format is detected from the content, not from the name.
 *
 * The result is RGB, 8 bits, upright (EXIF orientation applied). Gray becomes three equal channels; alpha is
 * composited over black; of 16 bits the upper 8 are kept; CMYK is converted to sRGB; every other ICC profile is
 * ignored. Reasons: docs/decisions/0003-image-decoding.md.
 *
 * @param source a path, or the file's bytes.
 * @throws {DskdError} `image-unreadable` (also for truncated files), `file-not-found`, `dependency-missing`
 */
export async function decodeImage(source: string | Uint8Array): Promise<PixelBuffer> {
  const opened = await open(source);
  opened.pipeline.toColourspace('srgb');
  const { data, width, height, channels } = await rawPixels(opened);
  return { data: channels === 4 ? overBlack(data) : data, width, height, channels: 3 };
}

/** @throws {DskdError} as {@link open}; `image-unreadable` also for JPEG. */
async function openMask(source: string | Uint8Array, name: string | undefined): Promise<OpenedImage> {
  const opened = await open(source, name);
  if (opened.format !== 'jpeg') return opened;
  throw unreadable(opened.where, 'a mask must be stored without loss (PNG, TIFF, WebP), not as JPEG');
}

/** Maximum over the color channels of each pixel, in the bit depth of the file; 0 for fully transparent pixels. */
async function maskLevels(
  opened: OpenedImage,
): Promise<{ levels: Uint8Array | Uint16Array; width: number; height: number }> {
  const deep = opened.metadata.depth === 'ushort';
  if (deep) opened.pipeline.toColourspace('rgb16').raw({ depth: 'ushort' });
  else opened.pipeline.toColourspace('srgb');
  const { data, width, height, channels } = await rawPixels(opened);
  // libvips returns 16-bit samples in native byte order, as typed arrays use. slice() aligns them.
  const values = deep ? new Uint16Array(data.slice().buffer) : data;
  const levels = deep ? new Uint16Array(width * height) : new Uint8Array(width * height);
  for (let pixel = 0; pixel < levels.length; pixel++) {
    const at = pixel * channels;
    if (channels === 4 && values[at + 3] === 0) continue;
    levels[pixel] = Math.max(values[at]!, values[at + 1]!, values[at + 2]!);
  }
  return { levels, width, height };
}

/**
 * Reads a ground-truth mask: 1 channel, upright, 255 where any color channel is not 0, else 0. In 16-bit files any
 * value except 0 counts, because masks may contain small defect numbers.
 * @throws {DskdError} as {@link decodeImage}
 */
export async function decodeMask(source: string | Uint8Array): Promise<PixelBuffer> {
  const { levels, width, height } = await maskLevels(await open(source));
  // Uint8Array.from with a callback is about 40 times slower.
  const data = new Uint8Array(levels.length);
  for (let pixel = 0; pixel < levels.length; pixel++) data[pixel] = levels[pixel] === 0 ? 0 : 255;
  return { data, width, height, channels: 1 };
}

/**
 * Inspects an image without decoding it, unless its end appears to be missing.
 * @param options.name of the image in messages.
 * @param options.thorough decodes it in any case.
 * @returns its upright size in pixels.
 * @throws {DskdError} as {@link decodeImage}
 */
export async function inspectImage(
  source: string | Uint8Array,
  { name, thorough = false }: { readonly name?: string; readonly thorough?: boolean } = {},
): Promise<{ width: number; height: number }> {
  const opened = await open(source, name);
  if (thorough || !isComplete(opened.format, opened.bytes)) await rawPixels(opened);
  return opened.metadata.autoOrient;
}

/**
 * Decodes the mask of one defect. All pixels of the defect have one value, which identifies the type of defect.
 * @returns its upright size in pixels, that value (as stored for gray files, else the maximum over the channels) and
 * the number of pixels that have it.
 * @throws {DskdError} as {@link decodeImage}; `image-unreadable` also for JPEG, and if there is no value besides 0 or
 * more than one.
 */
export async function inspectRegion(
  source: string | Uint8Array,
  { name }: { readonly name?: string } = {},
): Promise<{ width: number; height: number; value: number; area: number }> {
  const opened = await openMask(source, name);
  const { levels, width, height } = await maskLevels(opened);
  const counts = histogram(levels);
  const values = [...counts.keys()].filter((value) => value > 0 && counts[value]! > 0);
  if (values.length === 0) throw unreadable(opened.where, 'the mask has no marked pixels');
  if (values.length > 1) {
    const shown = values.length > 4 ? `${values.slice(0, 4).join(', ')}, ...` : values.join(', ');
    throw unreadable(
      opened.where,
      `the mask has ${values.length} values besides 0 (${shown}); a file must mark one defect, by one value`,
    );
  }
  return { width, height, value: values[0]!, area: counts[values[0]!]! };
}

/** A mask with at most this many different values is accepted: enough for defect numbers and blurred edges. */
const MOST_LEVELS = 16;
/** In a mask with more values, the two most frequent ones cover at least this fraction of the pixels. */
const LEAST_SHARE = 0.9;

/** Number of pixels per value. */
function histogram(levels: Uint8Array | Uint16Array): Uint32Array {
  const counts = new Uint32Array(levels instanceof Uint8Array ? 256 : 65536);
  for (const level of levels) counts[level]!++;
  return counts;
}

function looksLikeMask(counts: Uint32Array, pixels: number): boolean {
  const present = counts.filter((count) => count > 0).sort();
  const [most = 0, second = 0] = present.subarray(-2).reverse();
  return present.length <= MOST_LEVELS || most + second >= LEAST_SHARE * pixels;
}

/**
 * Decodes a mask and checks that it looks like one.
 * @returns its upright size in pixels and its number of marked pixels.
 * @throws {DskdError} as {@link decodeImage}; `image-unreadable` also for JPEG, because its compression blurs the
 * edges of a mask, and for images with as many values as a photograph.
 */
export async function inspectMask(
  source: string | Uint8Array,
  { name }: { readonly name?: string } = {},
): Promise<{ width: number; height: number; marked: number }> {
  const opened = await openMask(source, name);
  const { levels, width, height } = await maskLevels(opened);
  const counts = histogram(levels);
  if (!looksLikeMask(counts, levels.length)) {
    throw unreadable(
      opened.where,
      'it has as many different values as a photograph; in a mask good pixels are 0 (black) and others have one or few other values',
    );
  }
  return { width, height, marked: levels.length - counts[0]! };
}
