import { DskdError, throwIfAborted, type EventListener } from '@dskd/base';
import { PreparedImages, sourceOf, toRgb, type ImageInput, type ImageSource, type Sample } from '@dskd/data';
import type { AnomalyModel } from '@dskd/methods';
import { quantileThreshold } from '@dskd/scoring';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import { MOST_LESSONS, type DetectorDescription, type Lesson } from '../artifact/description.js';
import { canPromise, countAlsoLearned } from '../calibration/also-learned.js';
import { calibrate, type Calibration, type PreparedBatches } from '../calibration/calibrate.js';
import { lessonImages } from '../calibration/choose-images.js';
import type { CalibratedModel } from '../calibration/calibrated-model.js';
import { readImages } from '../calibration/read-images.js';
import { assertSource } from '../inference/arguments.js';
import { preparationOf } from '../inference/preparation.js';
import { learnedImages } from './learned-images.js';

export interface ExtendOptions {
  /** Images per pass. Does not change results. Default 8. */
  readonly batchSize?: number;
  readonly onEvent?: EventListener;
  readonly signal?: AbortSignal;
}

/** What a lesson changed. */
export interface LessonOutcome {
  /** How many images were learned. */
  readonly images: number;
  /** How many of them raised an alarm before the lesson, and how many do after it. */
  readonly alarms: { readonly before: number; readonly after: number };
  /** How many of their scores, each by what had not learned the image, joined those of the earlier good images. */
  readonly calibrating: number;
  readonly threshold: { readonly before: number; readonly after: number };
}

/** A model that can learn. */
type Learner = AnomalyModel & Required<Pick<AnomalyModel, 'extend' | 'forget'>>;

function learnerOf({ model }: CalibratedModel): Learner {
  if (model.extend && model.forget) return model as Learner;
  throw new DskdError(
    'invalid-argument',
    `The method ${model.method} cannot learn further images after its fit.`,
    {
      hint: 'Train again with these images, or use a method that can: instant, patchcore, fre, gaussian.',
    },
  );
}

/** Images in memory have no names: they are numbered. */
function sourceFrom(images: ImageSource | readonly ImageInput[]): ImageSource {
  if (!Array.isArray(images)) {
    assertSource(images, 'images of extend, which takes a source or an array');
    return images;
  }
  const samples = (images as readonly ImageInput[]).map((image, index): Sample => {
    const pixels = toRgb(image);
    return {
      id: `image ${index}`,
      split: 'train',
      label: 'good',
      defectType: 'good',
      load: () => Promise.resolve(pixels),
    };
  });
  return sourceOf('the lesson', samples);
}

/** The images from `start` to `end`, the latter not included. */
function slice(images: PreparedBatches, start: number, end: number): PreparedBatches {
  const moved = (indices: readonly number[]): number[] => indices.map((index) => start + index);
  return {
    length: end - start,
    batch: (indices) => images.batch(moved(indices)),
    placements: (indices) => images.placements(moved(indices)),
  };
}

/** Learns and scores parts of a lesson, and says how far it is. */
class Classroom {
  readonly #scored: Pick<DetectorDescription, 'branches' | 'fusion'>;
  #done = 0;

  constructor(
    private readonly detector: CalibratedModel,
    private readonly model: Learner,
    private readonly images: PreparedBatches,
    private readonly options: ExtendOptions & { readonly batchSize: number },
  ) {
    this.#scored = detector.description;
  }

  /** How many images are learned or scored in all. */
  get #total(): number {
    const { length } = this.images;
    return length === 1 ? 3 : 5 * length;
  }

  #advance(images: number): void {
    this.#done += images;
    const done = Math.round((100 * this.#done) / this.#total);
    this.options.onEvent?.({ type: 'fit-progress', stage: 'lesson', done, total: 100 });
  }

  async #learn(images: PreparedBatches): Promise<void> {
    await this.model.extend(this.#batches(images));
    this.#advance(images.length);
  }

  async *#batches(images: PreparedBatches): AsyncGenerator<Tensor4D> {
    const { batchSize, signal } = this.options;
    for (let start = 0; start < images.length; start += batchSize) {
      throwIfAborted(signal);
      const count = Math.min(batchSize, images.length - start);
      const batch = await images.batch(Array.from({ length: count }, (_, index) => start + index));
      try {
        yield batch;
      } finally {
        batch.dispose();
      }
    }
  }

  async #score(images: PreparedBatches): Promise<Calibration> {
    const { branches, fusion } = this.#scored;
    const { batchSize, signal } = this.options;
    const scores = await calibrate(this.model, fusion, images, {
      normalizations: new Map(branches.map(({ name, normalization }) => [name, normalization])),
      batchSize,
      ignored: this.detector.ignored,
      signal,
    });
    this.#advance(images.length);
    return scores;
  }

  async scoreAll(): Promise<readonly number[]> {
    return (await this.#score(this.images)).scores;
  }

  /** Scores `images` by the model with `lesson`; then the model is as before. */
  async #scoreTaught(lesson: PreparedBatches, images: PreparedBatches): Promise<Calibration> {
    await this.#learn(lesson);
    try {
      return await this.#score(images);
    } finally {
      this.model.forget();
    }
  }

  /**
   * The score of each image by the model with the half that it is not in: the first half, then the second. Neighbors in
   * a list are often images of one part, so they stay in one half.
   */
  async scoreHalves(): Promise<Calibration[]> {
    const { length } = this.images;
    if (length < 2) return [];
    const middle = Math.ceil(length / 2);
    const [first, second] = [slice(this.images, 0, middle), slice(this.images, middle, length)];
    return [await this.#scoreTaught(second, first), await this.#scoreTaught(first, second)];
  }

  learnAll(): Promise<void> {
    return this.#learn(this.images);
  }
}

