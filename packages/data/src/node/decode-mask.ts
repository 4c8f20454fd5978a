import type { PixelBuffer } from '@dskd/base';
import { unreadable } from '../image-format.js';
import { inSlices } from '../turns.js';
import { openImage, type OpenedImage, samplesOf } from './open-image.js';

/** @throws {DskdError} as {@link openImage}; `image-unreadable` also for JPEG. */
async function openMask(source: string | Uint8Array, name: string | undefined): Promise<OpenedImage> {
  const opened = await openImage(source, name);
  if (opened.format !== 'jpeg') return opened;
  throw unreadable(opened.where, 'a mask must be stored without loss (PNG, TIFF, WebP), not as JPEG');
}

/** Maximum over the color channels of each pixel, in the bit depth of the file; 0 for fully transparent pixels. */
async function maskLevels(
  opened: OpenedImage,
): Promise<{ levels: Uint8Array | Uint16Array; width: number; height: number }> {
  const { values, width, height, channels, alpha } = await samplesOf(opened);
  const colors = channels < 3 ? 1 : 3;
  const levels =
    values instanceof Uint16Array ? new Uint16Array(width * height) : new Uint8Array(width * height);
  await inSlices(levels.length, (first, end) => {
    for (let pixel = first; pixel < end; pixel++) {
      const at = pixel * channels;
      if (alpha !== undefined && values[at + alpha] === 0) continue;
      levels[pixel] = colors === 1 ? values[at]! : Math.max(values[at]!, values[at + 1]!, values[at + 2]!);
    }
  });
  return { levels, width, height };
}

/**
 * Reads a ground-truth mask: 1 channel, upright, 255 where any color channel is not 0, else 0. In 16-bit files any
 * value except 0 counts, because masks may contain small defect numbers.
 * @throws {DskdError} as {@link openImage}
 */
export async function decodeMask(source: string | Uint8Array): Promise<PixelBuffer> {
  const { levels, width, height } = await maskLevels(await openImage(source));
  // Uint8Array.from with a callback is about 40 times slower.
  const data = new Uint8Array(levels.length);
  await inSlices(levels.length, (first, end) => {
    for (let pixel = first; pixel < end; pixel++) data[pixel] = levels[pixel] === 0 ? 0 : 255;
  });
  return { data, width, height, channels: 1 };
}

/**
 * Decodes the mask of one defect. All pixels of the defect have one value, which identifies the type of defect.
 * @returns its upright size in pixels, that value (as stored for gray files, else the maximum over the channels) and
 * the number of pixels that have it.
 * @throws {DskdError} as {@link openImage}; `image-unreadable` also for JPEG, and if there is no value besides 0 or
 * more than one.
 */
export async function inspectRegion(
  source: string | Uint8Array,
  { name }: { readonly name?: string } = {},
): Promise<{ width: number; height: number; value: number; area: number }> {
  const opened = await openMask(source, name);
  const { levels, width, height } = await maskLevels(opened);
  const counts = await histogram(levels);
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
async function histogram(levels: Uint8Array | Uint16Array): Promise<Uint32Array> {
  const counts = new Uint32Array(levels instanceof Uint8Array ? 256 : 65536);
  await inSlices(levels.length, (first, end) => {
    for (let pixel = first; pixel < end; pixel++) counts[levels[pixel]!]!++;
  });
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
 * @throws {DskdError} as {@link openImage}; `image-unreadable` also for JPEG, because its compression blurs the
 * edges of a mask, and for images with as many values as a photograph.
 */
export async function inspectMask(
  source: string | Uint8Array,
  { name }: { readonly name?: string } = {},
): Promise<{ width: number; height: number; marked: number }> {
  const opened = await openMask(source, name);
  const { levels, width, height } = await maskLevels(opened);
  const counts = await histogram(levels);
  if (!looksLikeMask(counts, levels.length)) {
    throw unreadable(
      opened.where,
      'it has as many different values as a photograph; in a mask good pixels are 0 (black) and others have one or few other values',
    );
  }
  return { width, height, marked: levels.length - counts[0]! };
}
