import type { Augmentation } from './augmentation.js';

/**
 * The categories of MVTec LOCO AD whose parts may lie either way round. Not so breakfast_box (what lies left
 * and right is one of its rules) and juice_bottle (which stands, with a label).
 */
const LIE_EITHER_WAY: ReadonlySet<string> = new Set(['pushpins', 'screw_bag', 'splicing_connectors']);

/**
 * The augmentation of GCAD, which DSKD takes over: rotation up to 3 degrees, color jitter, flips by
 * category. Neither paper says how strong the jitter is and which category is flipped: factors of 0.9 to 1.1
 * and the list above are ours.
 * @param category of MVTec LOCO AD; any other, and none, is not flipped.
 */
export function gcadAugmentation(category?: string): Augmentation {
  const flips = category !== undefined && LIE_EITHER_WAY.has(category);
  return {
    flips: { horizontal: flips, vertical: flips },
    rotation: { degrees: 3 },
    colorJitter: { brightness: 0.1, contrast: 0.1, saturation: 0.1, hue: 0, probability: 1 },
  };
}
