import { DskdError, throwIfAborted, type EventListener, type PixelBuffer } from '@dskd/base';
import { datasetError, imageProblem, type DatasetProblem, type ImageSource, type Sample } from '@dskd/data';
import { imagesPerPass } from '@dskd/methods';
import type { EvaluationResult } from '@dskd/metrics';
import type { Detector } from '../inference/detector.js';
import type { IgnoreMask } from '../inference/ignored-pixels.js';
import type { Prediction } from '../inference/prediction.js';

/** How the images of an evaluation are gone through. */
export interface TestImageOptions {
  /** Images per pass. Does not change results. Default 8, fewer where they are cut into tiles. */
  readonly batchSize?: number;
  readonly onEvent?: EventListener;
  readonly signal?: AbortSignal;
}

/** A test image, just scored. */
export interface PredictedImage {
  readonly sample: Sample;
  /** As `sample.load()` gave it. */
  readonly image: PixelBuffer;
  readonly prediction: Prediction;
}

/** @throws {DskdError} `dataset-invalid` if there are none. */
export function testSamplesOf(source: ImageSource): Sample[] {
  const samples = source.samples.filter(({ split }) => split === 'test');
  if (samples.length > 0) return samples;
  throw new DskdError('dataset-invalid', `${source.name} has no test images to evaluate on.`, {
    hint:
      'The layouts of MVTec AD, MVTec LOCO AD and BTAD have them in test, a manifest in rows with the split test. ' +
      "Folders of any names: openSource({ folders: { good, bad, masks, split: 'test' } }) of @dskd/data/node.",
    details: { source: source.name, missing: 'test' },
  });
}

/**
 * Scores `samples` one after another and hands each to `use`, which is awaited before it is said to be scored. After an
 * image that cannot be read the others are read, and no longer scored, so that one error lists all of them.
 * @param name of the dataset, for that error.
 * @throws {DskdError} `dataset-invalid` with the images that cannot be read in `details.problems`, `disposed`,
 * `aborted`; whatever `use` throws.
 */
export async function predictTestImages(
  detector: Detector,
  { name, samples }: Pick<ImageSource, 'name' | 'samples'>,
  {
    batchSize = imagesPerPass(detector.description),
    ignored,
    onEvent,
    signal,
  }: TestImageOptions & { readonly ignored?: IgnoreMask | undefined },
  use: (image: PredictedImage) => Promise<void>,
): Promise<void> {
  const problems: DatasetProblem[] = [];
  for (let start = 0; start < samples.length; start += batchSize) {
    throwIfAborted(signal);
    const chunk = samples.slice(start, start + batchSize);
    const images: PixelBuffer[] = [];
    const load = async (sample: Sample, place: number): Promise<void> => {
      try {
        images[place] = await sample.load({ intensityRange: detector.intensityRange });
      } catch (error) {
        problems.push(imageProblem(sample, error));
      }
    };
    await Promise.all(chunk.map(load));
    if (problems.length > 0) continue;
    const predictions = await detector.predict(images, { batchSize, ...(ignored && { ignored }) });
    for (const [place, prediction] of predictions.entries()) {
      throwIfAborted(signal);
      const sample = chunk[place]!;
      await use({ sample, image: images[place]!, prediction });
      const index = start + place;
      onEvent?.({
        type: 'image-scored',
        id: sample.id,
        index,
        total: samples.length,
        score: prediction.score,
      });
    }
  }
  if (problems.length > 0) throw datasetError(name, problems);
}

/** What MVTec LOCO AD calls its two kinds of anomalous images. */
const LOCO_SUBSETS: readonly string[] = ['logical_anomalies', 'structural_anomalies'];

/**
 * By whose rules test images are judged: MVTec LOCO AD's where all anomalous ones have defects that are known
 * apart, or belong to its two subsets; else MVTec AD's.
 */
export function protocolOf(samples: readonly Sample[]): EvaluationResult['protocol'] {
  const anomalous = samples.filter(({ label }) => label === 'anomalous');
  const isLoco =
    anomalous.length > 0 &&
    (anomalous.every((sample) => sample.loadRegions !== undefined) ||
      anomalous.every(({ defectType }) => LOCO_SUBSETS.includes(defectType)));
  return isLoco ? 'mvtec-loco-ad' : 'mvtec-ad';
}
