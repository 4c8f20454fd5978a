import { PreparedPictures, type Sample } from '@dskd/data';
import { calibrate } from './calibrate.js';
import { accessTo, type Detector } from './detector.js';
import { ruleOf } from './fusion-rule.js';
import { preparationOf } from './preparation.js';

export interface ScorePicturesOptions {
  readonly batchSize: number;
  readonly signal: AbortSignal | undefined;
  /** Measure each branch's mean and deviation on these pictures, instead of taking the detector's. */
  readonly measureStatistics?: boolean;
}

/** Scores pictures as the detector does, with what normalises its maps; the detector stays as it is. */
export function scorePictures(
  detector: Detector,
  pictures: readonly Sample[],
  { batchSize, signal, measureStatistics = false }: ScorePicturesOptions,
): ReturnType<typeof calibrate> {
  const { teacher, branches, ignored } = accessTo.parts(detector);
  const { description } = detector;
  const constants = new Map(
    description.branches.map(({ name, mean, standardDeviation }) => [name, { mean, standardDeviation }]),
  );
  return calibrate(
    teacher.extractor,
    branches,
    ruleOf(description),
    new PreparedPictures(pictures, preparationOf(description)),
    { batchSize, ignored, signal, ...(!measureStatistics && { constants }) },
  );
}
