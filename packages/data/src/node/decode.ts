import { readFile } from 'node:fs/promises';
import { DskdError, type PixelBuffer } from '@dskd/base';
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
 * Larger images are refused before anything is decoded: a file of some kilobytes can promise more pixels
 * than there is memory. 16384 x 16384, 805 MB as RGB.
 */
export const MAX_PIXELS = 2 ** 28;

interface OpenedImage {
  /** The image upright; its numbers as stored, whatever its ICC profile says (CMYK excepted). */
  readonly pipeline: Sharp;
  readonly metadata: Metadata;
  readonly format: string;
  readonly bytes: Uint8Array;
  /** Its name in messages. */
  readonly where: string;
}

/**
 * Reads a file.
 * @throws {DskdError} `file-not-found`, `image-unreadable`
 */
export async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
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

/** @param name of the image in messages, where `source` is its bytes. */
async function open(source: string | Uint8Array, name?: string): Promise<OpenedImage> {
  const sharp = await loadSharp();
  // Always from bytes: libvips remembers files by name and would show an old image under a reused name.
  const bytes = typeof source === 'string' ? await readBytes(source) : source;
  const where = typeof source === 'string' ? source : (name ?? `an image of ${bytes.length} bytes`);
  if (bytes.length === 0) throw unreadable(where, 'the file is empty');
  const format = sniffFormat(bytes);
  if (format === undefined || !(READABLE_FORMATS as readonly string[]).includes(format)) {
    throw unreadable(where, `not an image we read (${READABLE_NAMES}) but ${format ?? 'something else'}`);
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
    throw unreadable(where, `its samples are of type ${depth}; wanted 8 or 16 bits without a sign`);
  }
  const ignoreIcc = metadata.space !== 'cmyk';
  const pipeline = sharp(bytes, { failOn, ignoreIcc, limitInputPixels: MAX_PIXELS }).autoOrient();
  return { pipeline, metadata, format, bytes, where };
}

/** Runs the decoder. A truncated or damaged image is an error, never gray rows. */
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
 * Reads an image: PNG, JPEG, WebP or TIFF (its first page), told by content, not by name.
 *
 * The result is RGB, 8 bits, upright (EXIF orientation applied). Gray becomes three equal channels; alpha
 * is composited over black; of 16 bits the upper 8 are kept; CMYK is converted to sRGB; every other ICC
 * profile is ignored. Reasons: docs/decisions/0003-image-decoding.md.
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

/** The brightest visible channel of every pixel, in the depth of the file: 0 where all is black. */
async function maskLevels(
  opened: OpenedImage,
): Promise<{ levels: Uint8Array | Uint16Array; width: number; height: number }> {
  const deep = opened.metadata.depth === 'ushort';
  if (deep) opened.pipeline.toColourspace('rgb16').raw({ depth: 'ushort' });
  else opened.pipeline.toColourspace('srgb');
  const { data, width, height, channels } = await rawPixels(opened);
  // libvips gives 16 bits in the machine's order, as typed arrays do; slice() aligns them.
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
 * Reads a ground truth: 1 channel, upright, 255 where the file shows any color but black (of 16 bits, any
 * value but 0: masks may hold small numbers of defects), 0 elsewhere.
 * @throws {DskdError} as {@link decodeImage}
 */
export async function decodeMask(source: string | Uint8Array): Promise<PixelBuffer> {
  const { levels, width, height } = await maskLevels(await open(source));
  // Not Uint8Array.from with a function, which takes some forty times as long.
  const data = new Uint8Array(levels.length);
  for (let pixel = 0; pixel < levels.length; pixel++) data[pixel] = levels[pixel] === 0 ? 0 : 255;
  return { data, width, height, channels: 1 };
}

/**
 * Looks at an image without decoding it, unless its end looks as if something were missing.
 * @param options.name of the image in messages.
 * @param options.thorough decodes it in any case.
 * @returns its upright size.
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
 * Decodes the mask of one defect, which marks it by one value, the number of the kind of defect.
 * @returns its upright size, that value (of a gray file as it is stored, of others the brightest channel) and
 * how many pixels have it.
 * @throws {DskdError} as {@link decodeImage}; `image-unreadable` also for JPEG, and for no or several values.
 */
export async function inspectRegion(
  source: string | Uint8Array,
  { name }: { readonly name?: string } = {},
): Promise<{ width: number; height: number; value: number; area: number }> {
  const opened = await openMask(source, name);
  const { levels, width, height } = await maskLevels(opened);
  const counts = histogram(levels);
  const values = [...counts.keys()].filter((value) => value > 0 && counts[value]! > 0);
  if (values.length === 0) throw unreadable(opened.where, 'the mask marks nothing');
  if (values.length > 1) {
    const shown = values.length > 4 ? `${values.slice(0, 4).join(', ')}, ...` : values.join(', ');
    throw unreadable(
      opened.where,
      `the mask holds ${values.length} values besides 0 (${shown}); a file marks one defect, by one value`,
    );
  }
  return { width, height, value: values[0]!, area: counts[values[0]!]! };
}

/** More different values than numbers of defects and the steps of a blurred edge take together. */
const MOST_LEVELS = 16;
/** The two commonest values of a mask, good and anomalous, cover at least this share of it. */
const LEAST_SHARE = 0.9;

/** How often each value stands in a mask. */
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
 * Decodes a mask and looks whether it is one.
 * @returns its upright size, and how many of its pixels are marked.
 * @throws {DskdError} as {@link decodeImage}; `image-unreadable` also for JPEG, which blurs the edge between
 * black and white, and for what has the many values of a photograph.
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
      'it has the many values of a photograph; a mask is black where the part is good, one or few other values elsewhere',
    );
  }
  return { width, height, marked: levels.length - counts[0]! };
}
