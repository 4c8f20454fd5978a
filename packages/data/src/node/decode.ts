import type { PixelBuffer } from '@dskd/base';
import { unreadable } from '../image-format.js';
import {
  assertIntensityRange,
  type ImageFacts,
  type IntensityRange,
  levelsOf,
  valuesOf,
} from '../intensity.js';
import { compositePixels, isConstant } from '../rgb-image.js';
import { inSlices } from '../turns.js';
import { openImage, type OpenedImage, type Samples, samplesOf } from './open-image.js';

/** Maps 16-bit colors to 8 bits, opacity to its upper 8 bits, and counts the colors by their value. */
async function narrowed(
  { values, width, height, channels, alpha }: Samples,
  range: IntensityRange | undefined,
): Promise<{ data: Uint8Array; values: IntensityRange }> {
  const levels = levelsOf(range);
  const colors = channels < 3 ? 1 : 3;
  const data = new Uint8Array(values.length);
  const counts = new Uint32Array(65_536);
  await inSlices(width * height, (first, end) => {
    for (let pixel = first; pixel < end; pixel++) {
      for (let at = pixel * channels; at < pixel * channels + colors; at++) {
        const value = values[at]!;
        counts[value]!++;
        data[at] = levels[value]!;
      }
      if (alpha !== undefined) data[pixel * channels + alpha] = values[pixel * channels + alpha]! >> 8;
    }
  });
  return { data, values: valuesOf(counts) };
}

/** Whether a channel is 0 everywhere. */
function isEmpty({ values, width, height, channels }: Samples, channel: number): Promise<boolean> {
  return inSlices(width * height, (first, end) => {
    for (let pixel = first; pixel < end; pixel++) if (values[pixel * channels + channel] !== 0) return false;
    return true;
  });
}

/** Exchanges red and blue. */
async function exchangeColors(rgb: Uint8Array): Promise<void> {
  await inSlices(rgb.length / 3, (first, end) => {
    for (let at = first * 3; at < end * 3; at += 3) {
      const blue = rgb[at]!;
      rgb[at] = rgb[at + 2]!;
      rgb[at + 2] = blue;
    }
  });
}

/** Colors over black, and gray as three equal channels. */
async function toRgbPixels(
  { width, height, channels, alpha }: Samples,
  data: Uint8Array,
): Promise<Uint8Array> {
  const rgb = channels === 3 && alpha === undefined ? data : new Uint8Array(width * height * 3);
  if (channels < 3) {
    await inSlices(width * height, (first, end) => {
      for (let pixel = first; pixel < end; pixel++) {
        const gray = data[pixel * channels]!;
        const opacity = alpha === undefined ? 255 : data[pixel * channels + alpha]!;
        const value = Math.round((gray * opacity) / 255);
        rgb[pixel * 3] = value;
        rgb[pixel * 3 + 1] = value;
        rgb[pixel * 3 + 2] = value;
      }
    });
  } else if (rgb !== data) {
    await inSlices(width * height, (...pixels) => compositePixels(data, rgb, { channels, alpha }, pixels));
  }
  return rgb;
}

export interface DecodeOptions {
  /**
   * For 16-bit images: the stored values that become 0 and 255. Default: the upper 8 bits are taken. Kept in the
   * result; an image of 8 bits is then refused.
   */
  readonly intensityRange?: IntensityRange | undefined;
  /** A larger image is refused before it is decoded. Default: 2 ** 28, which cannot be raised. */
  readonly maxPixels?: number | undefined;
  /** Is told what else was found. */
  readonly onFacts?: (facts: ImageFacts) => void;
}

/**
 * Reads an image: PNG, JPEG, WebP, TIFF (first page) or BMP. The format is detected from the content, not from the
 * name.
 *
 * The result is RGB, 8 bits, upright (EXIF orientation applied). Gray becomes three equal channels; alpha is
 * composited over black; bands that are marked neither as colors nor as alpha are dropped; of 16 bits the upper 8 are
 * kept unless a range is given; CMYK is converted to sRGB; every other ICC profile is ignored. Reasons:
 * docs/decisions/0003-image-decoding.md.
 *
 * @param source a path, or the file's bytes.
 * @throws {DskdError} `image-unreadable` (also for truncated files), `file-not-found`, `dependency-missing`,
 * `invalid-argument` (the range)
 */
export async function decodeImage(
  source: string | Uint8Array,
  { intensityRange, maxPixels, onFacts }: DecodeOptions = {},
): Promise<PixelBuffer> {
  if (intensityRange) assertIntensityRange(intensityRange);
  const opened = await openImage(source, undefined, maxPixels);
  const deep = opened.metadata.depth === 'ushort';
  if (intensityRange && !deep) {
    throw unreadable(
      opened.where,
      `it has 8 bits, but the intensity range ${intensityRange.join(':')} is for images of 16 bits`,
    );
  }
  const { pixels, facts } = await decodeOpened(opened, intensityRange);
  onFacts?.(facts);
  return pixels;
}

async function decodeOpened(
  opened: OpenedImage,
  range?: IntensityRange,
): Promise<{ pixels: PixelBuffer; facts: ImageFacts }> {
  const { bands, bmp } = opened;
  const decoded = await samplesOf(opened);
  // A BMP whose opacity is 0 everywhere comes from a program that did not mean it.
  const opaque = bmp?.alpha === true && (await isEmpty(decoded, 3));
  const samples = opaque ? { ...decoded, alpha: undefined } : decoded;
  const { values, width, height } = samples;
  const cut = values instanceof Uint16Array ? await narrowed({ ...samples, values }, range) : undefined;
  const data = await toRgbPixels(samples, cut?.data ?? (values as Uint8Array));
  if (bmp?.order === 'bgr' && !bmp.palette) await exchangeColors(data);
  return {
    pixels: { data, width, height, channels: 3, ...(range && { intensityRange: range }) },
    facts: {
      bits: cut ? 16 : 8,
      values: cut?.values,
      // The fourth byte of a BMP is padding.
      droppedBands: bmp ? 0 : bands.extra - (bands.alpha === undefined ? 0 : 1),
    },
  };
}

/** What inspecting an image tells. */
export interface InspectedImage {
  readonly width: number;
  readonly height: number;
  /** Of an image that was decoded: what was found, and whether all its pixels are alike. */
  readonly facts?: ImageFacts & { readonly constant: boolean };
}

/**
 * Inspects an image without decoding it, unless only decoding can tell whether it is whole.
 * @param options.name of the image in messages.
 * @param options.thorough decodes it in any case.
 * @returns its upright size in pixels, and what decoding found.
 * @throws {DskdError} as {@link decodeImage}
 */
export async function inspectImage(
  source: string | Uint8Array,
  { name, thorough = false }: { readonly name?: string; readonly thorough?: boolean } = {},
): Promise<InspectedImage> {
  const opened = await openImage(source, name);
  const { width, height } = opened.metadata.autoOrient;
  if (!thorough && opened.isComplete()) return { width, height };
  const { pixels, facts } = await decodeOpened(opened);
  return { width, height, facts: { ...facts, constant: await isConstant(pixels) } };
}
