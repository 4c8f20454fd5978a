import '@tensorflow/tfjs';
import type { ImageInput } from '@dskd/data';
import * as core from '@dskd/detector';
import { createMethod, TRAINING_DEFAULTS, type Size } from '@dskd/methods';
import { loadTeacher, type Teacher } from '@dskd/models';
import { teacherTiny } from '@dskd/teacher-tiny';
import { readModel, startBackend, threads, writeModel } from '#platform';
import {
  isOneImage,
  pixelsOf,
  sourceFrom,
  type ImageLike,
  type ImagesLike,
  type TrainingData,
} from './images.js';

export interface TrainOptions extends Omit<
  core.TrainDetectorOptions,
  'source' | 'teacher' | 'execution' | 'checkpoint' | 'resumeFrom'
> {
  /** Name of a folder in the folder given. */
  readonly category?: string;
  /** The caller disposes it, after the detector. Default: the embedded one, which the detector disposes. */
  readonly teacher?: Teacher;
  /** TensorFlow.js backend. Default `auto`: WebGPU on real hardware, else wasm. */
  readonly backend?: string;
}

export interface LoadOptions {
  /** The teacher of a file that only names it; the caller disposes it, after the detector. */
  readonly teacher?: Teacher;
  /** TensorFlow.js backend. Default `auto`: WebGPU on real hardware, else wasm. */
  readonly backend?: string;
}

export type PredictOptions = core.PredictOptions;

/** A trained detector. It owns what it loaded: `dispose()`, or declare it with `using`. */
export class Detector {
  readonly #detector: core.Detector;
  readonly #teacher: Teacher | undefined;

  /** @internal Use {@link trainDetector} or {@link loadDetector}. */
  constructor(detector: core.Detector, teacher: Teacher | undefined) {
    this.#detector = detector;
    this.#teacher = teacher;
  }

  /** The detector of `@dskd/detector`, for everything that this class does not offer. */
  get core(): core.Detector {
    return this.#detector;
  }

  /** Everything the saved file says about this detector: method, input size, calibration, threshold, training. */
  get description(): core.DetectorDescription {
    return this.#detector.description;
  }

  /** `[height, width]` of the network's input, in pixels. */
  get inputSize(): Size {
    return this.#detector.inputSize;
  }

  /** An image is anomalous when its score is greater. Can be set; no training is needed, and it is kept when saved. */
  get threshold(): number {
    return this.#detector.threshold;
  }

  set threshold(value: number) {
    this.#detector.threshold = value;
  }

  /**
   * Scores images of any size.
   * @returns the prediction of one image, or those of many in their order: verdict, score, p-value, map, regions.
   * @throws {DskdError} `image-unreadable`, `file-not-found`, `disposed`, `aborted`
   */
  async predict(image: ImageLike, options?: PredictOptions): Promise<core.Prediction>;
  async predict(images: ImagesLike, options?: PredictOptions): Promise<core.Prediction[]>;
  async predict(
    images: ImageLike | ImagesLike,
    options: PredictOptions = {},
  ): Promise<core.Prediction | core.Prediction[]> {
    if (isOneImage(images)) {
      return this.#detector.predict(await this.#decoded(images, options.signal), options);
    }
    const predictions: core.Prediction[] = [];
    for await (const prediction of this.predictEach(images, options)) predictions.push(prediction);
    return predictions;
  }

  /**
   * Scores images as they come: from a camera, a folder, a queue. While one is scored, the next ones are decoded.
   * @returns predictions in the order of the images. Leaving the loop ends `images`, too.
   * @throws {DskdError} as {@link predict}; and whatever `images` throws.
   */
  predictEach(
    images: ImagesLike,
    options: core.PredictEachOptions = {},
  ): AsyncGenerator<core.Prediction, void, undefined> {
    return this.#detector.predictEach(this.#allDecoded(images, options.signal), options);
  }

  /**
   * Explains regions of a prediction: the patch of the good images that comes nearest to each, with the image it is from.
   * @param image that was scored.
   * @param regions of its prediction: the largest come first, at most 8 of them unless `most` says otherwise.
   * @throws {DskdError} `invalid-argument` (a method that keeps no patches), `image-unreadable`, `disposed`
   */
  async explain(
    image: ImageLike,
    regions: core.Prediction['regions'],
    options: core.ExplainOptions = {},
  ): Promise<core.ExplainedRegion[]> {
    return this.#detector.explain(await this.#decoded(image), regions, options);
  }

