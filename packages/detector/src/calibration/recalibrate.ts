import type { EventListener } from '@dskd/base';
import type { ImageSource, Sample } from '@dskd/data';
import { quantileThreshold, type QuantileThreshold } from '@dskd/scoring';
import type { DetectorDescription } from '../artifact/description.js';
import { assertSource } from '../inference/arguments.js';
import type { Detector } from '../inference/detector.js';
import { imagesPerPass, TRAINING_DEFAULTS } from '@dskd/methods';
import { alsoLearnedWarning, canPromise, countAlsoLearned } from './also-learned.js';
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
 * How many of the images the model has learned. A file of an earlier version knows no single images: of it all count where
 * they are the data that it was trained on.
 */
async function countLearned(
  description: DetectorDescription,
  {
    source,
    normals,
    imageHashes,
    signal,
  }: {
    readonly source: ImageSource;
    readonly normals: readonly Sample[];
    readonly imageHashes: readonly string[];
    readonly signal: AbortSignal | undefined;
  },
): Promise<number> {
  const { trainings } = description;
  const older = trainings.filter((run) => run.imageHashes === undefined);
  if (older.length > 0 && normals[0]!.split !== 'validation') {
    const fingerprint = await source.fingerprint(signal ? { signal } : {});
    if (older.some(({ dataFingerprint }) => dataFingerprint === fingerprint)) return normals.length;
  }
  return countAlsoLearned(description, imageHashes);
}

/**
 * Sets a detector's threshold, and what its p-values compare with, from images of good parts; nothing is
 * trained. Takes the source's good `validation` images where it has some, else its good `train` images (a
 * plain folder's are that); never its test images. They should be images that the model has not seen: those it has
 * are found by their pixels, a warning says how many, and then no rate is promised.
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

  assertSource(source, 'source of recalibrate');
  const normals = recalibrationImages(source);
  onEvent?.({ type: 'calibration-start', samples: normals.length });

  const { normalizations, scores, branchScores, imageHashes } = await scoreImages(detector, normals, {
    name: source.name,
    batchSize,
    onEvent,
    signal,
    measureStatistics: statistics,
  });
  const alsoLearned = await countLearned(description, { source, normals, imageHashes, signal });
  if (alsoLearned > 0) {
    onEvent?.({ type: 'warning', message: alsoLearnedWarning(source.name, alsoLearned, normals.length) });
  }
  const chosen = quantileThreshold(scores, falseAlarmRate, promise);
  const calibration: DetectorDescription['calibration'] = {
    images: 'given',
    scores,
    ...(alsoLearned > 0 && { alsoLearned }),
  };
  const result = { ...chosen, guaranteed: chosen.guaranteed && canPromise(calibration) };
  detector.changeCalibration({
    // As they are now.
    branches: detector.description.branches.map((branch) => ({
      ...branch,
      normalization: normalizations.get(branch.name)!,
      calibrationScores: branchScores.get(branch.name)!,
    })),
    calibration,
    threshold: { value: result.threshold, falseAlarmRate, ...promise, guaranteed: result.guaranteed },
  });
  return result;
}
