import type { Preparation } from '@dskd/data';
import type { DetectorDescription } from '../artifact/description.js';

/** How images become the network's input, by a detector's description or a training's resolved options. */
export function preparationOf({
  inputSize: [height, width],
  resize: { fit, fill },
  intensityRange,
}: {
  readonly inputSize: readonly [number, number];
  readonly resize: DetectorDescription['resize'];
  readonly intensityRange?: DetectorDescription['intensityRange'];
}): Preparation {
  return { height, width, fit, ...(fill && { fill }), ...(intensityRange && { intensityRange }) };
}
