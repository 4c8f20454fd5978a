import { categoryNamed } from './categories.js';
import { assertSize } from './checks.js';
import { saturationAt } from './saturation.js';

/** As in the `defects_config.json` of MVTec LOCO AD. */
export interface DefectsConfigEntry {
  readonly defect_name: string;
  /** Of this defect's masks, 1..255. */
  readonly pixel_value: number;
  /** A share of the region's area, or a number of pixels at full size. */
  readonly saturation_threshold: number;
  readonly relative_saturation: boolean;
}

/**
 * The defect types of a category, in the form of MVTec LOCO AD's `defects_config.json`.
 * @param size of the images in pixels: absolute thresholds are areas.
 * @throws {DskdError} `invalid-argument`
 */
export function defectsConfig(category: string, { size }: { readonly size: number }): DefectsConfigEntry[] {
  assertSize(size);
  return categoryNamed(category).anomalies.map(({ name, pixelValue, saturation }) => {
    const { threshold, relative } = saturationAt(saturation, size);
    return {
      defect_name: name,
      pixel_value: pixelValue,
      saturation_threshold: threshold,
      relative_saturation: relative,
    };
  });
}
