import type { PixelBuffer } from '@dskd/base';
import { resizeBilinearAntialiased } from '@dskd/core/resize';
import { dataUrl } from '../html.js';
import { drawContour } from './overlays.js';

/** The good patch that is nearest to a region of an image. */
export interface Explanation {
  /** Side length in pixels of the two square crops. */
  readonly side: number;
  /** Crop of the image around the region, as a data URL. */
  readonly region: string;
  /** Crop of the good image around the patch, as a data URL. Absent if that image is not available. */
  readonly nearest?: string;
  /** The whole good image, small, with the patch marked, as a data URL: in place of `nearest` if only that is available. */
  readonly thumbnail?: { readonly url: string; readonly width: number; readonly height: number };
  /** Name of the good image. */
  readonly from: string;
  /** Distance of the patches, in the units of the raw map. */
  readonly distance: number;
}

/** Size in pixels. */
interface Box {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
}

export interface ExplanationSource {
  /** 1 (gray), 3 (RGB) or 4 (RGBA) channels. */
  readonly image: PixelBuffer;
  /** The region, in pixels of `image`. */
  readonly region: Box;
  /** The good image, if it is available, and the patch in its pixels. */
  readonly good?: { readonly image: PixelBuffer; readonly patch: Box };
  /** A thumbnail of the good image, if only that is available, and the patch in its pixels. */
  readonly thumbnail?: { readonly image: PixelBuffer; readonly patch: Box };
  readonly from: string;
  readonly distance: number;
}

/**
 * Minimum side of a crop, as a fraction of the image's shorter side. A patch without its surroundings is hard to
 * recognize.
 */
const LEAST_SHARE = 1 / 6;

/** What an explanation shows, as pixels. */
interface ExplanationCuts {
  /** Square crop of the image around the region. */
  readonly region: PixelBuffer;
  /** Square crop of the good image around the patch. */
  readonly nearest?: PixelBuffer;
  /** The thumbnail with a line around the patch: RGB. */
  readonly thumbnail?: PixelBuffer;
}

/**
 * Cuts out what an explanation shows. Both crops show the same fraction of their images. A thumbnail, which a crop would
 * leave few pixels of, is shown whole.
 * @param side of the crops in pixels, and the longer side of the thumbnail.
 */
export function explanationCuts(
  { image, region, good, thumbnail }: Omit<ExplanationSource, 'from' | 'distance'>,
  side: number,
): ExplanationCuts {
  const shorter = Math.min(image.width, image.height);
  const share = Math.min(1, Math.max(LEAST_SHARE, (1.25 * Math.max(region.width, region.height)) / shorter));
  const cut = (of: PixelBuffer, box: Box): PixelBuffer =>
    resizeBilinearAntialiased(cutAround(of, box, share), { width: side, height: side });
  return {
    region: cut(image, region),
    ...(good && { nearest: cut(good.image, good.patch) }),
    ...(!good && thumbnail && { thumbnail: marked(thumbnail.image, thumbnail.patch, side) }),
  };
}

/**
 * Makes the crops of an explanation, or shows the thumbnail of the good image where that is not available.
 * @throws {DskdError} `invalid-argument` when `encode` returns neither PNG, JPEG nor WebP.
 */
export async function makeExplanation(
  { from, distance, ...source }: ExplanationSource,
  {
    side = 96,
    encode,
  }: { readonly side?: number; readonly encode: (cut: PixelBuffer) => Promise<Uint8Array> },
): Promise<Explanation> {
  const { region, nearest, thumbnail } = explanationCuts(source, side);
  const urlOf = async (cut: PixelBuffer): Promise<string> => dataUrl(await encode(cut));
  return {
    side,
    region: await urlOf(region),
    ...(nearest && { nearest: await urlOf(nearest) }),
    ...(thumbnail && {
      thumbnail: { url: await urlOf(thumbnail), width: thumbnail.width, height: thumbnail.height },
    }),
    from,
    distance,
  };
}

/** An image at `side` pixels on its longer side, with a line around a box. */
function marked(image: PixelBuffer, box: Box, side: number): PixelBuffer {
  const scale = side / Math.max(image.width, image.height);
  const scaled = (length: number): number => Math.max(1, Math.round(length * scale));
  const size = { width: scaled(image.width), height: scaled(image.height) };
  const left = Math.min(Math.round(box.left * scale), size.width - 1);
  const top = Math.min(Math.round(box.top * scale), size.height - 1);
  const right = Math.min(left + scaled(box.width), size.width);
  const bottom = Math.min(top + scaled(box.height), size.height);
  const mask = new Uint8Array(size.width * size.height);
  for (let y = top; y < bottom; y++) mask.fill(1, y * size.width + left, y * size.width + right);
  return drawContour(resizeBilinearAntialiased(image, size), mask);
}

/** A square around the center of a box, moved to be inside the image. */
function cutAround({ data, width, height, channels }: PixelBuffer, box: Box, share: number): PixelBuffer {
  const side = Math.max(1, Math.round(share * Math.min(width, height)));
  const start = (middle: number, length: number): number =>
    Math.min(Math.max(Math.round(middle - side / 2), 0), length - side);
  const left = start(box.left + box.width / 2, width);
  const top = start(box.top + box.height / 2, height);
  const cut = new Uint8Array(side * side * channels);
  for (let row = 0; row < side; row++) {
    const from = ((top + row) * width + left) * channels;
    cut.set(data.subarray(from, from + side * channels), row * side * channels);
  }
  return { data: cut, width: side, height: side, channels };
}
