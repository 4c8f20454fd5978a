import type { PixelBuffer } from '@dskd/base';
import { resizeBilinearAntialiased } from '@dskd/core/resize';
import { dataUrl } from '../html.js';

/** The good patch that is nearest to a region of an image. */
export interface Explanation {
  /** Side length in pixels of the two square crops. */
  readonly side: number;
  /** Crop of the image around the region, as a data URL. */
  readonly region: string;
  /** Crop of the good image around the patch, as a data URL. Absent if that image is not available. */
  readonly nearest?: string;
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
  readonly from: string;
  readonly distance: number;
}

/**
 * Minimum side of a crop, as a fraction of the image's shorter side. A patch without its surroundings is hard to
 * recognize.
 */
const LEAST_SHARE = 1 / 6;

/**
 * Makes the crops of an explanation. Both crops show the same fraction of their images.
 * @throws {DskdError} `invalid-argument` when `encode` returns neither PNG, JPEG nor WebP.
 */
export async function makeExplanation(
  { image, region, good, from, distance }: ExplanationSource,
  {
    side = 96,
    encode,
  }: { readonly side?: number; readonly encode: (cut: PixelBuffer) => Promise<Uint8Array> },
): Promise<Explanation> {
  const shorter = Math.min(image.width, image.height);
  const share = Math.min(1, Math.max(LEAST_SHARE, (1.25 * Math.max(region.width, region.height)) / shorter));
  const cutUrl = async (of: PixelBuffer, box: Box): Promise<string> =>
    dataUrl(
      await encode(resizeBilinearAntialiased(cutAround(of, box, share), { width: side, height: side })),
    );
  return {
    side,
    region: await cutUrl(image, region),
    ...(good && { nearest: await cutUrl(good.image, good.patch) }),
    from,
    distance,
  };
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
