import { readFile, stat } from 'node:fs/promises';
import { DskdError, isDskdError } from '@dskd/base';
import type { Metadata } from 'sharp';
import { bmpLayout, type BmpLayout } from '../bmp.js';
import {
  endsInZeros,
  isComplete,
  READABLE_FORMATS,
  READABLE_NAMES,
  reasonOf,
  sniffFormat,
  unreadable,
} from '../image-format.js';
import { bmpAsTiff } from './bmp-as-tiff.js';
import { mendJpeg, withoutPadding } from './mend-jpeg.js';
import { loadSharp } from './sharp.js';
import type { PixelSize } from '../transforms/placement.js';
import { type Bands, tiffBands } from './tiff-bands.js';

/**
 * Larger images are refused before decoding: a file of a few kilobytes can declare more pixels than fit into memory.
 * 16384 x 16384 pixels take 805 MB as RGB.
 */
export const MAX_PIXELS = 2 ** 28;

/** Stops at damage, and at what libjpeg only warns of. */
const FAIL_ON = 'warning';

/** An image whose header was read. */
export interface OpenedImage {
  /** The bytes that are decoded: those of the file, or what stands for them. */
  readonly bytes: Uint8Array;
  readonly metadata: Metadata;
  readonly format: string;
  readonly bands: Bands;
  /** Of a BMP, whose blue and red the decoder takes for red and blue. */
  readonly bmp: BmpLayout | undefined;
  /** Whether the file has the end that its format wants. */
  isComplete(): boolean;
  /** Name of the image in messages. */
  readonly where: string;
}

