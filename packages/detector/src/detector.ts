import { DskdError, throwIfAborted, type PixelBuffer } from '@dskd/base';
import { preparePixels, toImageTensor } from '@dskd/data';
import { createObjective } from '@dskd/losses';
import { createStudent, type StudentOptions } from '@dskd/models';
import { conformalPValue, findRegions, quantileThreshold, type BranchConstants } from '@dskd/scoring';
import type { StateDict } from '@dskd/weights';
import { readArtefact, tensorsUnder, writeArtefact } from './artefact.js';
import type { BranchModel } from './branches.js';
import type { DetectorDescription } from './description.js';
import type { BranchPrediction, Prediction, ScoreMap } from './prediction.js';
import { rawMaps, scoreRawMaps, type FusionRule, type ScoredBatch } from './score-maps.js';
import { backboneName, namedTeacher, type Teacher } from './teacher.js';

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
}

export interface LoadOptions {
  /** The teacher of an artefact that names it only. The caller disposes it. */
  readonly teacher?: Teacher;
}

/**
 * A trained detector: a frozen teacher, its students, and what normal pictures look like to them.
 * Made by {@link trainDetector} or {@link loadDetector}; the owner calls `dispose`.
 */
export class Detector {
  readonly #teacher: Teacher;
  readonly #ownsTeacher: boolean;
  readonly #branches: readonly (BranchModel & { readonly state: StateDict })[];
  #description: DetectorDescription;
  #disposed = false;

  /** @internal Use {@link trainDetector} or {@link loadDetector}. */
  constructor(
    teacher: Teacher,
    ownsTeacher: boolean,
    branches: readonly (BranchModel & { readonly state: StateDict })[],
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
   * Scores pictures of any size; each is squeezed to the network's input as in training.
   * @param pictures one or many, RGB (3 channels).
   * @returns one prediction per picture, in order.
   * @throws {DskdError} `disposed`, `aborted`, `invalid-argument`.
   */
  async predict(
    pictures: PixelBuffer | readonly PixelBuffer[],
    options: PredictOptions = {},
  ): Promise<Prediction[]> {
    this.#assertAlive();
    const list = 'data' in pictures ? [pictures] : pictures;
    const batchSize = options.batchSize ?? 8;
    const predictions: Prediction[] = [];
    for (let start = 0; start < list.length; start += batchSize) {
      throwIfAborted(options.signal);
      const chunk = list.slice(start, start + batchSize);
      const scored = await this.#score(chunk, options.ignored);
      chunk.forEach((picture, index) => predictions.push(this.#describe(scored, index, picture, options)));
    }
    return predictions;
  }

  /** The artefact as the bytes of one `.safetensors` file. The same detector gives the same bytes. */
  save({ embedTeacher = true }: SaveOptions = {}): Uint8Array {
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
      for (const [key, entry] of state) tensors.set(`students.${name}.${key}`, entry);
    }
    const teacher = { ...this.#description.teacher, embedded: embedTeacher };
    return writeArtefact({ description: { ...this.#description, teacher }, tensors });
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
        'invalid-argument',
        `Got an ignore mask of ${ignored.length} pixels, wanted ${height} x ${width} = ${height * width}.`,
      );
    }
    const images = toImageTensor(pictures.map((picture) => preparePixels(picture, { height, width })));
    const rule = this.#rule();
    const raw = await rawMaps(images, this.#teacher.extractor, this.#branches, rule);
    images.dispose();
    const scored = await scoreRawMaps(raw, this.#constants(), rule, ignored);
    for (const map of raw.values()) map.dispose();
    return scored;
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

function teacherOf(
  description: DetectorDescription,
  tensors: StateDict,
  given: Teacher | undefined,
): Teacher {
  const { name, sha256, embedded } = description.teacher;
  if (given) {
    if (given.sha256 !== sha256) {
      throw new DskdError(
        'weights-mismatch',
        `The detector was trained with teacher ${name} of SHA-256 ${sha256}; got ${given.extractor.name} of ${given.sha256}.`,
        {
          hint: 'Give the weight file the detector was trained with.',
          details: { wanted: sha256, got: given.sha256 },
        },
      );
    }
    return given;
  }
  if (!embedded) {
    throw new DskdError(
      'weights-mismatch',
      `The file does not hold its teacher ${name} (SHA-256 ${sha256}).`,
      {
        hint: 'Give the weight file: --weights FILE, or loadDetector(bytes, { teacher }).',
      },
    );
  }
  return namedTeacher(backboneName(name), tensorsUnder(tensors, 'teacher'), sha256);
}

/**
 * Reads a detector from the bytes of an artefact, or from a URL (fetched).
 * @returns a detector whose scores are bit for bit those of the one that was saved, on the same backend.
 * @throws {DskdError} `artefact-invalid`, `artefact-version`, `weights-invalid`, `weights-mismatch`.
 */
export async function loadDetector(
  source: Uint8Array | URL,
  { teacher: given }: LoadOptions = {},
): Promise<Detector> {
  const bytes = source instanceof URL ? await download(source) : source;
  const { description, tensors } = readArtefact(bytes);
  const teacher = teacherOf(description, tensors, given);
  const branches: (BranchModel & { readonly state: StateDict })[] = [];
  try {
    for (const { name, student: options, objective } of description.branches) {
      const student = createStudent(options as unknown as StudentOptions, { blank: true });
      const state = tensorsUnder(tensors, `students.${name}`);
      branches.push({ name, student, objective: createObjective(objective), state });
      student.loadStateDict(state);
    }
  } catch (error) {
    for (const { student } of branches) student.dispose();
    if (!given) teacher.dispose();
    throw error;
  }
  return new Detector(teacher, !given, branches, description);
}

async function download(url: URL): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) {
    throw new DskdError('file-not-found', `Fetching ${url.href} gave status ${response.status}.`);
  }
  return new Uint8Array(await response.arrayBuffer());
}
