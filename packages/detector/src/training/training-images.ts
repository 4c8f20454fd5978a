import { PreparedImages } from '@dskd/data';
import { alsoLearnedWarning, countAlsoLearned } from '../calibration/also-learned.js';
import type { PreparedBatches } from '../calibration/calibrate.js';
import { readImages } from '../calibration/read-images.js';
import { standIns } from './altered-copies.js';
import type { ResolvedTraining } from './training-options.js';

/** The images of a training, all of them read once. */
export interface TrainingImages {
  readonly training: PreparedImages;
  /** The good images that calibrate. */
  readonly calibration: PreparedBatches;
  /** Of each training image, in their order. */
  readonly imageHashes: string[];
  /** How many of the images that were kept back to calibrate are also trained on, by their pixels. */
  readonly alsoLearned: number;
}

/**
 * Reads every image that trains, calibrates or will be tested on, before the first step. Warns of odd images: first what they are, then what
 * follows from it.
 * @throws {DskdError} `dataset-invalid` with all images that cannot be used in `details.problems`; `aborted`,
 * `dependency-missing`.
 */
export async function readTrainingImages({
  source: { name },
  chosen,
  testImages,
  copies,
  preparation,
  progress,
}: Pick<
  ResolvedTraining,
  'source' | 'chosen' | 'testImages' | 'copies' | 'preparation' | 'progress'
>): Promise<TrainingImages> {
  const tests = { samples: testImages, intensityRange: preparation.intensityRange };
  const reading = { name, tests, ...progress };
  const training = { samples: chosen.training, prepared: new PreparedImages(chosen.training, preparation) };
  if (chosen.origin === 'training' || chosen.origin === 'altered') {
    const [imageHashes] = await readImages([training], reading);
    const { prepared } = training;
    warnOf(prepared, progress);
    const calibration = chosen.origin === 'altered' ? standIns(prepared, copies) : prepared;
    return { training: prepared, calibration, imageHashes: imageHashes!, alsoLearned: 0 };
  }
  const others = {
    samples: chosen.calibration,
    prepared: new PreparedImages(chosen.calibration, preparation),
  };
  const [imageHashes, otherHashes] = await readImages([training, others], reading);
  warnOf(training.prepared, progress);
  const learned = { trainings: [{ imageHashes: imageHashes! }] };
  const alsoLearned = countAlsoLearned(learned, otherHashes!);
  if (alsoLearned > 0) {
    const message = alsoLearnedWarning(name, alsoLearned, otherHashes!.length);
    progress.onEvent?.({ type: 'warning', message });
  }
  return {
    training: training.prepared,
    calibration: others.prepared,
    imageHashes: imageHashes!,
    alsoLearned,
  };
}

function warnOf(images: PreparedImages, { onEvent }: ResolvedTraining['progress']): void {
  for (const message of images.warnings()) onEvent?.({ type: 'warning', message });
}