/** Decoded samples, interleaved: three colors, or one gray, then the bands that are no color. */
export interface Samples {
  readonly values: Uint8Array | Uint16Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Which channel is opacity. */
  readonly alpha: number | undefined;
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

/** How often a JPEG is mended: an image of ten scans has padding after nine of them. */
const MOST_MENDS = 16;

/** Runs a strict decoder. A JPEG that it refuses for an oddity without damage is mended and decoded again. */
async function strictly<T>(
  format: string,
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => Promise<T>,
): Promise<{ result: T; bytes: Uint8Array }> {
  let tried = bytes;
  for (let mends = 0; ; mends++) {
    try {
      return { result: await decode(tried), bytes: tried };
    } catch (cause) {
      if (format !== 'jpeg' || mends === MOST_MENDS) throw cause;
      const mended = mends === 0 ? mendJpeg(tried) : withoutPadding(tried, reasonOf(cause));
      if (!mended) throw cause;
      tried = mended;
    }
  }
}

/** @throws {DskdError} `image-unreadable` for an empty file and a format that is not read */
function formatOf(bytes: Uint8Array, where: string): string {
  if (bytes.length === 0) throw unreadable(where, 'the file is empty');
  const format = sniffFormat(bytes);
  if (format !== undefined && (READABLE_FORMATS as readonly string[]).includes(format)) return format;
  throw unreadable(where, `unsupported format (${format ?? 'unknown'}); supported are ${READABLE_NAMES}`);
}

/** @throws {DskdError} `image-unreadable` */
function assertSize({ width, height }: PixelSize, where: string, most: number): void {
  if (width * height <= most) return;
  throw unreadable(where, `it is ${width} x ${height}; at most ${most} pixels are read`);
}

/** @throws {DskdError} `image-unreadable` for samples that are not 8 or 16 bits, and for bands of unknown meaning */
function assertSamples({ depth }: Metadata, bands: Bands, where: string): void {
  if (depth !== 'uchar' && depth !== 'ushort') {
    throw unreadable(where, `unsupported sample type ${depth}; wanted 8 or 16 bits, unsigned`);
  }
  if (bands.unclear) {
    throw unreadable(
      where,
      `a gray TIFF with ${bands.extra + 1} bands, of which it does not say what they are; store color as RGB`,
    );
  }
}

/**
 * @param name of the image in messages, used if `source` is bytes.
 * @param maxPixels of an image that is read, at most {@link MAX_PIXELS}.
 */
export async function openImage(
  source: string | Uint8Array,
  name?: string,
  maxPixels = MAX_PIXELS,
): Promise<OpenedImage> {
  const most = Math.min(maxPixels, MAX_PIXELS);
  const sharp = await loadSharp();
  // Always decode from bytes: libvips caches files by name and would return the old image for a replaced file.
  const given = typeof source === 'string' ? await readBytes(source) : source;
  const where = typeof source === 'string' ? source : (name ?? `an image of ${given.length} bytes`);
  const format = formatOf(given, where);
  const bmp = format === 'bmp' ? bmpLayout(given, where) : undefined;
  if (bmp) assertSize(bmp, where, most);
  if (format === 'jpeg' && endsInZeros(given)) throw unreadable(where, 'a truncated JPEG (it ends in zeros)');
  try {
    const { result: metadata, bytes } = await strictly(
      format,
      bmp ? await bmpAsTiff(given, bmp) : given,
      (tried) => sharp(tried, { failOn: FAIL_ON, limitInputPixels: false }).metadata(),
    );
    const isTiff = format === 'tiff' || bmp !== undefined;
    const bands = (isTiff ? tiffBands(bytes) : undefined) ?? {
      extra: metadata.hasAlpha ? 1 : 0,
      alpha: metadata.hasAlpha ? 0 : undefined,
      unclear: false,
    };
    assertSize(metadata, where, most);
    assertSamples(metadata, bands, where);
    return { bytes, metadata, format, bands, bmp, isComplete: () => isComplete(format, given), where };
  } catch (cause) {
    if (isDskdError(cause)) throw cause;
    throw unreadable(where, `a damaged ${format.toUpperCase()} (${reasonOf(cause)})`, cause);
  }
}

/**
 * Runs the decoder, with pixel values as stored: ICC profiles are ignored, except for CMYK. A truncated or damaged image
 * causes an error; it is never completed with gray rows.
 */
export async function samplesOf({ bytes, metadata, format, bands, where }: OpenedImage): Promise<Samples> {
  const sharp = await loadSharp();
  const deep = metadata.depth === 'ushort';
  // cspell:disable-next-line -- libvips spells it so
  const deepGray = 'grey16';
  const isGray = deep && metadata.channels - bands.extra === 1;
  const space = deep ? (isGray ? deepGray : 'rgb16') : 'srgb';
  const upright = (metadata.orientation ?? 1) === 1;
  try {
    const { result } = await strictly(format, bytes, (tried) => {
      const image = sharp(tried, {
        failOn: FAIL_ON,
        ignoreIcc: metadata.space !== 'cmyk',
        limitInputPixels: MAX_PIXELS,
        // Decodes row by row into the result. Turning needs the whole image at once.
        sequentialRead: upright,
      }).toColourspace(space);
      return (upright ? image : image.autoOrient())
        .raw({ depth: deep ? 'ushort' : 'uchar' })
        .toBuffer({ resolveWithObject: true });
    });
    const { data, info } = result;
    const { width, height, channels } = info;
    const colors = isGray ? 1 : 3;
    if (channels !== colors + bands.extra || data.length !== width * height * channels * (deep ? 2 : 1)) {
      throw new Error(`its ${metadata.channels} bands were decoded to ${channels}`);
    }
    const alpha = bands.alpha === undefined ? undefined : colors + bands.alpha;
    const plain = new Uint8Array(data.buffer, data.byteOffset, data.length);
    // libvips returns 16-bit samples in native byte order, as typed arrays use. slice() aligns them.
    const values = !deep
      ? plain
      : data.byteOffset % 2 === 0
        ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2)
        : new Uint16Array(plain.slice().buffer);
    return { values, width, height, channels, alpha };
  } catch (cause) {
    throw unreadable(where, `a damaged or truncated ${format.toUpperCase()} (${reasonOf(cause)})`, cause);
  }
}
