import { DskdError } from '@dskd/base';

/** The pixels of a region that are to be found for full marks. */
export interface SaturationRule {
  /** A share of the region's area (relative), above 0 and at most 1; or a number of pixels (absolute), at least 1. */
  readonly threshold: number;
  readonly relative: boolean;
  /** The region's, for error messages. */
  readonly name?: string;
}

/**
 * As MVTec's evaluation of LOCO AD counts: of a relative threshold the fraction of a pixel is cut off, an absolute one
 * is no more than the region's area.
 * @param area of the region, in pixels.
 * @throws {DskdError} `invalid-argument` for an empty region, a threshold out of range, and a relative threshold that
 * comes to less than a pixel: MVTec's evaluation would divide by zero.
 */
export function saturationAreaOf(
  area: number,
  { threshold, relative, name = 'a region' }: SaturationRule,
): number {
  const wrong = (got: string, wanted: string): never => {
    throw new DskdError('invalid-argument', `${name}: ${got}; wanted ${wanted}.`, {
      details: { name, area, threshold, relative },
    });
  };
  if (!Number.isInteger(area) || area < 1) return wrong(`its area is ${area}`, 'at least one pixel');
  if (!relative) {
    if (!Number.isInteger(threshold) || threshold < 1) {
      return wrong(`the saturation threshold is ${threshold}`, 'a whole number of pixels, at least 1');
    }
    return Math.min(threshold, area);
  }
  if (!(threshold > 0 && threshold <= 1)) {
    return wrong(`the relative saturation threshold is ${threshold}`, 'above 0 and at most 1');
  }
  const pixels = Math.trunc(threshold * area);
  if (pixels < 1) {
    return wrong(
      `the relative saturation threshold ${threshold} of ${area} pixels is none`,
      'at least one pixel',
    );
  }
  return pixels;
}
