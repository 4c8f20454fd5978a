import { DskdError, type PixelBuffer } from '@dskd/base';
import type { ScoreMap } from '@dskd/metrics';
import { resizeBilinearAntialiased } from '@dskd/core/resize';
import { panelSide, type GalleryImages } from '../gallery-collector.js';
import { dataUrl } from '../html.js';
import { drawContour, heatMapOverlay, type BranchFusion, type HeatScale } from './overlays.js';

/** An image with its anomaly maps, all of the same size. */
export interface PanelSource {
  /** 1 (gray), 3 (RGB) or 4 (RGBA) channels. */
  readonly image: PixelBuffer;
  /** Ground truth: one channel, not 0 where the defect is. A mask without a defect gives no panel. */
  readonly mask?: PixelBuffer;
  readonly fused: ScoreMap;
  readonly branches: Readonly<Record<string, ScoreMap>>;
}

export interface PanelOptions {
  /** Color scale of the fused map. */
  readonly scale: HeatScale;
  /**
   * How the detector fuses its branches. With `sum`, the default, each of n maps is one term and is drawn with 1/n of
   * the scale. With the other rules each map alone can raise an alarm and is drawn with the whole scale.
   */
  readonly fusion?: BranchFusion;
  /**
   * Length of a panel's longer side in pixels. Smaller images are not enlarged. Default: 192, or depending on
   * `images`.
   */
  readonly side?: number;
  /** Number of images on the page. More images give smaller panels, for a file below 5 MB. */
  readonly images?: number;
  /** Encodes an RGB panel as WebP, JPEG or PNG. */
  readonly encode: (panel: PixelBuffer) => Promise<Uint8Array>;
}

/**
 * The panels of one image of a gallery: thumbnails of the input, of the ground truth as a contour, and of each map over
 * the image.
 * @throws {DskdError} `shape-mismatch` unless mask and maps have the size of the image; `invalid-argument` when `encode`
 * returns neither PNG, JPEG nor WebP.
 */
export async function makePanels(
  { image, mask, fused, branches }: PanelSource,
  {
    scale,
    images,
    fusion = 'sum',
    side = images === undefined ? 192 : panelSide(images),
    encode,
  }: PanelOptions,
): Promise<GalleryImages> {
  const size = thumbnailSize(image, side);
  const small = resizeBilinearAntialiased(image, size);
  const url = async (panel: PixelBuffer): Promise<string> => dataUrl(await encode(panel));
  const overlay = (name: string, map: ScoreMap, shares = 1): Promise<string> => {
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
  const shares = fusion === 'sum' ? all.length : 1;
  for (const [name, map] of all) maps[name] = await overlay(name, map, shares);
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
    { hint: 'mapInImage of @dskd/detector resizes a map to the size of its image.' },
  );
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Size of a thumbnail whose longer side is `side`. A smaller image keeps its size. */
export function thumbnailSize({ width, height }: Size, side: number): Size {
  const share = Math.min(1, side / Math.max(width, height));
  return {
    width: Math.max(1, Math.round(width * share)),
    height: Math.max(1, Math.round(height * share)),
  };
}

/**
 * Reduces the size of a map or mask by the maximum: pixels above a threshold stay above it in the thumbnail.
 * @param source `from.width * from.height` values, row by row; `to` is not larger than `from`.
 */
export function shrinkByMaximum<T extends Float32Array | Uint8Array>(source: T, from: Size, to: Size): T {
  const result = source.slice(0, to.width * to.height) as T;
  for (let y = 0; y < to.height; y++) {
    const top = Math.floor((y * from.height) / to.height);
    const bottom = Math.ceil(((y + 1) * from.height) / to.height);
    for (let x = 0; x < to.width; x++) {
      const left = Math.floor((x * from.width) / to.width);
      const right = Math.ceil(((x + 1) * from.width) / to.width);
      let most = -Infinity;
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) {
          most = Math.max(most, source[row * from.width + column]!);
        }
      }
      result[y * to.width + x] = most;
    }
  }
  return result;
}

/** Reduces the size of a map by the maximum. */
export function shrinkMap(map: ScoreMap, size: Size): ScoreMap {
  return { data: shrinkByMaximum(map.data, map, size), ...size };
}
