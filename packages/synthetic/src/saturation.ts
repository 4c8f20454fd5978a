import type { SaturationRule } from './scene/definition.js';

/** As in MVTec LOCO AD: a share of the region's area (0..1], or a number of pixels at full size. */
export interface Saturation {
  readonly threshold: number;
  readonly relative: boolean;
}

export function saturationAt(rule: SaturationRule, size: number): Saturation {
  if (rule.relative) return { threshold: rule.share, relative: true };
  return { threshold: Math.floor(rule.area * size * size + 0.5), relative: false };
}
