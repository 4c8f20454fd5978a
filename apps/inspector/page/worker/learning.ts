import type { EventListener } from '@dskd/base';
import { sourceOf, type ImageSource, type Sample } from '@dskd/data';
import { decodeImage } from '@dskd/data/web';
import { trainDetector, type Detector } from '@dskd/detector';
import { createMethod, TRAINING_DEFAULTS, type Method, type Size } from '@dskd/methods';
import type { Teacher } from '@dskd/models';
import type { LearnRequest, ModelFacts, NamedImage, SeenImage } from './api.js';
import { ignoreMask } from './ignored.js';

/** Longer side in pixels of the thumbnails that a model keeps of its training images, to explain regions by. */
const THUMBNAILS = 64;

export function sampleOf(
  { id, file, digest }: NamedImage & Partial<Pick<SeenImage, 'digest'>>,
  use: Partial<Sample> = {},
): Sample {
  return {
    id,
    split: 'train',
    label: 'good',
    defectType: 'good',
    load: (options) => decodeImage(file, options ?? {}),
    // What the fingerprint takes of a sample without a file, so that it does not decode the image to find it.
    ...(digest !== undefined && { origin: { sha256: digest } }),
    ...use,
  };
}

function sourceFrom(images: readonly (NamedImage | SeenImage)[]): ImageSource {
  return sourceOf(
    'page',
    images.map((image) => sampleOf(image)),
  );
}

/** Good images that calibrate, where there are enough: with the tenth of a few, the threshold would be that of chance. */
const CALIBRATING = 10;

/** Share of the good images that are not learned but give the threshold. */
function holdOutFraction(images: number): number {
  return Math.min(0.3, Math.max(TRAINING_DEFAULTS.holdOutFraction, CALIBRATING / images));
}

/** What `trainDetector` takes where it is given no size; to know it, it would decode the first image once more. */
function sizeFor({ preferredSide }: Method, [first]: readonly SeenImage[]): Size {
  if (preferredSide === undefined || !first) return TRAINING_DEFAULTS.inputSize;
  const isAsLarge = Math.min(first.width, first.height) >= preferredSide;
  return isAsLarge ? [preferredSide, preferredSide] : TRAINING_DEFAULTS.inputSize;
}

/**
 * Factors of the branches of `instant`. With the ten images or so that calibrate here the scores of a branch are put on one scale less
 * surely than with the many by which the method's own factors were chosen: those that see less count less. Chosen on other
 * drawings than the numbers of the README are of (bench/inspector-sides.mjs).
 */
const WEIGHTS = { local: 1, global: 0.5, pooled: 0.25 };
/** With as many images the method's own factors hold. */
const MANY = 100;

/** Methods of the paper's kind, whose options have epochs. */
const epochsOf = ({ epochs }: LearnRequest): object => (epochs === null ? {} : { epochs });

export interface Learning {
  readonly teacher: () => Promise<Teacher>;
  readonly onEvent: EventListener;
  readonly signal: AbortSignal;
}

/** Trains a detector on images of good parts. */
export async function learnImages(
  request: LearnRequest,
  { teacher, onEvent, signal }: Learning,
): Promise<Detector> {
  const { images, method, side, ignored } = request;
  const chosen = await createMethod(method);
  const size = side === null ? sizeFor(chosen, images) : ([side, side] as const);
  const own = epochsOf(request);
  const mask = ignoreMask(ignored);
  return trainDetector({
    source: sourceFrom(images),
    method,
    options: own,
    ...(chosen.needs.teacher && { teacher: await teacher() }),
    input: { size, ...(mask && { ignored: mask }) },
    calibration: {
      holdOutFraction: holdOutFraction(images.length),
      ...(method === TRAINING_DEFAULTS.method && images.length < MANY && { weights: WEIGHTS }),
    },
    ...(chosen.keepsPatches?.(chosen.options.parse(own)) && { thumbnails: THUMBNAILS }),
    onEvent,
    signal,
  });
}

/** What the page shows of a detector. */
export function factsOf({ description, threshold, model, inputSize }: Detector): ModelFacts {
  const { method, calibration, branches, lessons = [], trainings } = description;
  return {
    method,
    inputSize,
    threshold,
    goodScores: calibration.scores,
    branches: branches.map(({ name }) => name),
    canExtend: model.extend !== undefined,
    canExplain: model.keepsPatches === true,
    lessons: lessons.length,
    images: Math.max(...trainings.map(({ images }) => images)),
  };
}

/** Learns one image of a good part. */
export function lessonOf(image: NamedImage): ImageSource {
  return sourceFrom([image]);
}
