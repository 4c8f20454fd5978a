import { DskdError } from '@dskd/base';
import { TRAINING_DEFAULTS, type Method, type Size, type Tiling } from '@dskd/methods';
import { defaultSigma, type FusionRule, type Normalization } from '@dskd/scoring';

/** What normal images tell: normalization of branches, threshold, p-values. */
export interface CalibrationOptions {
  /** Fraction of the training images kept back where there is no validation split. Default 0.1. */
  readonly holdOutFraction?: number;
  /** Calibrate on the training images instead (the paper's rule without a validation set). Default false. */
  readonly onTrainingImages?: boolean;
  /**
   * Which images normalize each branch (Eq. 8): those that calibrate, or those that trained, while scores and
   * threshold stay those of the ones that calibrate. Default `calibration`.
   */
  readonly statisticsOn?: 'calibration' | 'training';
  /**
   * What of those images normalizes a branch's map before the branches are fused: `moments`, mean and deviation
   * (Eq. 8); `quantiles`, which turns down a branch that is far off on some normal images; `image-scores`, mean and
   * deviation of the images' scores. Default: the method's own, else `moments`.
   */
  readonly normalization?: Normalization;
  /** How normalized branches become one. Default: the method's own, else `sum` (Eq. 8). */
  readonly fusion?: FusionRule;
  /** Factors of branches by name. Default: the method's own with its own rule, else 1. */
  readonly weights?: Readonly<Record<string, number>>;
  /**
   * Standard deviation of the Gaussian filter in input pixels. Default 4 x min(height, width) / 256, of a tile where
   * there are tiles.
   */
  readonly sigma?: number | undefined;
  /** The threshold is the quantile of normal scores for this rate of false alarms. Default 0.05. */
  readonly falseAlarmRate?: number;
}

/**
 * The options of calibration with every choice made.
 * @param options of the method, complete.
 * @throws {DskdError} `invalid-config` for a method that scores the images it was fitted on as perfect, and for weights
 * that are negative.
 */
export function resolveCalibration(
  given: CalibrationOptions,
  { inputSize, tiles }: { readonly inputSize: Size; readonly tiles: Tiling | null },
  method: Method,
  options: unknown,
): Required<CalibrationOptions> {
  const { name, needs } = method;
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
  const scoring = method.scoring?.(options);
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
