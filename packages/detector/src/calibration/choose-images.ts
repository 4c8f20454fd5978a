import { DskdError } from '@dskd/base';
import { holdOut, type ImageSource, type Sample } from '@dskd/data';
import type { DetectorDescription } from '../artifact/description.js';

/** What decides which good images calibrate. */
export interface CalibrationRule {
  /** Fraction of the training images kept back where there is no validation split. */
  readonly holdOutFraction: number;
  /** Calibrate on the training images instead. */
  readonly onTrainingImages: boolean;
  /** Whether a single image will do: altered copies of it calibrate. */
  readonly oneWillDo?: boolean;
  readonly seed: number;
}

export interface ChosenImages {
  readonly training: Sample[];
  readonly calibration: Sample[];
  readonly origin: DetectorDescription['calibration']['images'];
}

/** The good samples of a split. */
function good(source: ImageSource, split: Sample['split']): Sample[] {
  return source.samples.filter((sample) => sample.split === split && sample.label === 'good');
}

/**
 * Which good images train and which calibrate. Test images are never touched.
 * @throws {DskdError} `dataset-invalid`
 */
export function chooseImages(source: ImageSource, rule: CalibrationRule): ChosenImages {
  const all = good(source, 'train');
  if (all.length === 1 && rule.oneWillDo) {
    const validation = good(source, 'validation');
    if (validation.length === 0) return { training: all, calibration: all, origin: 'altered' };
    return { training: all, calibration: validation, origin: 'validation' };
  }
  if (all.length < 2) {
    throw new DskdError(
      'dataset-invalid',
      `${source.name} has too few good images to train on: got ${all.length}, wanted at least 2.`,
      {
        hint:
          'Put images of good parts into the folder (MVTec AD layout: train/good). ' +
          'A method in closed form learns from one image too, if an augmentation alters copies of it.',
      },
    );
  }
  if (rule.onTrainingImages) return { training: all, calibration: all, origin: 'training' };
  const validation = good(source, 'validation');
  if (validation.length > 0) return { training: all, calibration: validation, origin: 'validation' };
  const { kept, heldOut } = holdOut(all, { fraction: rule.holdOutFraction, seed: rule.seed });
  return { training: kept, calibration: heldOut, origin: 'held-out' };
}

/**
 * Good images to calibrate a trained detector on: the `validation` split where it has good ones, else all good ones
 * outside the test split.
 * @throws {DskdError} `dataset-invalid`
 */
export function recalibrationImages(source: ImageSource): Sample[] {
  const validation = good(source, 'validation');
  const images = validation.length > 0 ? validation : good(source, 'train');
  if (images.length > 0) return images;
  throw new DskdError('dataset-invalid', `${source.name} has no good images outside its test split.`, {
    hint: 'Give a folder of images of good parts that were not trained on.',
  });
}

/**
 * Good images to learn as a lesson: all outside the test split.
 * @throws {DskdError} `dataset-invalid`
 */
export function lessonImages(source: ImageSource): Sample[] {
  const images = source.samples.filter(({ split, label }) => split !== 'test' && label === 'good');
  if (images.length > 0) return images;
  throw new DskdError(
    'dataset-invalid',
    `${source.name} has no good images outside its test split to learn.`,
    {
      hint: 'Give images of good parts that raised a false alarm: a folder of them, or a list.',
    },
  );
}
