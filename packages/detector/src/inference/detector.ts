import { DskdError, throwIfAborted, type PixelBuffer } from '@dskd/base';
import {
  placement,
  preparePixelsInSlices,
  toImageTensor,
  toRgb,
  type ImageInput,
  type ImageSource,
  type IntensityRange,
  type Placement,
} from '@dskd/data';
import type { AnomalyModel } from '@dskd/methods';
import type { Teacher } from '@dskd/models';
import { conformalPValue, findRegions, type Region } from '@dskd/scoring';
import { tensorFiles, type StateDict, type TensorStorage } from '@dskd/weights';
import { writeArtifact } from '../artifact/artifact.js';
import type { DetectorDescription, Lesson } from '../artifact/description.js';
import type { CalibrationChange } from '../calibration/calibrated-model.js';
import { forgetLesson, learnLesson, type ExtendOptions, type LessonOutcome } from '../lessons/lesson.js';
import { asList, assertImages, checkPredictOptions, type PredictOptions } from './arguments.js';
import {
  assertSameProportions,
  ignoredAtNetworkSize,
  ignoredPixels,
  type IgnoreMask,
} from './ignored-pixels.js';
import { explainRegions, type ExplainedRegion, type ExplainOptions } from './explain.js';
import { cut } from './map-in-image.js';
import type { BranchPrediction, Prediction, ScoreMap } from './prediction.js';
import { calibratedBranches, type Calibrated } from './calibrated-branches.js';
import { checkPrefetch, prefetch } from './prefetch.js';
import { preparationOf } from './preparation.js';
import { disposeOutputs, scoreOutputs, type ScoredBatch } from './score.js';
import { thumbnailTensor, type Thumbnails } from './thumbnails.js';

export interface PredictEachOptions extends Omit<PredictOptions, 'batchSize'> {
  /** How many images are asked for while one is scored. Default 2. */
  readonly prefetch?: number;
}

export interface SaveOptions {
  /** Whether the file holds the teacher (default) or names it by hash. */
  readonly embedTeacher?: boolean;
  /**
   * Element type of the model's matrices and filters. `float16` halves them and rounds each to 11 significant bits; vectors
   * (biases, batch norms) stay float32. Default: as the detector came, after training `float32`.
   */
  readonly storage?: TensorStorage;
}

/** What a detector is made of. */
export interface DetectorParts {
  /** The detector disposes it. */
  readonly model: AnomalyModel;
  readonly description: DetectorDescription;
  /** Where the method has one. */
  readonly teacher: Teacher | undefined;
  /** Whether the detector disposes the teacher, too. Default false. */
  readonly ownsTeacher?: boolean;
  /** `height * width` of the network's input, 1 where pixels never count; null where all do. */
  readonly ignored: Uint8Array | null;
  /** The images of the fit, small, where they are kept. */
  readonly thumbnails?: Thumbnails | null;
}

/** An image, where it lies in the network's input, and what does not count of it. */
interface PlacedImage {
  readonly image: PixelBuffer;
  readonly placed: Placement;
  readonly ignored: Uint8Array | null;
}

/**
 * A trained detector: a method's model, its teacher where it has one, and what normal images look like to them.
 * Made by `trainDetector` or `loadDetector`; the owner calls `dispose`.
 */
export class Detector {
  readonly #model: AnomalyModel;
  readonly #teacher: Teacher | undefined;
  readonly #ownsTeacher: boolean;
  readonly #ignored: Uint8Array | null;
  readonly #thumbnails: Thumbnails | null;
  #description: DetectorDescription;
  #calibrated: Calibrated;
  #disposed = false;

  /** @internal Use `trainDetector` or `loadDetector`. */
  constructor({ model, description, teacher, ownsTeacher, ignored, thumbnails }: DetectorParts) {
    this.#model = model;
    this.#teacher = teacher;
    this.#ownsTeacher = ownsTeacher ?? false;
    this.#ignored = ignored;
    this.#thumbnails = thumbnails ?? null;
    this.#description = description;
    this.#calibrated = calibratedBranches(description);
  }

  /**
   * The method's model, which stays the detector's.
   * @throws {DskdError} `disposed`
   */
  get model(): AnomalyModel {
    this.#assertAlive();
    return this.#model;
  }

  /** Where the method has one. */
  get teacher(): Teacher | undefined {
    return this.#teacher;
  }

  /** `height * width` of the network's input, 1 where pixels never count; null where all do. */
  get ignored(): Uint8Array | null {
    return this.#ignored;
  }

  /** The images of the fit, small, as {@link explain} shows them; null where they were not kept. */
  get thumbnails(): Thumbnails | null {
    return this.#thumbnails;
  }

  /** Everything the artifact says about this detector. */
  get description(): DetectorDescription {
    return this.#description;
  }

  /** `[height, width]` of the network's input, in pixels. */
  get inputSize(): readonly [number, number] {
    return this.#description.inputSize;
  }

