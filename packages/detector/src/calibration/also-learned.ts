import type { DetectorDescription } from '../artifact/description.js';

interface Learned {
  readonly imageHashes?: readonly string[] | undefined;
}

/** The trainings and lessons of a detector's description. */
interface LearnedImages {
  readonly trainings: readonly Learned[];
  readonly lessons?: readonly Learned[] | undefined;
}

/**
 * How many images the model has learned itself, in its fit or in a lesson: the same pixels at network size, whatever
 * the files are called. Files of earlier versions do not
 * say which images they learned: none is found.
 * @param hashes of `readImages`.
 */
export function countAlsoLearned(
  { trainings, lessons = [] }: LearnedImages,
  hashes: readonly string[],
): number {
  const learned = new Set([...trainings, ...lessons].flatMap(({ imageHashes = [] }) => imageHashes));
  return hashes.filter((hash) => learned.has(hash)).length;
}

/**
 * Whether scores of good images can promise a rate of false alarms on new ones: they must be those of good parts that
 * were drawn like the new ones, and that the model did not learn. Altered copies of one image are no draws, and an image
 * that was learned scores lower than a new one.
 */
export function canPromise({ images, alsoLearned = 0 }: DetectorDescription['calibration']): boolean {
  return images !== 'altered' && images !== 'training' && alsoLearned === 0;
}

/** The warning for images that calibrate and were learned, too. */
export function alsoLearnedWarning(name: string, alsoLearned: number, images: number): string {
  const count = alsoLearned === images ? `All ${images}` : `${alsoLearned} of the ${images}`;
  return (
    `${count} good images of ${name} that calibrate are also images that the model learned: they ` +
    'score lower than new good images, so the threshold raises more false alarms than asked for, and no rate is ' +
    'promised. Calibrate on images that were not trained on.'
  );
}
