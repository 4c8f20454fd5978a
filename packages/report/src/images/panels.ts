import { DskdError, type PixelBuffer } from '@dskd/base';
import type { GalleryImages } from '../gallery-image.js';
import { drawContour } from './contour.js';
import { dataUrl } from './data-url.js';
import { heatMapOverlay, type HeatMap } from './heat-map-overlay.js';
import type { HeatScale } from './heat-scale.js';
import { shrinkByMaximum, shrinkMap, shrinkImage, thumbnailSize, type Size } from './shrink.js';

/** An image and what was found in it, all of one size. */
export interface PanelSource {
  /** 1 (gray), 3 (RGB) or 4 (RGBA) channels. */
  readonly image: PixelBuffer;
  /** Ground truth: one channel, not 0 where the defect is. One without a defect gives no panel. */
  readonly mask?: PixelBuffer;
  readonly fused: HeatMap;
  readonly branches: Readonly<Record<string, HeatMap>>;
}

export interface PanelOptions {
  /** Of the fused map. Each of n branches adds to it (Eq. 8) and is drawn on its share, an n-th of this. */
  readonly scale: HeatScale;
  /** The longer side of a panel in pixels; smaller images stay as they are. Default 192. */
  readonly side?: number;
  /** Compresses a panel, RGB: as WebP, JPEG or PNG. */
  readonly encode: (panel: PixelBuffer) => Promise<Uint8Array>;
}

/**
 * The panels of one image in a gallery: thumbnails of the input, of its ground truth as a contour and of each
 * map laid over it.
 * @throws {DskdError} `shape-mismatch` unless all have the image's size; `invalid-argument` for an encoding
 * that no browser shows.
 */
export async function makePanels(
  { image, mask, fused, branches }: PanelSource,
  { scale, side = 192, encode }: PanelOptions,
): Promise<GalleryImages> {
  const size = thumbnailSize(image, side);
  const small = shrinkImage(image, size);
  const url = async (panel: PixelBuffer): Promise<string> => dataUrl(await encode(panel));
  const overlay = (name: string, map: HeatMap, shares = 1): Promise<string> => {
    assertSameSize(`the map ${name}`, map, image);
    const ofShare = { low: scale.low / shares, threshold: scale.threshold / shares };
    return url(heatMapOverlay(small, shrinkMap(map, size), ofShare));
  };
  const contour = (truth: PixelBuffer): Promise<string> => {
    assertSameSize('the mask', truth, image);
    const set = shrinkByMaximum(Uint8Array.from(truth.data), image, size);
    return url(drawContour(small, set, Math.max(size.width, size.height) > 160 ? 2 : 1));
  };
  const input = await url(small);
  const groundTruth = mask?.data.some((value) => value !== 0) ? await contour(mask) : undefined;
  const maps: Record<string, string> = {};
  const all = Object.entries(branches);
  for (const [name, map] of all) maps[name] = await overlay(name, map, all.length);
  return {
    ...size,
    input,
    ...(groundTruth !== undefined && { groundTruth }),
    fused: await overlay('fused', fused),
    branches: maps,
  };
}

function assertSameSize(what: string, got: Size, wanted: Size): void {
  if (got.width === wanted.width && got.height === wanted.height) return;
  throw new DskdError(
    'shape-mismatch',
    `Got ${what} of ${got.width} x ${got.height} for an image of ${wanted.width} x ${wanted.height}.`,
    { hint: 'mapInImage of @dskd/detector brings a map to the size of its image.' },
  );
}
