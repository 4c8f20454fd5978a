import { DskdError, type PixelBuffer } from '@dskd/base';
import { type StateDict, type StateDictEntry, tensorFiles, type TensorStorage } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { AnomalyModel, BranchOutput, RestoreContext, SavedModel, Size } from '../contract.js';
import { assertInputSize } from '../input-size.js';
import { bytesOf, floats, floatsOf, roundedAs } from '../features/matrices.js';
import { Aligner } from './aligner.js';
import { searchSizeOf } from './gradient-image.js';
import { variationOptions, type VariationOptions } from './options.js';
import { scoresOf, type PixelModel } from './pixel-statistics.js';
import { inverseOf, warp } from './rigid-transform.js';

/** Gray levels of a value of 1. */
const WHITE = 255;

export const BRANCH = 'local';

const configSchema = z.object({
  inputSize: z.tuple([z.int().positive(), z.int().positive()]),
  options: variationOptions,
});

/**
 * Images of a batch one after another, each in gray levels.
 * @param images `[batch, height, width, 3]`, 0..1; the caller keeps it.
 * @throws {DskdError} `invalid-argument` for images with NaN or infinity.
 */
export async function grayLevelsOf(images: tf.Tensor4D): Promise<Float32Array[]> {
  const values = (await images.data()) as Float32Array;
  const [batch] = images.shape;
  const size = values.length / batch;
  return Array.from({ length: batch }, (_, index) => {
    const image = new Float32Array(size);
    let finite = 0;
    for (let at = 0; at < size; at++) {
      image[at] = WHITE * values[index * size + at]!;
      // NaN of a number that is not finite.
      finite += 0 * image[at]!;
    }
    if (finite === 0) return image;
    throw new DskdError('invalid-argument', `Got NaN or infinity in image ${index} of a batch.`, {
      hint: 'Give images with values from 0 to 1.',
      details: { image: index },
    });
  });
}

/** The numbers of a model as a file of this storage gives them back. */
export function roundedModel({ mean, deviation, seen }: PixelModel, storage: TensorStorage): PixelModel {
  return {
    mean: roundedAs(storage, 'mean', mean),
    deviation: roundedAs(storage, 'deviation', deviation),
    seen,
  };
}

/** Compares each pixel with what good images show there. Holds no tensors. */
export class VariationModel implements AnomalyModel {
  readonly method = 'vm';
  readonly branches = [{ name: BRANCH, map: true }];

  /** @param aligner null where images are compared as they are. */
  constructor(
    private readonly inputSize: Size,
    private readonly options: VariationOptions,
    private readonly model: PixelModel,
    private readonly aligner: Aligner | null,
  ) {}

  async score(images: tf.Tensor4D): Promise<BranchOutput[]> {
    const [height, width] = this.inputSize;
    const levels = await grayLevelsOf(images);
    const maps = new Float32Array(levels.length * height * width);
    levels.forEach((image, index) => maps.set(this.#map(image), index * height * width));
    return [{ name: BRANCH, map: tf.tensor3d(maps, [levels.length, height, width]) }];
  }

  /** The map of one image, as the image lies; 0 where it shows nothing that good images show. */
  #map(image: Float32Array): Float32Array {
    const { floor } = this.options;
    if (!this.aligner) return scoresOf(image, this.model, floor);
    const transform = this.aligner.align(image);
    const aligned = warp(image, this.inputSize, transform);
    const scores = scoresOf(aligned.data, this.model, floor, aligned.valid);
    return warp(scores, this.inputSize, inverseOf(transform)).data;
  }

  state(): SavedModel {
    const [height, width] = this.inputSize;
    const { mean, deviation, seen } = this.model;
    const tensors: StateDict = new Map([
      ['mean', floats([height, width, 3], mean)],
      ['deviation', floats([height, width, 3], deviation)],
    ]);
    if (this.aligner) {
      tensors.set('seen', bytes([height, width], seen));
      const { reference } = this.aligner;
      tensors.set('reference', bytes([reference.height, reference.width], reference.data));
    }
    return { config: { inputSize: [height, width], options: { ...this.options } }, tensors };
  }

  dispose(): void {
    // Holds no tensors.
  }
}

function bytes(shape: readonly number[], data: PixelBuffer['data']): StateDictEntry {
  return { dtype: 'U8', shape, data: Uint8Array.from(data) };
}

/**
 * Restores a variation model.
 * @throws {DskdError} `artifact-invalid` for a config that is none; `input-size-mismatch`; `weights-not-finite`;
 * `weights-mismatch` for tensors that are missing, of another shape, or negative deviations.
 */
export function restoreVariationModel(
  { config, tensors }: SavedModel,
  { inputSize }: RestoreContext,
): VariationModel {
  const checked = tensorFiles.checkMetadata(configSchema, config, 'detector');
  assertInputSize('The model', checked.inputSize, inputSize);
  tensorFiles.assertFinite(tensors);
  const { options } = checked;
  const [height, width] = checked.inputSize;
  const isAligned = options.align !== 'none';
  const model: PixelModel = {
    mean: floatsOf(tensors, 'mean', [height, width, 3]),
    deviation: floatsOf(tensors, 'deviation', [height, width, 3]),
    seen: isAligned ? bytesOf(tensors, 'seen', [height, width]) : new Uint8Array(height * width).fill(1),
  };
  const [rows, columns] = searchSizeOf(inputSize);
  const aligner = isAligned
    ? new Aligner(
        { data: bytesOf(tensors, 'reference', [rows, columns]), height: rows, width: columns, channels: 1 },
        options.align,
        checked.inputSize,
      )
    : null;
  const restored = new VariationModel(checked.inputSize, options, model, aligner);
  assertTensorsFit(restored, tensors, model);
  return restored;
}

/** @throws {DskdError} `weights-mismatch` */
function assertTensorsFit(restored: VariationModel, tensors: StateDict, { deviation }: PixelModel): void {
  const own = restored.state().tensors;
  const extra = [...tensors.keys()].filter((name) => !own.has(name));
  if (extra.length > 0) {
    throw new DskdError(
      'weights-mismatch',
      `The file holds tensors that belong to nothing: ${tensorFiles.namesInWords(extra)}.`,
      { details: { tensors: extra } },
    );
  }
  const negative = deviation.find((value) => value < 0);
  if (negative !== undefined) {
    throw new DskdError('weights-mismatch', `Got the standard deviation ${negative}; wanted none below 0.`, {
      hint: 'The file was put together by something else, or damaged: get it again, or train again.',
      details: { tensor: 'deviation', got: negative },
    });
  }
}
