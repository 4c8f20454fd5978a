import type { EventListener } from '@dskd/base';
import { sourceOf, type ImageSource, type Sample } from '@dskd/data';
import { decodeImage } from '@dskd/data/web';
import { trainDetector, type Detector } from '@dskd/detector';
import { createMethod, TRAINING_DEFAULTS } from '@dskd/methods';
import type { Teacher } from '@dskd/models';
import type { LearnRequest, ModelFacts, NamedImage } from './api.js';
import { ignoreMask } from './ignored.js';

/** Longer side in pixels of the thumbnails that a model keeps of its training images, to explain regions by. */
const THUMBNAILS = 64;

export function sampleOf({ id, file }: NamedImage, use: Partial<Sample> = {}): Sample {
  return {
    id,
    split: 'train',
    label: 'good',
    defectType: 'good',
    load: (options) => decodeImage(file, options ?? {}),
    ...use,
  };
}

function sourceFrom(images: readonly NamedImage[]): ImageSource {
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
  const size = [side, side] as const;
  const chosen = await createMethod(method);
  const own = epochsOf(request);
  const mask = ignoreMask(ignored, size);
  return trainDetector({
    source: sourceFrom(images),
    method,
    options: own,
    ...(chosen.needs.teacher && { teacher: await teacher() }),
    input: { size, ...(mask && { ignored: mask }) },
    calibration: { holdOutFraction: holdOutFraction(images.length) },
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
