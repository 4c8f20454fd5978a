import { DskdError } from '@dskd/base';
import { holdOut, type ImageSource, type Sample } from '@dskd/data';
import type { DetectorDescription } from './description.js';
import { TRAINING_DEFAULTS } from './training-options.js';

/** What decides which good images calibrate. */
export interface CalibrationRule {
  readonly holdOutFraction?: number;
  readonly calibrateOnTraining?: boolean;
  readonly seed?: number;
}

export interface ChosenImages {
  readonly training: Sample[];
  readonly calibration: Sample[];
  readonly origin: DetectorDescription['calibration']['images'];
}

/**
 * Which good images train and which calibrate. Test images are never touched.
 * @throws {DskdError} `dataset-invalid`
 */
export function chooseImages(source: ImageSource, rule: CalibrationRule): ChosenImages {
  const {
    holdOutFraction = TRAINING_DEFAULTS.holdOutFraction,
    seed = TRAINING_DEFAULTS.seed,
    calibrateOnTraining = false,
  } = rule;
  const good = (split: Sample['split']): Sample[] =>
    source.samples.filter((sample) => sample.split === split && sample.label === 'good');
  const all = good('train');
  if (all.length < 2) {
    throw new DskdError(
      'dataset-invalid',
      `${source.name} has too few good images to train on: got ${all.length}, wanted at least 2.`,
      {
        hint: 'Put images of good parts into the folder (MVTec AD layout: train/good).',
      },
    );
  }
  if (calibrateOnTraining) return { training: all, calibration: all, origin: 'training' };
  const validation = good('validation');
  if (validation.length > 0) return { training: all, calibration: validation, origin: 'validation' };
  const { kept, heldOut } = holdOut(all, { fraction: holdOutFraction, seed });
  return { training: kept, calibration: heldOut, origin: 'held-out' };
}
