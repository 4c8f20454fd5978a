import { DskdError, type EventListener } from '@dskd/base';
import type { ImageSource } from '@dskd/data';
import { imagesPerPass } from '@dskd/methods';
import type { ErrorCosts } from '@dskd/metrics';
import { assertSource } from '../inference/arguments.js';
import type { Detector } from '../inference/detector.js';
import { costThreshold, f1Threshold } from './labeled-thresholds.js';
import { scoreImages } from './score-images.js';

export interface ChooseThresholdOptions {
  /** What the two kinds of error cost. Default: the threshold is the one with the highest F1. */
  readonly costs?: ErrorCosts;
  /** Images per pass. Does not change results. Default 8, fewer where they are cut into tiles. */
  readonly batchSize?: number;
  readonly onEvent?: EventListener;
  readonly signal?: AbortSignal;
}

/** What a threshold does on the images it was chosen from: on others it does worse. */
export interface ChosenThreshold {
  /** An image is anomalous when its score is greater. */
  readonly threshold: number;
  /** Good images above it, of how many. */
  readonly falseAlarms: number;
  readonly normals: number;
  /** Anomalous images not above it, of how many. */
  readonly misses: number;
  readonly anomalies: number;
}

/**
 * Sets a detector's threshold from examples of both kinds: the good images it is calibrated with, whose scores it
 * keeps (`recalibrate` changes them), and those of `anomalies`: the ones labeled anomalous or, where none is (a
 * plain folder), all of them. Nothing is trained, no score changes. Images that choose the threshold must not be
 * the ones an evaluation counts.
 * @returns the threshold, with its errors. Where the costs say that nothing is to be flagged, it is the highest score
 * seen. The detector is changed once all is computed, kept when saved; on an error it stays as it was.
 * @throws {DskdError} `dataset-invalid` (no images), `invalid-argument` (costs), `disposed`, `aborted`, and what
 * reading images throws.
 */
export async function chooseThreshold(
  detector: Detector,
  anomalies: ImageSource,
  { costs, batchSize = imagesPerPass(detector.description), onEvent, signal }: ChooseThresholdOptions = {},
): Promise<ChosenThreshold> {
  const choose = (
    scores: readonly number[],
    labels: readonly number[],
  ): ReturnType<typeof f1Threshold> | ReturnType<typeof costThreshold> =>
    costs ? costThreshold(scores, labels, costs) : f1Threshold(scores, labels);
  // Before any image is read.
  choose([0, 1], [0, 1]);

  assertSource(anomalies, 'anomalies of chooseThreshold');
  const labeled = anomalies.samples.filter(({ label }) => label === 'anomalous');
  const images = labeled.length > 0 ? labeled : anomalies.samples;
  if (images.length === 0) {
    throw new DskdError('dataset-invalid', `${anomalies.name} has no images.`, {
      hint: 'Give a folder of images of bad parts.',
    });
  }
  const { scores: bad } = await scoreImages(detector, images, {
    name: anomalies.name,
    batchSize,
    onEvent,
    signal,
  });
  const good = detector.description.calibration.scores;
  const scores = [...good, ...bad];
  const labels = [...good.map(() => 0), ...bad.map(() => 1)];
  const { threshold, falseAlarms, misses } = choose(scores, labels);
  const value = Math.min(threshold, Math.max(...scores));
  detector.changeCalibration({
    threshold: {
      value,
      falseAlarmRate: null,
      guaranteed: false,
      chosenBy: costs ? 'cost' : 'f1-max',
    },
  });
  return { threshold: value, falseAlarms, normals: good.length, misses, anomalies: bad.length };
}
