import { DskdError } from '@dskd/base';
import { connectedComponents } from '@dskd/metrics';

/** A connected part of a map above the threshold. Lengths and areas are in pixels of the image (`scaleTo`). */
export interface Region {
  readonly box: {
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly height: number;
  };
  /** Rounded to whole pixels. */
  readonly area: number;
  /** The highest value in the region. */
  readonly score: number;
  /** The pixel with that value. */
  readonly peak: { readonly x: number; readonly y: number };
}

export interface FindRegionsOptions {
  /** Of the map, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Pixels greater than this belong to a region; usually the threshold of the image's score. */
  readonly threshold: number;
  /** Smaller regions are left out. In pixels of the image. Default 0. */
  readonly minArea?: number;
  /** Size of the original image that the map covers. Default: the map's own. */
  readonly scaleTo?: { readonly width: number; readonly height: number };
  /** `height * width` values; pixels that are not 0 belong to no region. */
  readonly ignored?: Uint8Array;
}

function checkSizes(map: Float32Array, { width, height, scaleTo, ignored }: FindRegionsOptions): void {
  const sides = [width, height, scaleTo?.width ?? width, scaleTo?.height ?? height];
  if (!sides.every((side) => Number.isInteger(side) && side > 0)) {
    throw new DskdError('invalid-argument', `Got sides of ${sides.join(', ')}; wanted positive integers.`);
  }
  for (const [name, length] of [
    ['a map', map.length],
    ['an ignore mask', ignored?.length ?? width * height],
  ] as const) {
    if (length !== width * height) {
      throw new DskdError('shape-mismatch', `Got ${name} of ${length} pixels; wanted ${width} x ${height}.`, {
        details: { length, width, height },
      });
    }
  }
}

/** The connected component at hand: its bounds in pixels of the map, both ends included, and its highest pixel. */
interface Component {
  pixels: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
  peak: number;
}

/**
 * The connected regions (8-neighborhood) of a map above a threshold.
 * @param map `height * width` values, row by row: one smoothed map, as passed to `imageScores`.
 * @returns the regions, sorted by their highest value, descending.
 * @throws {DskdError} `invalid-argument` for sides that are not positive integers, `shape-mismatch` when map or
 * mask have another size.
 */
export function findRegions(map: Float32Array, options: FindRegionsOptions): Region[] {
  checkSizes(map, options);
  const { width, height, threshold, minArea = 0, scaleTo = { width, height }, ignored } = options;
  // Multiplied first: an edge at a whole pixel of the image stays exact.
  const toX = (x: number): number => (x * scaleTo.width) / width;
  const toY = (y: number): number => (y * scaleTo.height) / height;
  // A loop: `Uint8Array.from` takes most of the time of this function.
  const above = new Uint8Array(map.length);
  for (let i = 0; i < map.length; i++) if (map[i]! > threshold && !ignored?.[i]) above[i] = 1;
  const components: Component[] = [];
  connectedComponents(above, width, height, (pixel, number) => {
    const x = pixel % width;
    const y = (pixel - x) / width;
    components[number - 1] ??= { pixels: 0, left: x, right: x, top: y, bottom: y, peak: pixel };
    const component = components[number - 1]!;
    component.pixels++;
    if (map[pixel]! > map[component.peak]!) component.peak = pixel;
    component.left = Math.min(component.left, x);
    component.right = Math.max(component.right, x);
    component.top = Math.min(component.top, y);
    component.bottom = Math.max(component.bottom, y);
  });

  const regions: Region[] = [];
  for (const { pixels, left, right, top, bottom, peak } of components) {
    const area = toX(toY(pixels));
    if (area < minArea) continue;
    const boxLeft = Math.floor(toX(left));
    const boxTop = Math.floor(toY(top));
    const peakX = peak % width;
    const peakY = (peak - peakX) / width;
    regions.push({
      box: {
        left: boxLeft,
        top: boxTop,
        width: Math.ceil(toX(right + 1)) - boxLeft,
        height: Math.ceil(toY(bottom + 1)) - boxTop,
      },
      area: Math.round(area),
      score: map[peak]!,
      peak: { x: Math.floor(toX(peakX + 0.5)), y: Math.floor(toY(peakY + 0.5)) },
    });
  }
  return regions.sort((a, b) => b.score - a.score);
}
