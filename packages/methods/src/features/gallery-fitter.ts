import { type StateDictEntry, tensorFiles } from '@dskd/weights';
import type * as tf from '@tensorflow/tfjs-core';
import type { FitInput, JsonObject } from '../contract.js';
import { assertFiniteFeatures } from './finite-features.js';
import { GalleryPart, galleryShapes } from './gallery-part.js';
import { ImageVectorCollector } from './nearest-images.js';
import type { GalleryOptions } from './part-options.js';
import type { PartContext, PartFitter } from './parts.js';
import { galleryLevels } from './patch-plans.js';

/** Keeps the features of the training images, as a file will hold them. */
export class GalleryFitter implements PartFitter {
  readonly #collected: ImageVectorCollector;
  readonly #levels: readonly number[];
  readonly #entries: readonly StateDictEntry[];

  constructor(
    readonly name: string,
    private readonly options: GalleryOptions,
    input: FitInput,
    private readonly context: PartContext,
  ) {
    this.#collected = new ImageVectorCollector(context);
    this.#levels = galleryLevels(options, context);
    const images = input.trainingImages.length;
    this.#entries = galleryShapes(options, context).map((level): StateDictEntry => {
      const shape = [images, ...level];
      const length = shape.reduce((product, side) => product * side, 1);
      return options.storage === 'float16'
        ? { dtype: 'F16', shape, data: new Uint16Array(length) }
        : { dtype: 'F32', shape, data: new Float32Array(length) };
    });
  }

  async add(features: readonly tf.Tensor4D[], first: number): Promise<void> {
    await this.#collected.add(features);
    for (const [index, level] of this.#levels.entries()) {
      const { shape } = features[level]!;
      const data = (await features[level]!.data()) as Float32Array;
      assertFiniteFeatures(data, level, first);
      const name = `${this.name}.level${level + 1}`;
      const stored = tensorFiles.storedAs(this.options.storage, name, { dtype: 'F32', shape, data });
      const perImage = data.length / shape[0];
      (this.#entries[index]!.data as Uint16Array | Float32Array).set(
        stored.data as Uint16Array | Float32Array,
        first * perImage,
      );
    }
  }

  finish(progress: (done: number) => void): Promise<{ part: GalleryPart; record: JsonObject }> {
    const vectors = this.#collected.rows;
    const gallery = { vectors, levels: this.#entries };
    progress(1);
    const bytes = this.#entries.reduce((sum, { data }) => sum + data.byteLength, 0);
    const part = new GalleryPart(this.name, this.context, this.options, gallery);
    return Promise.resolve({ part, record: { images: vectors.count, bytes } });
  }

  dispose(): void {
    // Holds no tensors.
  }
}
