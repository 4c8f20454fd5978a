import { throwIfAborted, type PixelBuffer } from '@dskd/base';
import { resizeBilinearAntialiased } from '@dskd/core';
import type { PixelSize, Placement, PreparedImages, Rectangle } from '@dskd/data';
import type { NearestPatch, Size } from '@dskd/methods';
import type { StateDictEntry } from '@dskd/weights';

/** The images of a fit as the network saw them, small: they show a nearest patch where the images are not at hand. */
export interface Thumbnails extends PixelSize {
  /** RGB bytes `[images, height, width, 3]`, one image after the other in the order of the fit. */
  readonly data: Uint8Array;
}

/** The thumbnails as the file holds them. */
export function thumbnailTensor({ width, height, data }: Thumbnails): StateDictEntry {
  const images = data.length / bytesOfThumbnail({ width, height });
  return { dtype: 'U8', shape: [images, height, width, 3], data };
}

/** Bytes of one thumbnail. */
export function bytesOfThumbnail({ width, height }: PixelSize): number {
  return width * height * 3;
}

/**
 * The network's input made small: `side` pixels on its longer side, at most its own.
 * @param inputSize `[height, width]`
 */
export function thumbnailSize([height, width]: Size, side: number): PixelSize {
  const longer = Math.max(height, width);
  const scaled = (length: number): number =>
    Math.max(1, Math.round((length * Math.min(side, longer)) / longer));
  return { width: scaled(width), height: scaled(height) };
}

/**
 * @param images of the fit; they are taken without augmentation, one at a time.
 * @throws {DskdError} `aborted`, and what reading images throws.
 */
export async function makeThumbnails(
  images: PreparedImages,
  size: PixelSize,
  signal: AbortSignal | undefined,
): Promise<Thumbnails> {
  const bytes = bytesOfThumbnail(size);
  const data = new Uint8Array(images.length * bytes);
  for (let index = 0; index < images.length; index++) {
    throwIfAborted(signal);
    const [image] = await images.images([index], signal ? { signal } : {});
    data.set(resizeBilinearAntialiased(image!, size).data, index * bytes);
  }
  return { ...size, data };
}

/** Part of one side of an image: where it starts, and how long it is. */
interface Span {
  readonly start: number;
  readonly length: number;
}

/** The whole pixels of a side of `to` pixels that are touched by what is inside of `content` on one of `from`, at least one. */
function touched(
  { start, length }: Span,
  content: Span,
  { from, to }: { readonly from: number; readonly to: number },
): Span {
  const scaled = (value: number): number => {
    const inside = Math.min(Math.max(value, content.start), content.start + content.length);
    return (inside * to) / from;
  };
  const first = Math.min(Math.floor(scaled(start)), to - 1);
  return { start: first, length: Math.max(1, Math.ceil(scaled(start + length)) - first) };
}

/**
 * The thumbnail of a training image with a patch in it. In the order of the fit altered copies follow the images, all of
 * them each time: a copy has the thumbnail of its image, and the place of the patch is that in the copy.
 * @param image index in the order of the fit.
 * @param area of the patch, in pixels of the network's input; what is inside of `content` counts.
 * @param content the part of the network's input that shows the image.
 * @returns the image, a copy, and the pixels that the patch touches.
 */
export function thumbnailAt(
  { width, height, data }: Thumbnails,
  { image: index, area }: Pick<NearestPatch, 'image' | 'area'>,
  { content, network }: Pick<Placement, 'content' | 'network'>,
): { readonly image: PixelBuffer; readonly area: Rectangle } {
  const bytes = bytesOfThumbnail({ width, height });
  const offset = (index * bytes) % data.length;
  const across = touched(
    { start: area.x, length: area.width },
    { start: content.left, length: content.width },
    { from: network.width, to: width },
  );
  const down = touched(
    { start: area.y, length: area.height },
    { start: content.top, length: content.height },
    { from: network.height, to: height },
  );
  return {
    image: { data: data.slice(offset, offset + bytes), width, height, channels: 3 },
    area: { left: across.start, top: down.start, width: across.length, height: down.length },
  };
}
