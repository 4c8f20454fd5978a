import { DskdError, throwIfAborted, type PixelBuffer } from '@dskd/base';
import { preparePixels, toImageTensor, toRgb, type PictureInput } from '@dskd/data';
import { conformalPValue, findRegions, quantileThreshold, type BranchConstants } from '@dskd/scoring';
import type { StateDict } from '@dskd/weights';
import { writeArtefact } from './artefact.js';
import type { BranchModel } from './branches.js';
import type { DetectorDescription } from './description.js';
import type { BranchPrediction, Prediction, ScoreMap } from './prediction.js';
import { predictEach, type PredictEachOptions } from './predict-each.js';
import { rawMaps, scoreRawMaps, type FusionRule, type ScoredBatch } from './score-maps.js';
import { storedAs, type StudentStorage } from './student-storage.js';
import type { Teacher } from './teacher.js';

export interface PredictOptions {
  /** Pictures per pass through the networks. Does not change results. Default 8. */
  readonly batchSize?: number;
  /** Overrides the detector's threshold for this call. */
  readonly threshold?: number;
  /** Smallest region reported, in pixels of the network's input. Default 1. */
  readonly minArea?: number;
  /** `height * width` of the network's input, nonzero where pixels do not count. */
  readonly ignored?: Uint8Array;
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
}

interface Access {
  parts(detector: Detector): DetectorParts;
  setDescription(detector: Detector, description: DetectorDescription): void;
}

/** For this package's own functions: what only they may see and change of a detector. */
export let accessTo: Access;

/**
 * A trained detector: a frozen teacher, its students, and what normal pictures look like to them.
 * Made by {@link trainDetector} or {@link loadDetector}; the owner calls `dispose`.
 */
export class Detector {
  static {
    accessTo = {
      parts: (detector) => {
        detector.#assertAlive();
        return { teacher: detector.#teacher, branches: detector.#branches };
      },
      setDescription: (detector, description) => (detector.#description = description),
    };
  }

  readonly #teacher: Teacher;
  readonly #ownsTeacher: boolean;
  readonly #branches: readonly LoadedBranch[];
  #description: DetectorDescription;
  #disposed = false;

  /** @internal Use {@link trainDetector} or {@link loadDetector}. */
  constructor(
    teacher: Teacher,
    ownsTeacher: boolean,
    branches: readonly LoadedBranch[],
    description: DetectorDescription,
  ) {
    this.#teacher = teacher;
    this.#ownsTeacher = ownsTeacher;
    this.#branches = branches;
    this.#description = description;
  }

  /** Everything the artefact says about this detector. */
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
   * Scores pictures of any size; each is brought to the network's input as in training.
   * @param pictures one or many: grey, RGB or RGBA bytes; `ImageData`. Alpha is composited over black.
   * @returns one prediction per picture, in order.
   * @throws {DskdError} `disposed`, `aborted`, `invalid-argument`, `shape-mismatch`, `input-size-mismatch` (the
   * ignore mask).
   */
  async predict(
    pictures: PictureInput | readonly PictureInput[],
    options: PredictOptions = {},
  ): Promise<Prediction[]> {
    this.#assertAlive();
    const list = 'data' in pictures ? [pictures] : pictures;
    const { batchSize = 8, signal } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new DskdError('invalid-argument', `Got batch size ${batchSize}, wanted a positive integer.`);
    }
    const predictions: Prediction[] = [];
    for (let start = 0; start < list.length; start += batchSize) {
      throwIfAborted(signal);
      const chunk = list.slice(start, start + batchSize).map(toRgb);
      const scored = await this.#score(chunk, options.ignored);
      chunk.forEach((picture, index) => predictions.push(this.#describe(scored, index, picture, options)));
    }
    return predictions;
  }

  /**
   * Scores pictures as they come: from a camera, a folder, a queue. While one is scored, the next ones are
   * already asked for, at most `lookAhead` of them.
   * @returns predictions in the order of the pictures. Leaving the loop ends `pictures`, too.
   * @throws {DskdError} as {@link predict}; and whatever `pictures` throws.
   */
  predictEach(
    pictures: AsyncIterable<PictureInput> | Iterable<PictureInput>,
    options: PredictEachOptions = {},
  ): AsyncGenerator<Prediction, void, undefined> {
    return predictEach(this, pictures, options);
  }

  /**
   * The artefact as the bytes of one `.safetensors` file. The same detector gives the same bytes.
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
    const teacher = { ...this.#description.teacher, embedded: embedTeacher };
    return writeArtefact({ description: { ...this.#description, teacher, storage }, tensors });
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

  async #score(pictures: readonly PixelBuffer[], ignored: Uint8Array | undefined): Promise<ScoredBatch> {
    const [height, width] = this.inputSize;
    if (ignored && ignored.length !== height * width) {
      throw new DskdError(
        'input-size-mismatch',
        `Got an ignore mask of ${ignored.length} pixels, wanted ${height} x ${width} = ${height * width}.`,
        {
          hint: "The mask must have the network's input size; another size needs another detector.",
          details: { got: ignored.length, wanted: [height, width] },
        },
      );
    }
    const images = toImageTensor(pictures.map((picture) => preparePixels(picture, { height, width })));
    const rule = this.#rule();
    let raw: Awaited<ReturnType<typeof rawMaps>> | undefined;
    try {
      raw = await rawMaps(images, this.#teacher.extractor, this.#branches, rule);
      return await scoreRawMaps(raw, this.#constants(), rule, ignored);
    } finally {
      images.dispose();
      for (const map of raw?.values() ?? []) map.dispose();
    }
  }

  #rule(): FusionRule {
    const { alignCorners, sigma } = this.#description.fusion;
    return { alignCorners, sigma };
  }

  #constants(): Map<string, BranchConstants> {
    return new Map(
      this.#description.branches.map(({ name, mean, standardDeviation }) => [
        name,
        { mean, standardDeviation },
      ]),
    );
  }

  #describe(scored: ScoredBatch, index: number, picture: PixelBuffer, options: PredictOptions): Prediction {
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
    const regions = findRegions(map.data, {
      width,
      height,
      threshold,
      minArea: options.minArea ?? 1,
      scaleTo: { width: picture.width, height: picture.height },
    });
    return {
      score,
      threshold,
      verdict: score > threshold ? 'anomalous' : 'normal',
      pValue: conformalPValue(score, calibration.scores),
      branches: byBranch,
      map,
      regions,
    };
  }
}

/** The rate of false alarms a threshold is chosen for where none is asked for. */
export const DEFAULT_FALSE_ALARM_RATE = 0.05;
