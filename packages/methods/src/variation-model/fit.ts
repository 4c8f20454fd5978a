import { throwIfAborted, type PixelBuffer } from '@dskd/base';
import type { Fit, FitInput } from '../contract.js';
import { Aligner } from './aligner.js';
import { gradientsOf, grayOf, standardized } from './gradient-image.js';
import { BRANCH, grayLevelsOf, roundedModel, VariationModel } from './model.js';
import type { VariationOptions } from './options.js';
import { PixelStatistics } from './pixel-statistics.js';
import { warp } from './rigid-transform.js';

/** Images that are read at a time. */
export const BATCH = 8;

/** Reads all training images, one pass after another, and says how far it is. */
class Passes {
  #done = 0;

  constructor(
    private readonly input: FitInput,
    private readonly count: number,
  ) {}

  /** @param use called with each image in gray levels and its index. */
  async next(use: (image: Float32Array, index: number) => void): Promise<void> {
    const { trainingImages, onEvent, signal } = this.input;
    const total = trainingImages.length;
    const batchFrom = (first: number): number[] =>
      Array.from({ length: Math.max(0, Math.min(BATCH, total - first)) }, (_, index) => first + index);
    for (let first = 0; first < total; first += BATCH) {
      throwIfAborted(signal);
      const indexes = batchFrom(first);
      const batch = await trainingImages.batch(indexes, 0);
      trainingImages.prefetch?.(batchFrom(first + BATCH));
      const images = await grayLevelsOf(batch).finally(() => batch.dispose());
      for (const [at, image] of images.entries()) {
        throwIfAborted(signal);
        use(image, first + at);
        // An alignment takes a tenth of a second: others want to run.
        if (this.count > 1) await new Promise((resolve) => setTimeout(resolve));
      }
      this.#done += images.length;
      const percent = Math.round((100 * this.#done) / (this.count * total));
      onEvent?.({ type: 'fit-progress', stage: BRANCH, done: percent, total: 100 });
    }
  }
}

/**
 * The training image that is most like the others: with the largest mean correlation of gradient lengths. The sum of all
 * standardized images gives all of these means, so none is kept.
 */
async function referenceOf(
  passes: Passes,
  inputSize: FitInput['inputSize'],
): Promise<{ readonly index: number; readonly gray: PixelBuffer }> {
  let sum: Float64Array | undefined;
  const vectorOf = (gray: PixelBuffer): Float64Array => standardized(gradientsOf(gray));
  await passes.next((image) => {
    const vector = vectorOf(grayOf(image, inputSize));
    if (!sum) sum = vector;
    else for (let at = 0; at < vector.length; at++) sum[at]! += vector[at]!;
  });
  let best: { readonly index: number; readonly gray: PixelBuffer; readonly likeness: number } | undefined;
  await passes.next((image, index) => {
    const gray = grayOf(image, inputSize);
    const vector = vectorOf(gray);
    let likeness = 0;
    for (let at = 0; at < vector.length; at++) likeness += vector[at]! * (sum![at]! - vector[at]!);
    if (!best || likeness > best.likeness) best = { index, gray, likeness };
  });
  return best!;
}

/**
 * Fits a variation model: mean and standard deviation of each pixel over the aligned images.
 * @throws {DskdError} `aborted`, `invalid-argument` for images with NaN or infinity, and what reading images throws.
 */
export async function fitVariationModel(input: FitInput, options: VariationOptions): Promise<Fit> {
  const { inputSize } = input;
  const isAligned = options.align !== 'none';
  const passes = new Passes(input, isAligned ? 3 : 1);
  const statistics = new PixelStatistics(inputSize);
  let aligner: Aligner | null = null;
  let reference: number | null = null;
  if (isAligned) {
    const { index, gray } = await referenceOf(passes, inputSize);
    [aligner, reference] = [new Aligner(gray, options.align, inputSize), index];
  }
  let moved = 0;
  await passes.next((image) => {
    if (!aligner) {
      statistics.add(image);
      return;
    }
    const transform = aligner.align(image);
    const { data, valid } = warp(image, inputSize, transform);
    if (transform.angle !== 0 || transform.shift.x !== 0 || transform.shift.y !== 0) moved++;
    statistics.add(data, valid);
  });
  const model = roundedModel(statistics.result(), options.storage);
  return {
    model: new VariationModel(inputSize, options, model, aligner),
    record: { images: input.trainingImages.length, ...(reference !== null && { reference, moved }) },
    storage: options.storage,
  };
}