/**
 * Calibration with the scores of a lesson added.
 * @param alsoLearned how many of its images had been learned before.
 */
function withScores(
  { branches, calibration, threshold }: Pick<DetectorDescription, 'branches' | 'calibration' | 'threshold'>,
  added: readonly Calibration[],
  alsoLearned: number,
): Pick<DetectorDescription, 'branches' | 'calibration' | 'threshold'> {
  if (added.length === 0) return { branches, calibration, threshold };
  const own = added.flatMap((half) => half.scores);
  const scores = [...calibration.scores, ...own];
  const learned = (calibration.alsoLearned ?? 0) + alsoLearned;
  const extended: DetectorDescription['calibration'] = {
    ...calibration,
    scores,
    ofLessons: (calibration.ofLessons ?? 0) + own.length,
    ...(learned > 0 && { alsoLearned: learned }),
  };
  const { falseAlarmRate, confidence } = threshold;
  const chosen =
    falseAlarmRate === null
      ? undefined
      : quantileThreshold(scores, falseAlarmRate, confidence === undefined ? {} : { confidence });
  return {
    branches: branches.map((branch) => ({
      ...branch,
      calibrationScores: [
        ...branch.calibrationScores,
        ...added.flatMap(({ branchScores }) => branchScores.get(branch.name)!),
      ],
    })),
    calibration: extended,
    threshold: chosen
      ? { ...threshold, value: chosen.threshold, guaranteed: chosen.guaranteed && canPromise(extended) }
      : threshold,
  };
}

function alarms(scores: readonly number[], threshold: number): number {
  return scores.filter((score) => score > threshold).length;
}

/** {@link Detector.extend}. */
export async function learnLesson(
  detector: CalibratedModel,
  images: ImageSource | readonly ImageInput[],
  { batchSize = 8, ...rest }: ExtendOptions,
): Promise<LessonOutcome> {
  const model = learnerOf(detector);
  const { description } = detector;
  const { branches, calibration, threshold, lessons = [] } = description;
  if (lessons.length >= MOST_LESSONS) {
    throw new DskdError(
      'invalid-argument',
      `The detector has ${lessons.length} lessons; wanted fewer than that.`,
      {
        hint: 'Train again with the images of all lessons among the good ones.',
      },
    );
  }
  const source = sourceFrom(images);
  const samples = lessonImages(source);
  const dataFingerprint = await source.fingerprint(rest.signal ? { signal: rest.signal } : {});
  const prepared = new PreparedImages(samples, preparationOf(description, detector.ignored));
  const [imageHashes] = await readImages([{ samples, prepared }], { name: source.name, ...rest });
  const classroom = new Classroom(detector, model, prepared, { batchSize, ...rest });

  const halves = await classroom.scoreHalves();
  const before = await classroom.scoreAll();
  const learned = await learnedImages(samples, prepared);
  const alsoLearned = halves.length > 0 ? countAlsoLearned(description, imageHashes!) : 0;
  const calibrated = withScores(description, halves, alsoLearned);
  const lesson: Lesson = {
    images: learned,
    dataFingerprint,
    imageHashes,
    before: { branches, calibration, threshold },
  };
  await classroom.learnAll();
  try {
    const after = await classroom.scoreAll();
    detector.changeCalibration({
      ...calibrated,
      config: model.state().config,
      lessons: [...lessons, lesson],
    });
    return {
      images: samples.length,
      alarms: { before: alarms(before, threshold.value), after: alarms(after, calibrated.threshold.value) },
      calibrating: halves.reduce((sum, { scores }) => sum + scores.length, 0),
      threshold: { before: threshold.value, after: calibrated.threshold.value },
    };
  } catch (error) {
    model.forget();
    throw error;
  }
}

/** {@link Detector.forget}. */
export function forgetLesson(detector: CalibratedModel): Lesson {
  const model = learnerOf(detector);
  const { lessons = [] } = detector.description;
  const last = lessons.at(-1);
  if (!last) {
    throw new DskdError('invalid-argument', 'Got no lesson to forget; wanted a detector that learned one.', {
      hint: 'Only what was learned after the fit can be undone.',
    });
  }
  model.forget();
  const rest = lessons.slice(0, -1);
  detector.changeCalibration({
    ...last.before,
    config: model.state().config,
    lessons: rest.length > 0 ? rest : undefined,
  });
  return last;
}
