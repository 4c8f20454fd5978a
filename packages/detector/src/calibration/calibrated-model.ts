import type { AnomalyModel } from '@dskd/methods';
import type { DetectorDescription } from '../artifact/description.js';
import type { Thumbnails } from '../inference/thumbnails.js';

/** What calibration or a lesson decides of a detector. */
export type CalibrationChange = Partial<
  Pick<DetectorDescription, 'branches' | 'calibration' | 'threshold' | 'config' | 'lessons'>
>;

/** What of a detector a lesson and an explanation work with. The detector itself is one. */
export interface CalibratedModel {
  readonly model: AnomalyModel;
  readonly description: DetectorDescription;
  /** `height * width` of the network's input, 1 where pixels never count; null where all do. */
  readonly ignored: Uint8Array | null;
  /** The images of the fit, small; null where they were not kept. */
  readonly thumbnails: Thumbnails | null;
  changeCalibration(change: CalibrationChange): void;
}
