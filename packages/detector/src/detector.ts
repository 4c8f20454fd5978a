import { DskdError, throwIfAborted, type PixelBuffer } from '@dskd/base';
import { placement, preparePixels, toImageTensor, toRgb, type ImageInput, type Placement } from '@dskd/data';
import { conformalPValue, findRegions, quantileThreshold, type BranchNormalization } from '@dskd/scoring';
import type { StateDict } from '@dskd/weights';
import { writeArtifact } from './artifact.js';
import type { BranchModel } from './branches.js';
import type { DetectorDescription } from './description.js';
import { ruleOf } from './fusion-rule.js';
import {
  assertSameProportions,
  ignoredAtNetworkSize,
  ignoredPixels,
  type IgnoreMask,
} from './ignored-pixels.js';
import { cut } from './map-in-image.js';
import type { BranchPrediction, Prediction, ScoreMap } from './prediction.js';
import { preparationOf } from './preparation.js';
import { predictEach, type PredictEachOptions } from './predict-each.js';
import { rawMaps, scoreRawMaps, type ScoredBatch } from './score-maps.js';
import { storedAs, type StudentStorage } from './student-storage.js';
import type { Teacher } from './teacher.js';

export interface PredictOptions {
  /** Images per pass through the networks. Does not change results. Default 8. */
  readonly batchSize?: number;
  /** Overrides the detector's threshold for this call. */
  readonly threshold?: number;
  /** Smallest region reported, in pixels of the network's input. Default 1. */
  readonly minArea?: number;
  /**
   * Pixels that count for no score and no region, besides those that the detector ignores itself: 1 channel over
   * the images' own pixels, or `height * width` of the network's input; not 0 does not count.
   */
  readonly ignored?: IgnoreMask;
  readonly signal?: AbortSignal;
}

export interface SaveOptions {
  /** Whether the file holds the teacher (default) or names it by hash. */
  readonly embedTeacher?: boolean;
  /**
   * Element type of the students' filters. `float16` halves them and rounds each to 11 significant bits; vectors
   * (biases, batch norms) stay float32. Default: as the detector came, after training `float32`.
   */
  readonly storage?: StudentStorage;
}

/** A student and its state dict, as the file has it or as it was trained. */
export type LoadedBranch = BranchModel & { readonly state: StateDict };

/** What a detector is made of. It stays the detector's. */
export interface DetectorParts {
  readonly teacher: Teacher;
  readonly branches: readonly LoadedBranch[];
  /** `height * width` of the network's input, 1 where pixels never count; null where all do. */
  readonly ignored: Uint8Array | null;
}

/** An image, where it lies in the network's input, and what does not count of it. */
interface PlacedImage {
  readonly image: PixelBuffer;
  readonly placed: Placement;
  readonly ignored: Uint8Array | null;
}

interface Access {
  parts(detector: Detector): DetectorParts;
  setDescription(detector: Detector, description: DetectorDescription): void;
}

/** For this package's own functions: what only they may see and change of a detector. */
export let accessTo: Access;

/**
 * A trained detector: a frozen teacher, its students, and what normal images look like to them.
 * Made by {@link trainDetector} or {@link loadDetector}; the owner calls `dispose`.
 */
