import { DskdError } from '@dskd/base';

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

/** A connected component: its bounds in pixels of the map, both ends included, and its highest pixel. */
interface Component {
  readonly pixels: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly peak: number;
}

/** The map with a border of one pixel: 1 where a pixel is above the threshold and not ignored, else 0. */
function pixelsAbove(
  map: Float32Array,
  { width, height, threshold, ignored }: FindRegionsOptions,
): Uint8Array {
  const stride = width + 2;
  const above = new Uint8Array(stride * (height + 2));
  for (let y = 0, pixel = 0; y < height; y++) {
    const row = (y + 1) * stride + 1;
    for (let x = 0; x < width; x++, pixel++) {
      if (map[pixel]! > threshold && !ignored?.[pixel]) above[row + x] = 1;
    }
  }
  return above;
}

/**
 * The component of a pixel. Its pixels are removed from `above`.
 * @param above with a border, as {@link pixelsAbove} returns it.
 * @param waiting room for all pixels of the component.
 */
function takeComponent(
  map: Float32Array,
  above: Uint8Array,
  width: number,
  first: number,
  waiting: Int32Array,
): Component {
  const stride = width + 2;
  let [pixels, count] = [0, 1];
  let [left, right, top, bottom] = [width, -1, above.length, -1];
  let [peak, highest] = [-1, -Infinity];
  waiting[0] = first;
  above[first] = 0;
  while (count > 0) {
    const at = waiting[--count]!;
    const row = (at / stride) | 0;
    const y = row - 1;
    const x = at - row * stride - 1;
    const pixel = y * width + x;
    pixels++;
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
    const value = map[pixel]!;
    if (value > highest) {
      highest = value;
      peak = pixel;
    }
    // Written out: a loop over the neighbors takes twice as long.
    const up = at - stride;
    const down = at + stride;
    if (above[up - 1] === 1) {
      above[up - 1] = 0;
      waiting[count++] = up - 1;
    }
    if (above[up] === 1) {
      above[up] = 0;
      waiting[count++] = up;
    }
    if (above[up + 1] === 1) {
      above[up + 1] = 0;
      waiting[count++] = up + 1;
    }
    if (above[at - 1] === 1) {
      above[at - 1] = 0;
      waiting[count++] = at - 1;
    }
    if (above[at + 1] === 1) {
      above[at + 1] = 0;
      waiting[count++] = at + 1;
    }
    if (above[down - 1] === 1) {
      above[down - 1] = 0;
      waiting[count++] = down - 1;
    }
    if (above[down] === 1) {
      above[down] = 0;
      waiting[count++] = down;
    }
    if (above[down + 1] === 1) {
      above[down + 1] = 0;
      waiting[count++] = down + 1;
    }
  }
  return { pixels, left, right, top, bottom, peak };
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
  const { width, height, minArea = 0, scaleTo = { width, height } } = options;
  // Multiplied first: an edge at a whole pixel of the image stays exact.
  const toX = (x: number): number => (x * scaleTo.width) / width;
  const toY = (y: number): number => (y * scaleTo.height) / height;
  const above = pixelsAbove(map, options);
  const waiting = new Int32Array(map.length);
  const components: Component[] = [];
  for (let first = above.indexOf(1); first >= 0; first = above.indexOf(1, first + 1)) {
    components.push(takeComponent(map, above, width, first, waiting));
  }

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
