import { DskdError } from '@dskd/base';
import { TRAINING_DEFAULTS, type Method, type Size, type Tiling } from '@dskd/methods';
import { defaultSigma } from '@dskd/scoring';
import type { CalibrationOptions } from './training-options.js';

/**
 * The options of calibration with every choice made.
 * @throws {DskdError} `invalid-config` for a method that scores the images it was fitted on as perfect, and for weights
 * that are negative.
 */
export function resolveCalibration(
  given: CalibrationOptions,
  { inputSize, tiles }: { readonly inputSize: Size; readonly tiles: Tiling | null },
  { name, needs, scoring }: Method,
): Required<CalibrationOptions> {
  const onTrainingImages = given.onTrainingImages ?? TRAINING_DEFAULTS.onTrainingImages;
  if (needs.validation && (onTrainingImages || given.statisticsOn === 'training')) {
    throw new DskdError(
      'invalid-config',
      `The method ${name} cannot be calibrated on the images it was fitted on: their scores are near 0.`,
      {
        hint: 'Hold some images back (calibration.holdOutFraction), or give a validation split.',
        details: { method: name, calibration: 'training' },
      },
    );
  }
  for (const [branch, weight] of Object.entries(given.weights ?? {})) {
    if (Number.isFinite(weight) && weight >= 0) continue;
    throw new DskdError(
      'invalid-config',
      `Got the weight ${weight} of the branch ${branch}; wanted a number that is not negative.`,
      { details: { branch, weight } },
    );
  }
  const ownRule = given.fusion === undefined || given.fusion === scoring?.fusion;
  return {
    holdOutFraction: given.holdOutFraction ?? TRAINING_DEFAULTS.holdOutFraction,
    onTrainingImages,
    statisticsOn: given.statisticsOn ?? TRAINING_DEFAULTS.statisticsOn,
    normalization: given.normalization ?? scoring?.normalization ?? TRAINING_DEFAULTS.normalization,
    fusion: given.fusion ?? scoring?.fusion ?? TRAINING_DEFAULTS.fusion,
    weights: given.weights ?? (ownRule ? (scoring?.weights ?? {}) : {}),
    sigma: given.sigma ?? defaultSigma(tiles ? [tiles.size, tiles.size] : inputSize),
    falseAlarmRate: given.falseAlarmRate ?? TRAINING_DEFAULTS.falseAlarmRate,
  };
}
