import { DskdError, prefetch, throwIfAborted, type PixelBuffer } from '@dskd/base';
import {
  placement,
  preparePixelsInSlices,
  toRgb,
  type ImageInput,
  type IntensityRange,
  type Placement,
} from '@dskd/data';
import { conformalPValue, findRegions } from '@dskd/scoring';
import type { DetectorDescription } from '../artifact/description.js';
import type { CalibrationChange } from '../calibration/calibrated-model.js';
import { asList, assertImages, checkPredictOptions, type PredictOptions } from './arguments.js';
import { calibratedBranches, type Calibrated } from './calibrated-branches.js';
import {
  assertSameProportions,
  ignoredAtNetworkSize,
  ignoredPixels,
  type IgnoreMask,
} from './ignored-pixels.js';
import { cut } from './map-in-image.js';
import type { BranchPrediction, Prediction, ScoreMap } from './prediction.js';
import { preparationOf } from './preparation.js';
import type { ScoredBatch, Scoring } from './score.js';

export interface PredictEachOptions extends Omit<PredictOptions, 'batchSize'> {
  /** How many images are asked for while one is scored. Default 2. */
  readonly prefetch?: number;
}

/** An image, where it lies in the network's input, and what does not count of it. */
interface PlacedImage {
  readonly image: PixelBuffer;
  readonly placed: Placement;
  readonly ignored: Uint8Array | null;
}

/**
 * What makes predictions of images by a detector's description: prepares images, has them scored, and says what the scores
 * mean. How images are scored, a class of its own says: {@link Detector} by TensorFlow.js, `OnnxDetector` of `@dskd/onnx` by
 * ONNX Runtime.
 */
export abstract class Predictor {
  readonly #ignored: Uint8Array | null;
  #description: DetectorDescription;
  #calibrated: Calibrated;
  #disposed = false;

  /** @param ignored `height * width` of the network's input, 1 where pixels never count; null where all do. */
  protected constructor(description: DetectorDescription, ignored: Uint8Array | null) {
    this.#ignored = ignored;
    this.#description = description;
    this.#calibrated = calibratedBranches(description);
  }

  /**
   * Scores images that are the network's input.
   * @param prepared RGB at {@link inputSize}.
   * @param ignored one per image: `[height * width]`, not 0 where a pixel does not count, or null where all do.
   */
  protected abstract scorePrepared(
    prepared: readonly PixelBuffer[],
    ignored: readonly (Uint8Array | null)[],
  ): Promise<ScoredBatch>;

  /** Frees what scores images. It is called once. */
  protected abstract release(): void;

  /** `height * width` of the network's input, 1 where pixels never count; null where all do. */
  get ignored(): Uint8Array | null {
    return this.#ignored;
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
    this.assertAlive();
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
    const ahead = prefetch(images, count, (image) => Promise.resolve(image), options.signal);
    for await (const image of ahead) yield await this.predict(image, options);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** How raw maps become scores. */
  protected get scoring(): Scoring {
    const { fusion, inputSize } = this.#description;
    return { fusion, normalizations: this.#calibrated.normalizations, inputSize };
  }

  /** @throws {DskdError} `disposed` */
  protected assertAlive(): void {
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
    const preparation = preparationOf(this.#description, this.#ignored);
    const prepared: PixelBuffer[] = [];
    for (const { image } of images) prepared.push(await preparePixelsInSlices(image, preparation));
    return this.scorePrepared(
      prepared,
      images.map((each) => each.ignored),
    );
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