export class Detector {
  static {
    accessTo = {
      parts: (detector) => {
        detector.#assertAlive();
        return { teacher: detector.#teacher, branches: detector.#branches, ignored: detector.#ignored };
      },
      setDescription: (detector, description) => (detector.#description = description),
    };
  }

  readonly #teacher: Teacher;
  readonly #ownsTeacher: boolean;
  readonly #branches: readonly LoadedBranch[];
  readonly #ignored: Uint8Array | null;
  #description: DetectorDescription;
  #disposed = false;

  /** @internal Use {@link trainDetector} or {@link loadDetector}. */
  constructor(
    teacher: Teacher,
    ownsTeacher: boolean,
    branches: readonly LoadedBranch[],
    description: DetectorDescription,
    ignored: Uint8Array | null = null,
  ) {
    this.#teacher = teacher;
    this.#ownsTeacher = ownsTeacher;
    this.#branches = branches;
    this.#ignored = ignored;
    this.#description = description;
  }

  /** Everything the artifact says about this detector. */
  get description(): DetectorDescription {
    return this.#description;
  }

  /** `[height, width]` of the network's input, in pixels. */
  get inputSize(): readonly [number, number] {
    return this.#description.inputSize;
  }

  get threshold(): number {
    return this.#description.threshold.value;
  }

  /** Sets the threshold by hand; no re-training, kept when saved. */
  set threshold(value: number) {
    if (!Number.isFinite(value)) {
      throw new DskdError('invalid-argument', `Got threshold ${value}, wanted a finite number.`);
    }
    this.#description = {
      ...this.#description,
      threshold: { value, falseAlarmRate: null, guaranteed: false },
    };
  }

  /**
   * Scores images of any size; each is brought to the network's input as in training.
   * @param images one or many: gray, RGB or RGBA bytes; `ImageData`. Alpha is composited over black.
   * @returns one prediction per image, in order.
   * @throws {DskdError} `disposed`, `aborted`, `invalid-argument`, `shape-mismatch`, `input-size-mismatch` (the
   * ignore mask).
   */
  async predict(
    images: ImageInput | readonly ImageInput[],
    options: PredictOptions = {},
  ): Promise<Prediction[]> {
    this.#assertAlive();
    const list = 'data' in images ? [images] : images;
    const { batchSize = 8, signal } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new DskdError('invalid-argument', `Got batch size ${batchSize}, wanted a positive integer.`);
    }
    const predictions: Prediction[] = [];
    for (let start = 0; start < list.length; start += batchSize) {
      throwIfAborted(signal);
      const chunk = this.#place(list.slice(start, start + batchSize).map(toRgb), options.ignored);
      const scored = await this.#score(chunk);
      chunk.forEach((image, index) => predictions.push(this.#describe(scored, index, image, options)));
    }
    return predictions;
  }

  /**
   * Scores images as they come: from a camera, a folder, a queue. While one is scored, the next ones are
   * already asked for, at most `prefetch` of them.
   * @returns predictions in the order of the images. Leaving the loop ends `images`, too.
   * @throws {DskdError} as {@link predict}; and whatever `images` throws.
   */
  predictEach(
    images: AsyncIterable<ImageInput> | Iterable<ImageInput>,
    options: PredictEachOptions = {},
  ): AsyncGenerator<Prediction, void, undefined> {
    return predictEach(this, images, options);
  }

  /**
   * The artifact as the bytes of one `.safetensors` file. The same detector gives the same bytes.
   * @throws {DskdError} `disposed`; `invalid-argument` for a custom teacher inside, or weights beyond float16;
   * `weights-not-finite` for a training that diverged.
   */
  save({ embedTeacher = true, storage = this.#description.storage }: SaveOptions = {}): Uint8Array {
    this.#assertAlive();
    const tensors: StateDict = new Map();
    const { weights } = this.#teacher;
    if (embedTeacher && !weights) {
      throw new DskdError('invalid-argument', 'A custom teacher cannot be put inside the file.', {
        hint: 'Save with { embedTeacher: false } and give the same teacher to loadDetector.',
      });
    }
    if (embedTeacher && weights) for (const [name, entry] of weights) tensors.set(`teacher.${name}`, entry);
    for (const { name, state } of this.#branches) {
      for (const [key, entry] of state) {
        const fullName = `students.${name}.${key}`;
        tensors.set(fullName, storedAs(storage, fullName, entry));
      }
    }
    if (this.#ignored) {
      tensors.set('ignored', { dtype: 'U8', shape: [...this.inputSize], data: this.#ignored });
    }
    const teacher = { ...this.#description.teacher, embedded: embedTeacher };
    return writeArtifact({ description: { ...this.#description, teacher, storage }, tensors });
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const { student } of this.#branches) student.dispose();
    if (this.#ownsTeacher) this.#teacher.dispose();
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
    const batch = toImageTensor(images.map(({ image }) => preparePixels(image, preparation)));
    const rule = ruleOf(this.#description);
    let raw: Awaited<ReturnType<typeof rawMaps>> | undefined;
    try {
      raw = await rawMaps(batch, this.#teacher.extractor, this.#branches, rule);
      const ignored = images.map((each) => each.ignored);
      return await scoreRawMaps(raw, this.#normalizations(), rule, ignored);
    } finally {
      batch.dispose();
      for (const map of raw?.values() ?? []) map.dispose();
    }
  }

  #normalizations(): Map<string, BranchNormalization> {
    return new Map(this.#description.branches.map(({ name, normalization }) => [name, normalization]));
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
      const alarm = quantileThreshold(calibrationScores, own.falseAlarmRate ?? DEFAULT_FALSE_ALARM_RATE);
      byBranch[name] = {
        score: branchScore,
        pValue: conformalPValue(branchScore, calibrationScores),
        anomalous: branchScore > alarm.threshold,
        map: mapOf(branch.maps),
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

/** The rate of false alarms a threshold is chosen for where none is asked for. */
export const DEFAULT_FALSE_ALARM_RATE = 0.05;
