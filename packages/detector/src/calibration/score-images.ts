import type { EventListener } from '@dskd/base';
import { PreparedImages, type Sample } from '@dskd/data';
import type { Detector } from '../inference/detector.js';
import { preparationOf } from '../inference/preparation.js';
import { calibrate, type Calibration } from './calibrate.js';
import { readImages } from './read-images.js';

export interface ScoreImagesOptions {
  /** Name of the dataset, for the error. */
  readonly name: string;
  readonly batchSize: number;
  readonly onEvent?: EventListener | undefined;
  readonly signal: AbortSignal | undefined;
  /** Measure what normalizes each branch on these images, instead of taking the detector's. */
  readonly measureStatistics?: boolean;
}

/**
 * Reads all images, then scores them as the detector does, with what normalizes its maps; the detector stays as it is.
 * @returns with a hash of each image, as `readImages` gives it.
 * @throws {DskdError} `dataset-invalid` with all images that cannot be used in `details.problems`; `aborted`.
 */
export async function scoreImages(
  { model, description, ignored }: Detector,
  samples: readonly Sample[],
  { name, batchSize, onEvent, signal, measureStatistics = false }: ScoreImagesOptions,
): Promise<Calibration & { readonly imageHashes: readonly string[] }> {
  const normalizations = new Map(
    description.branches.map((branch) => [branch.name, branch.normalization] as const),
  );
  const prepared = new PreparedImages(samples, preparationOf(description, ignored));
  const [imageHashes] = await readImages([{ samples, prepared }], { name, onEvent, signal });
  const calibration = await calibrate(model, description.fusion, prepared, {
    batchSize,
    ignored,
    signal,
    ...(!measureStatistics && { normalizations }),
  });
  return { ...calibration, imageHashes: imageHashes! };
}
