import { DskdError, type PixelBuffer } from '@dskd/base';
import { toImageTensor, type ImageInput, type ImageSource } from '@dskd/data';
import type { AnomalyModel } from '@dskd/methods';
import type { Teacher } from '@dskd/models';
import type { Region } from '@dskd/scoring';
import { tensorFiles, type StateDict, type TensorStorage } from '@dskd/weights';
import { writeArtifact } from '../artifact/artifact.js';
import type { DetectorDescription, Lesson } from '../artifact/description.js';
import { forgetLesson, learnLesson, type ExtendOptions, type LessonOutcome } from '../lessons/lesson.js';
import { explainRegions, type ExplainedRegion, type ExplainOptions } from './explain.js';
import { Predictor } from './predictor.js';
import { disposeOutputs, scoreOutputs, type ScoredBatch } from './score.js';
import { thumbnailTensor, type Thumbnails } from './thumbnails.js';

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

/**
 * A trained detector: a method's model, its teacher where it has one, and what normal images look like to them.
 * Made by `trainDetector` or `loadDetector`; the owner calls `dispose`.
 */
export class Detector extends Predictor {
  readonly #model: AnomalyModel;
  readonly #teacher: Teacher | undefined;
  readonly #ownsTeacher: boolean;
  readonly #thumbnails: Thumbnails | null;

  /** @internal Use `trainDetector` or `loadDetector`. */
  constructor({ model, description, teacher, ownsTeacher, ignored, thumbnails }: DetectorParts) {
    super(description, ignored);
    this.#model = model;
    this.#teacher = teacher;
    this.#ownsTeacher = ownsTeacher ?? false;
    this.#thumbnails = thumbnails ?? null;
  }

  /**
   * The method's model, which stays the detector's.
   * @throws {DskdError} `disposed`
   */
  get model(): AnomalyModel {
    this.assertAlive();
    return this.#model;
  }

  /** Where the method has one. */
  get teacher(): Teacher | undefined {
    return this.#teacher;
  }

  /** The images of the fit, small, as {@link explain} shows them; null where they were not kept. */
  get thumbnails(): Thumbnails | null {
    return this.#thumbnails;
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
  save({ embedTeacher = true, storage = this.description.storage }: SaveOptions = {}): Uint8Array {
    this.assertAlive();
    const tensors: StateDict = new Map();
    const weights = this.#teacher?.weights;
    if (embedTeacher && this.#teacher && !weights) {
      throw new DskdError('invalid-argument', 'A custom teacher cannot be put inside the file.', {
        hint: 'Save with { embedTeacher: false } and give the same teacher to loadDetector.',
      });
    }
    if (embedTeacher && weights) for (const [name, entry] of weights) tensors.set(`teacher.${name}`, entry);
    const { method } = this.description;
    const state = this.#model.state();
    for (const [key, entry] of state.tensors) {
      const name = `${method}.${key}`;
      tensors.set(name, tensorFiles.storedAs(storage, name, entry));
    }
    if (this.ignored) {
      tensors.set('ignored', { dtype: 'U8', shape: [...this.inputSize], data: this.ignored });
    }
    if (this.#thumbnails) tensors.set('thumbnails', thumbnailTensor(this.#thumbnails));
    const described = this.description.teacher;
    const teacher = described && { ...described, embedded: embedTeacher };
    return writeArtifact({
      description: { ...this.description, config: state.config, teacher, storage },
      tensors,
    });
  }

  protected release(): void {
    this.#model.dispose();
    if (this.#ownsTeacher) this.#teacher?.dispose();
  }

  protected async scorePrepared(
    prepared: readonly PixelBuffer[],
    ignored: readonly (Uint8Array | null)[],
  ): Promise<ScoredBatch> {
    const batch = toImageTensor(prepared);
    try {
      const outputs = await this.#model.score(batch);
      return await scoreOutputs(outputs, this.scoring, ignored).finally(() => disposeOutputs(outputs));
    } finally {
      batch.dispose();
    }
  }
}
