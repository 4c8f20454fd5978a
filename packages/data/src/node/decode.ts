import { readFile } from 'node:fs/promises';
import { DskdError, type PixelBuffer } from '@dskd/base';
import type { Metadata, Sharp } from 'sharp';
import { overBlack } from '../visible-colour.js';
import { endsProperly, READABLE_FORMATS, READABLE_NAMES, sniffFormat } from './picture-format.js';
import { loadSharp } from './sharp.js';

interface OpenedPicture {
  /** The picture upright; its numbers as stored, whatever its ICC profile says (CMYK excepted). */
  readonly pipeline: Sharp;
  readonly metadata: Metadata;
  readonly format: string;
  readonly bytes: Uint8Array;
}

function unreadable(where: string, problem: string, cause?: unknown): DskdError {
  return new DskdError('image-unreadable', `${where}: ${problem}.`, { details: { where, problem }, cause });
}

function nameOf(source: string | Uint8Array): string {
  return typeof source === 'string' ? source : `a picture of ${source.length} bytes`;
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replace(/\s*\n\s*/g, '; ');
}

/** Reads a file. @throws {DskdError} `file-not-found`, `image-unreadable` */
async function readBytes(source: string | Uint8Array): Promise<Uint8Array> {
  if (typeof source !== 'string') return source;
  try {
    return await readFile(source);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new DskdError('file-not-found', `${source}: there is no such file.`, {
        details: { where: source },
        cause,
      });
    }
    throw unreadable(source, reasonOf(cause), cause);
  }
}

async function open(source: string | Uint8Array): Promise<OpenedPicture> {
  const sharp = await loadSharp();
  const where = nameOf(source);
  // Always from bytes: libvips remembers files by name and would show an old picture under a reused name.
  const bytes = await readBytes(source);
  if (bytes.length === 0) throw unreadable(where, 'the file is empty');
  const format = sniffFormat(bytes);
  if (format === undefined || !(READABLE_FORMATS as readonly string[]).includes(format)) {
    throw unreadable(where, `not a picture we read (${READABLE_NAMES}) but ${format ?? 'something else'}`);
  }
  const failOn = 'warning';
  let metadata: Metadata;
  try {
    metadata = await sharp(bytes, { failOn }).metadata();
  } catch (cause) {
    throw unreadable(where, `a damaged ${format.toUpperCase()} (${reasonOf(cause)})`, cause);
  }
  if (metadata.depth !== 'uchar' && metadata.depth !== 'ushort') {
    throw unreadable(where, `its samples are of type ${metadata.depth}; wanted 8 or 16 bits without a sign`);
  }
  const ignoreIcc = metadata.space !== 'cmyk';
  return { pipeline: sharp(bytes, { failOn, ignoreIcc }).autoOrient(), metadata, format, bytes };
}

/** Runs the decoder. A truncated or damaged picture is an error, never grey rows. */
async function rawPixels(
  source: string | Uint8Array,
  { pipeline, format }: OpenedPicture,
): Promise<{ data: Uint8Array; width: number; height: number; channels: number }> {
  try {
    const { data, info } = await pipeline.raw().toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    return { data: new Uint8Array(data.buffer, data.byteOffset, data.length), width, height, channels };
  } catch (cause) {
    throw unreadable(
      nameOf(source),
      `a damaged or truncated ${format.toUpperCase()} (${reasonOf(cause)})`,
      cause,
    );
  }
}

/**
 * Reads a picture: PNG, JPEG, WebP or TIFF (its first page), told by content, not by name.
 *
 * The result is RGB, 8 bits, upright (EXIF orientation applied). Grey becomes three equal channels; alpha
 * is composited over black; of 16 bits the upper 8 are kept; CMYK is converted to sRGB; every other ICC
 * profile is ignored. Reasons: docs/decisions/0003-image-decoding.md.
 *
 * @param source a path, or the file's bytes.
 * @throws {DskdError} `image-unreadable` (also for truncated files), `file-not-found`, `dependency-missing`
 */
export async function decodeImage(source: string | Uint8Array): Promise<PixelBuffer> {
  const opened = await open(source);
  opened.pipeline.toColourspace('srgb');
  const { data, width, height, channels } = await rawPixels(source, opened);
  return { data: channels === 4 ? overBlack(data) : data, width, height, channels: 3 };
}

/**
 * Reads a ground truth: 1 channel, upright, 255 where the file shows any colour but black (of 16 bits, any
 * value but 0: masks may hold small numbers of defects), 0 elsewhere.
 * @throws {DskdError} as {@link decodeImage}
 */
export async function decodeMask(source: string | Uint8Array): Promise<PixelBuffer> {
  const opened = await open(source);
  const deep = opened.metadata.depth === 'ushort';
  // 16 bits come as pairs of bytes: a value is 0 when both are.
  const bytesPerValue = deep ? 2 : 1;
  if (deep) opened.pipeline.toColourspace('rgb16').raw({ depth: 'ushort' });
  else opened.pipeline.toColourspace('srgb');
  const { data, width, height, channels } = await rawPixels(source, opened);
  const mask = new Uint8Array(width * height);
  const stride = channels * bytesPerValue;
  const anyOf = (from: number, count: number): boolean => {
    for (let i = from; i < from + count; i++) if (data[i] !== 0) return true;
    return false;
  };
  for (let pixel = 0; pixel < mask.length; pixel++) {
    const from = pixel * stride;
    const visible = channels === 3 || anyOf(from + 3 * bytesPerValue, bytesPerValue);
    if (visible && anyOf(from, 3 * bytesPerValue)) mask[pixel] = 255;
  }
  return { data: mask, width, height, channels: 1 };
}

/**
 * Looks at a picture without decoding it, unless its end looks as if something were missing.
 * @returns its upright size.
 * @throws {DskdError} as {@link decodeImage}
 */
export async function inspectImage(source: string | Uint8Array): Promise<{ width: number; height: number }> {
  const opened = await open(source);
  if (!endsProperly(opened.format, opened.bytes)) await rawPixels(source, opened);
  return opened.metadata.autoOrient;
}
