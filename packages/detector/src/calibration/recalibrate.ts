import type { EventListener } from '@dskd/base';
import type { ImageSource } from '@dskd/data';
import { quantileThreshold, type QuantileThreshold } from '@dskd/scoring';
import type { Detector } from '../inference/detector.js';
import { imagesPerPass, TRAINING_DEFAULTS } from '@dskd/methods';
import { recalibrationImages } from './choose-images.js';
import { scoreImages } from './score-images.js';

export interface RecalibrateOptions {
  /** The threshold is the quantile of the images' scores for this rate. Default: the detector's own, else 0.05. */
  readonly falseAlarmRate?: number;
  /**
   * In (0, 1): how sure it is to be, over the drawing of the images, that the rate is not exceeded. Takes more of
   * them (see `toleranceLimit.normals` of `@dskd/scoring`). Default: the rate is promised on average.
   */
  readonly confidence?: number;
  /**
   * Also measure anew the mean and deviation by which each branch's map is normalized, which changes every
   * score. Default false: scores stay comparable with earlier ones.
   */
  readonly statistics?: boolean;
  /** Images per pass. Does not change results. Default 8, fewer where they are cut into tiles. */
  readonly batchSize?: number;
  readonly onEvent?: EventListener;
  readonly signal?: AbortSignal;
}

/**
 * Sets a detector's threshold, and what its p-values compare with, from images of good parts; nothing is
 * trained. Takes the source's good `validation` images where it has some, else its good `train` images (a
 * plain folder's are that); never its test images. They should be images the students have not seen: a
 * warning is emitted for the data the detector was trained on.
 * @returns the threshold, with what can be promised of it. The detector is changed once all is computed, kept
 * when saved; on an error it stays as it was.
 * @throws {DskdError} `dataset-invalid` (no good images), `invalid-argument` (the rate or confidence), `disposed`,
 * `aborted`, and what reading images throws.
 */
export async function recalibrate(
  detector: Detector,
  source: ImageSource,
  options: RecalibrateOptions = {},
): Promise<QuantileThreshold> {
  const { statistics = false, confidence, onEvent, signal } = options;
  const { description } = detector;
  const { batchSize = imagesPerPass(description) } = options;
  const { falseAlarmRate = description.threshold.falseAlarmRate ?? TRAINING_DEFAULTS.falseAlarmRate } =
    options;
  // Before any image is read.
  const promise = confidence === undefined ? {} : { confidence };
  quantileThreshold([0], falseAlarmRate, promise);

  const normals = recalibrationImages(source);
  const fingerprint = await source.fingerprint(signal ? { signal } : {});
  if (
    normals[0]!.split !== 'validation' &&
    description.trainings.some((run) => run.dataFingerprint === fingerprint)
  ) {
    onEvent?.({
      type: 'warning',
      message:
        `${source.name} is what the detector was trained on: its scores are lower than those of new good ` +
        'images, and the threshold will raise more false alarms than asked for.',
    });
  }
  onEvent?.({ type: 'calibration-start', samples: normals.length });

  const { normalizations, scores, branchScores } = await scoreImages(detector, normals, {
    batchSize,
    signal,
    measureStatistics: statistics,
  });
  const result = quantileThreshold(scores, falseAlarmRate, promise);
  detector.changeCalibration({
    // As they are now.
    branches: detector.description.branches.map((branch) => ({
      ...branch,
      normalization: normalizations.get(branch.name)!,
      calibrationScores: branchScores.get(branch.name)!,
    })),
    calibration: { images: 'given', scores },
    threshold: { value: result.threshold, falseAlarmRate, ...promise, guaranteed: result.guaranteed },
  });
  return result;
}
