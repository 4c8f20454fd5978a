import { PreparedImages, type Sample } from '@dskd/data';
import type { Detector } from '../inference/detector.js';
import { preparationOf } from '../inference/preparation.js';
import { calibrate, type Calibration } from './calibrate.js';

export interface ScoreImagesOptions {
  readonly batchSize: number;
  readonly signal: AbortSignal | undefined;
  /** Measure what normalizes each branch on these images, instead of taking the detector's. */
  readonly measureStatistics?: boolean;
}

/** Scores images as the detector does, with what normalizes its maps; the detector stays as it is. */
export function scoreImages(
  { model, description, ignored }: Detector,
  images: readonly Sample[],
  { batchSize, signal, measureStatistics = false }: ScoreImagesOptions,
): Promise<Calibration> {
  const normalizations = new Map(
    description.branches.map(({ name, normalization }) => [name, normalization] as const),
  );
  return calibrate(model, description.fusion, new PreparedImages(images, preparationOf(description)), {
    batchSize,
    ignored,
    signal,
    ...(!measureStatistics && { normalizations }),
  });
}
