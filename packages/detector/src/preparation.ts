import { LETTERBOX_FILL, type Preparation } from '@dskd/data';
import type { DetectorDescription } from './description.js';
import type { TrainDetectorOptions } from './training-options.js';

/** The resize rule that a training's options ask for, as the artifact records it. */
export function resizeRule({
  fit = 'stretch',
  fill = LETTERBOX_FILL,
}: Pick<TrainDetectorOptions, 'fit' | 'fill'>): DetectorDescription['resize'] {
  return {
    fit,
    filter: 'bilinear-antialiased',
    fill: fit === 'letterbox' ? [fill[0], fill[1], fill[2]] : null,
  };
}

/** How images become the network's input, by a detector's description. */
export function preparationOf({
  inputSize: [height, width],
  resize: { fit, fill },
}: Pick<DetectorDescription, 'inputSize' | 'resize'>): Preparation {
  return { height, width, fit, ...(fill && { fill }) };
}
