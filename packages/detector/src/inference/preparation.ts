import type { Preparation } from '@dskd/data';
import type { DetectorDescription } from '../artifact/description.js';

/**
 * How images become the network's input, by a detector's description or a training's resolved options.
 * @param ignored the detector's own: `height * width` of the network's input, 1 where pixels never count; null where all do.
 */
export function preparationOf(
  {
    inputSize: [height, width],
    resize: { fit, fill },
    cover,
    intensityRange,
  }: {
    readonly inputSize: readonly [number, number];
    readonly resize: DetectorDescription['resize'];
    readonly cover?: DetectorDescription['cover'];
    readonly intensityRange?: DetectorDescription['intensityRange'];
  },
  ignored: Uint8Array | null,
): Preparation {
  return {
    height,
    width,
    fit,
    ...(fill && { fill }),
    ...(cover && ignored && { cover: { pixels: ignored, color: cover } }),
    ...(intensityRange && { intensityRange }),
  };
}