  /**
   * Of 16-bit images the stored values that become 0 and 255; undefined where their upper 8 bits are taken. To be given
   * to `decodeImage` for images that {@link predict} gets.
   */
  get intensityRange(): IntensityRange | undefined {
    return this.#description.intensityRange;
  }

  get threshold(): number {
    return this.#description.threshold.value;
  }

  /** Sets the threshold by hand; no re-training, kept when saved. */
  set threshold(value: number) {
    if (!Number.isFinite(value)) {
      throw new DskdError('invalid-argument', `Got threshold ${value}, wanted a finite number.`);
    }
    this.changeCalibration({ threshold: { value, falseAlarmRate: null, guaranteed: false } });
  }

  /** Replaces what calibration or a lesson decided; `recalibrate` and `chooseThreshold` call it. Kept when saved. */
  changeCalibration(change: CalibrationChange): void {
    this.#description = { ...this.#description, ...change };
    this.#calibrated = calibratedBranches(this.#description);
  }

  /**
   * Scores images of any size; each is brought to the network's input as in training.
   * @param images one or many: gray, RGB or RGBA bytes; `ImageData`. Alpha is composited over black. Those of a
   * detector with an {@link intensityRange} must have been mapped by it.
   * @returns the prediction of one image, or those of many in their order.
   * @throws {DskdError} `disposed`, `aborted`, `invalid-argument`, `shape-mismatch`, `input-size-mismatch` (the
   * ignore mask).
   */
  async predict(image: ImageInput, options?: PredictOptions): Promise<Prediction>;
  async predict(images: readonly ImageInput[], options?: PredictOptions): Promise<Prediction[]>;
  async predict(
    images: ImageInput | readonly ImageInput[],
    options: PredictOptions = {},
  ): Promise<Prediction | Prediction[]> {
    this.#assertAlive();
    const { signal } = options;
    const batchSize = checkPredictOptions(options, this.#description);
    const list = asList(images);
    const predictions: Prediction[] = [];
    for (let start = 0; start < list.length; start += batchSize) {
      throwIfAborted(signal);
      const chunk = this.#place(list.slice(start, start + batchSize).map(toRgb), options.ignored);
      const scored = await this.#score(chunk);
      chunk.forEach((image, index) => predictions.push(this.#describe(scored, index, image, options)));
    }
    return Array.isArray(images) ? predictions : predictions[0]!;
  }

  /**
   * Scores images as they come: from a camera, a folder, a queue. While one is scored, the next ones are already
   * asked for, at most `prefetch` of them.
   * @returns predictions in the order of the images. Leaving the loop ends `images`, too.
   * @throws {DskdError} as {@link predict}; and whatever `images` throws.
   */
  async *predictEach(
    images: AsyncIterable<ImageInput> | Iterable<ImageInput>,
    { prefetch: count = 2, ...options }: PredictEachOptions = {},
  ): AsyncGenerator<Prediction, void, undefined> {
    assertImages(images, 'images of predictEach');
    const ahead = prefetch(images, checkPrefetch(count), (image) => Promise.resolve(image), options.signal);
    for await (const image of ahead) yield await this.predict(image, options);
  }

  /**
   * Explains regions of a prediction: the patch of the good images that comes nearest to the highest point of each, with
   * the image it is from, also as a thumbnail where these are kept. For methods that keep patches: `instant`, `patchcore`.
   * @param image that was scored.
   * @param regions of its prediction.
   * @returns the largest regions first, at most `most` of them.
   * @throws {DskdError} `invalid-argument` (a method that keeps none), `disposed`
   */
  async explain(
    image: ImageInput,
    regions: readonly Region[],
    options: ExplainOptions = {},
  ): Promise<ExplainedRegion[]> {
    return explainRegions(this, image, regions, options);
  }

  /**
   * Learns images of good parts that raised false alarms, or might, as one lesson: without a new fit, in seconds.
   * Scores of good images become lower, never higher; what p-values compare with, and a threshold that was chosen for a
   * rate of false alarms, follow. Kept when saved; {@link forget} undoes it. Not to be called while images are scored.
   *
   * What a lesson image scores once it is learned says nothing of new images. So each half is first scored by what
   * learns the other half only, and these scores join those of the earlier good images, which can only have become
   * lower. One image has no other half: the scores and the threshold then stay.
   * @param images of good parts: a source, of which the test split is left out, or images in memory.
   * @returns what the lesson changed. On an error the detector stays as it was.
   * @throws {DskdError} `invalid-argument` (a method that cannot learn further images, too many lessons),
   * `dataset-invalid` (no good images), `disposed`, `aborted`, and what reading images throws.
   */
  async extend(
    images: ImageSource | readonly ImageInput[],
    options: ExtendOptions = {},
  ): Promise<LessonOutcome> {
    return learnLesson(this, images, options);
  }

  /**
   * Undoes the last lesson: model, scores of good images and threshold are again what they were before it.
   * @returns the lesson that was undone.
   * @throws {DskdError} `invalid-argument` (there is none), `disposed`
   */
  forget(): Lesson {
    return forgetLesson(this);
  }

  /**
   * The artifact as the bytes of one `.safetensors` file. The same detector gives the same bytes.
   * @throws {DskdError} `disposed`; `invalid-argument` for a custom teacher inside, or weights beyond float16;
   * `weights-not-finite` for a training that diverged.
   */
  save({ embedTeacher = true, storage = this.#description.storage }: SaveOptions = {}): Uint8Array {
    this.#assertAlive();
    const tensors: StateDict = new Map();
    const weights = this.#teacher?.weights;
    if (embedTeacher && this.#teacher && !weights) {
      throw new DskdError('invalid-argument', 'A custom teacher cannot be put inside the file.', {
        hint: 'Save with { embedTeacher: false } and give the same teacher to loadDetector.',
      });
    }
    if (embedTeacher && weights) for (const [name, entry] of weights) tensors.set(`teacher.${name}`, entry);
    const { method } = this.#description;
    const state = this.#model.state();
    for (const [key, entry] of state.tensors) {
      const name = `${method}.${key}`;
      tensors.set(name, tensorFiles.storedAs(storage, name, entry));
    }
    if (this.#ignored) {
      tensors.set('ignored', { dtype: 'U8', shape: [...this.inputSize], data: this.#ignored });
    }
    if (this.#thumbnails) tensors.set('thumbnails', thumbnailTensor(this.#thumbnails));
    const described = this.#description.teacher;
    const teacher = described && { ...described, embedded: embedTeacher };
    return writeArtifact({
      description: { ...this.#description, config: state.config, teacher, storage },
      tensors,
    });
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#model.dispose();
    if (this.#ownsTeacher) this.#teacher?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #assertAlive(): void {
    if (this.#disposed) throw new DskdError('disposed', 'The detector was disposed.');
  }

  /** Where each image lies and what does not count of it. */
  #place(images: readonly PixelBuffer[], mask: IgnoreMask | undefined): PlacedImage[] {
    const { inputSize, resize } = this.#description;
    const [height, width] = inputSize;
    const given = mask && ignoredAtNetworkSize(mask, { inputSize, fit: resize.fit });
    return images.map((image) => {
      const placed = placement(image, { width, height }, resize.fit);
      if (mask) assertSameProportions(mask, placed);
      return { image, placed, ignored: ignoredPixels(placed, [this.#ignored, given]) };
    });
  }

  async #score(images: readonly PlacedImage[]): Promise<ScoredBatch> {
    const preparation = preparationOf(this.#description);
    const prepared: PixelBuffer[] = [];
    for (const { image } of images) prepared.push(await preparePixelsInSlices(image, preparation));
    const batch = toImageTensor(prepared);
    try {
      const outputs = await this.#model.score(batch);
      const ignored = images.map((each) => each.ignored);
      const { fusion, inputSize } = this.#description;
      const { normalizations } = this.#calibrated;
      return await scoreOutputs(outputs, { fusion, normalizations, inputSize }, ignored).finally(() =>
        disposeOutputs(outputs),
      );
    } finally {
      batch.dispose();
    }
  }

  #describe(
    scored: ScoredBatch,
    index: number,
    { image, placed, ignored }: PlacedImage,
    options: PredictOptions,
  ): Prediction {
    const { calibration, threshold: own, branches } = this.#description;
    const [height, width] = this.inputSize;
    const mapOf = (maps: Float32Array): ScoreMap => ({
      data: maps.slice(index * height * width, (index + 1) * height * width),
      width,
      height,
    });
    const threshold = options.threshold ?? own.value;
    const score = scored.fused.scores[index]!;
    const map = mapOf(scored.fused.maps);
    const byBranch: Record<string, BranchPrediction> = {};
    for (const { name, calibrationScores } of branches) {
      const branch = scored.branches.get(name)!;
      const branchScore = branch.scores[index]!;
      byBranch[name] = {
        score: branchScore,
        pValue: conformalPValue(branchScore, calibrationScores),
        anomalous: branchScore > this.#calibrated.thresholds.get(name)!,
        map: branch.maps && mapOf(branch.maps),
      };
    }
    const { content } = placed;
    const regions = findRegions(cut(map, content).data, {
      width: content.width,
      height: content.height,
      threshold,
      minArea: options.minArea ?? 1,
      scaleTo: { width: image.width, height: image.height },
      ...(ignored && { ignored: cut({ data: ignored, width, height }, content).data }),
    });
    return {
      score,
      threshold,
      verdict: score > threshold ? 'anomalous' : 'normal',
      pValue: conformalPValue(score, calibration.scores),
      branches: byBranch,
      map,
      content,
      ignored,
      regions,
    };
  }
}
