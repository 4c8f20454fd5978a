import { PreparedImages, type Sample } from '@dskd/data';
import { calibrate } from './calibrate.js';
import { accessTo, type Detector } from './detector.js';
import { ruleOf } from './fusion-rule.js';
import { preparationOf } from './preparation.js';

export interface ScoreImagesOptions {
  readonly batchSize: number;
  readonly signal: AbortSignal | undefined;
  /** Measure each branch's mean and deviation on these images, instead of taking the detector's. */
  readonly measureStatistics?: boolean;
}

/** Scores images as the detector does, with what normalizes its maps; the detector stays as it is. */
export function scoreImages(
  detector: Detector,
  images: readonly Sample[],
  { batchSize, signal, measureStatistics = false }: ScoreImagesOptions,
): ReturnType<typeof calibrate> {
  const { teacher, branches, ignored } = accessTo.parts(detector);
  const { description } = detector;
  const normalizations = new Map(
    description.branches.map(({ name, normalization }) => [name, normalization] as const),
  );
  return calibrate(
    teacher.extractor,
    branches,
    ruleOf(description),
    new PreparedImages(images, preparationOf(description)),
    { batchSize, ignored, signal, ...(!measureStatistics && { normalizations }) },
  );
}