  /**
   * Compares with the labels and ground truth of test images: AUROC, AU-PRO, false alarms and misses.
   * @param data a folder in the layout of MVTec AD, MVTec LOCO AD, BTAD or VisA, named folders `{ good, bad, masks }`, a
   * manifest, or a source. Without masks, metrics of images only.
   * @throws {DskdError} `dataset-invalid`, `image-unreadable`, `aborted`
   */
  async evaluate(
    data: TrainingData,
    { category, ...options }: core.EvaluateOptions & { readonly category?: string } = {},
  ): ReturnType<typeof core.evaluateDetector> {
    const source = await sourceFrom(data, { category, signal: options.signal, split: 'test' });
    return core.evaluateDetector(this.#detector, source, options);
  }

  /**
   * Sets the threshold, and what p-values compare with, from more images of good parts; nothing is trained.
   * @throws {DskdError} `dataset-invalid`, `invalid-argument`, `image-unreadable`, `aborted`
   */
  async recalibrate(
    good: TrainingData,
    { category, ...options }: core.RecalibrateOptions & { readonly category?: string } = {},
  ): ReturnType<typeof core.recalibrate> {
    const source = await sourceFrom(good, { category, signal: options.signal, label: 'good' });
    return core.recalibrate(this.#detector, source, options);
  }

  /**
   * Learns images of good parts that raised false alarms, as one lesson: without a new fit, in seconds. The threshold
   * and what p-values compare with follow; {@link forget} undoes it. The methods `instant`, `patchcore`, `fre` and
   * `gaussian` can.
   * @param good a folder, a manifest, a source, or images; one image is a list of one.
   * @returns what the lesson changed. On an error the detector stays as it was.
   * @throws {DskdError} `invalid-argument` (a method that cannot), `dataset-invalid`, `image-unreadable`, `aborted`
   */
  async extend(
    good: TrainingData,
    { category, ...options }: core.ExtendOptions & { readonly category?: string } = {},
  ): Promise<core.LessonOutcome> {
    const source = await sourceFrom(good, { category, signal: options.signal, label: 'good' });
    return this.#detector.extend(source, options);
  }

  /**
   * Undoes the last lesson: the detector is again what it was before it.
   * @returns the lesson that was undone.
   * @throws {DskdError} `invalid-argument` (there is none), `disposed`
   */
  forget(): core.Lesson {
    return this.#detector.forget();
  }

  /** The pixels of an image, 16-bit values mapped as in the training. */
  #decoded(image: ImageLike, signal?: AbortSignal): Promise<ImageInput> {
    return pixelsOf(image, { signal, intensityRange: this.#detector.intensityRange });
  }

  async *#allDecoded(
    images: ImagesLike,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ImageInput, void, undefined> {
    for await (const image of images) yield this.#decoded(image, signal);
  }

  /** The detector as the bytes of one `.safetensors` file, the teacher inside. */
  toBytes(options: core.SaveOptions = {}): Uint8Array {
    return this.#detector.save(options);
  }

  /**
   * Writes the detector to a file: a temporary file beside it, then a rename. In Node; a page takes {@link toBytes}.
   * @throws {DskdError} `file-not-writable`
   */
  async save(file: string, options: core.SaveOptions = {}): Promise<void> {
    await writeModel(file, this.toBytes(options));
  }

  dispose(): void {
    this.#detector.dispose();
    this.#teacher?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

async function embeddedTeacher(): Promise<Teacher> {
  const tiny = teacherTiny();
  return loadTeacher(tiny.name, await tiny.load());
}

/**
 * Learns what good parts look like.
 * @param good images of good parts: a folder, named folders `{ good: [...] }`, a manifest, a source, or images. A tenth is
 * kept back to calibrate.
 * @returns a detector; the caller disposes it.
 * @throws {DskdError} `dataset-invalid` with everything that is wrong with the images, `invalid-config`,
 * `out-of-memory`, `backend-unavailable`, `numerical-instability`, `aborted`
 */
export async function trainDetector(good: TrainingData, options: TrainOptions = {}): Promise<Detector> {
  const { category, teacher: given, backend = 'auto', ...training } = options;
  const source = await sourceFrom(good, { category, signal: options.signal });
  const execution = threads(await startBackend(backend));
  const { needs } = await createMethod(options.method ?? TRAINING_DEFAULTS.method);
  const own = needs.teacher && !given ? await embeddedTeacher() : undefined;
  const teacher = given ?? own;
  try {
    return new Detector(
      await core.trainDetector({ ...training, source, ...(teacher && { teacher }), execution }),
      own,
    );
  } catch (error) {
    own?.dispose();
    throw error;
  }
}

/**
 * Reads a detector that was saved.
 * @param file path (in Node) or address of the file, or its bytes.
 * @throws {DskdError} `file-not-found`, `weights-invalid`, `artifact-invalid`, `artifact-version`, `teacher-mismatch`
 */
export async function loadDetector(
  file: string | URL | Uint8Array,
  { teacher, backend = 'auto' }: LoadOptions = {},
): Promise<Detector> {
  const bytes = file instanceof Uint8Array ? file : await readModel(file);
  await startBackend(backend);
  return new Detector(await core.loadDetector(bytes, teacher ? { teacher } : {}), undefined);
}
