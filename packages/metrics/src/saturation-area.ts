import { DskdError } from '@dskd/base';

/** The saturation rule of a defect type, as `defects_config.json` of MVTec LOCO AD has it. */
export interface SaturationRule {
  /** A share of the region's area (relative), above 0 and at most 1; or a number of pixels (absolute), at least 1. */
  readonly threshold: number;
  readonly relative: boolean;
}

/** The region of an error. */
export interface RegionPlace {
  /** Of the image. */
  readonly name: string;
  /** Index of the region. */
  readonly region: number;
  readonly label: string;
  readonly defectType: string | undefined;
}

/**
 * The saturation area of a region in pixels. Of a rule, as in the evaluation script of MVTec LOCO AD:
 * `trunc(threshold * area)` for a relative threshold, `min(threshold, area)` for an absolute one.
 * @param area of the region, in pixels, at least 1.
 * @param where said in errors.
 * @throws {DskdError} `invalid-argument` for a number or threshold out of range, and a relative threshold that gives less
 * than one pixel (MVTec's script would divide by zero).
 */
export function saturationAreaOf(area: number, given: number | SaturationRule, where: RegionPlace): number {
  const { name, label, ...place } = where;
  const wrong = (what: string, got: string, wanted: string): never => {
    throw new DskdError('invalid-argument', `${name}: ${what} of ${label} ${got}; wanted ${wanted}.`, {
      details: { name, ...place, saturationArea: given },
    });
  };
  if (typeof given === 'number') {
    if (Number.isInteger(given) && given >= 1) return given;
    return wrong('the saturation area', `is ${given}`, 'a whole number of pixels, at least 1');
  }
  const { threshold, relative } = given;
  if (!relative) {
    if (Number.isInteger(threshold) && threshold >= 1) return Math.min(threshold, area);
    return wrong('the saturation threshold', `is ${threshold}`, 'a whole number of pixels, at least 1');
  }
  if (!(threshold > 0 && threshold <= 1)) {
    return wrong('the relative saturation threshold', `is ${threshold}`, 'above 0 and at most 1');
  }
  const pixels = Math.trunc(threshold * area);
  if (pixels < 1) {
    return wrong(
      'the relative saturation threshold',
      `is ${threshold}, of ${area} pixels none`,
      'at least one pixel',
    );
  }
  return pixels;
}
