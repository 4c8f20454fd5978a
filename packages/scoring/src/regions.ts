import { DskdError } from '@dskd/base';

/** A connected part of a map above the threshold. Lengths in pixels of the image (`scaleTo`). */
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
  /** Where that value is. */
  readonly peak: { readonly x: number; readonly y: number };
}

export interface FindRegionsOptions {
  /** Of the map. */
  readonly width: number;
  readonly height: number;
  /** Pixels greater than this belong to a region; the threshold of the image's score is the natural one. */
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

/**
 * The connected regions (8-neighborhood) of a map above a threshold, the highest peak first.
 * @param map `height * width` values, row by row: one smoothed map, as given to `imageScores`.
 * @throws {DskdError} `invalid-argument` for sides that are not positive integers, `shape-mismatch` when map or
 * mask have another size.
 */
export function findRegions(map: Float32Array, options: FindRegionsOptions): Region[] {
  checkSizes(map, options);
  const { width, height, threshold, minArea = 0, scaleTo = { width, height }, ignored } = options;
  // Multiplied first: an edge that falls on a whole pixel of the image stays there.
  const toX = (x: number): number => (x * scaleTo.width) / width;
  const toY = (y: number): number => (y * scaleTo.height) / height;
  const pending = Uint8Array.from(map, (value, i) => (value > threshold && !ignored?.[i] ? 1 : 0));
  const stack = new Int32Array(map.length);
  const regions: Region[] = [];

  for (let start = 0; start < map.length; start++) {
    if (!pending[start]) continue;
    let [left, right, top, bottom] = [width, 0, height, 0];
    let pixels = 0;
    let peak = start;
    let waiting = 0;
    stack[waiting++] = start;
    pending[start] = 0;
    while (waiting > 0) {
      const pixel = stack[--waiting]!;
      const x = pixel % width;
      const y = (pixel - x) / width;
      pixels++;
      if (map[pixel]! > map[peak]!) peak = pixel;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
      for (let row = Math.max(y - 1, 0); row <= Math.min(y + 1, height - 1); row++) {
        for (let column = Math.max(x - 1, 0); column <= Math.min(x + 1, width - 1); column++) {
          const neighbor = row * width + column;
          if (!pending[neighbor]) continue;
          pending[neighbor] = 0;
          stack[waiting++] = neighbor;
        }
      }
    }
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
