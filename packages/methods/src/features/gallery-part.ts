import { NeighborBank, type Rows } from '@dskd/closed-form';
import { upsampleBilinear } from '@dskd/core';
import { type StateDict, type StateDictEntry, tensorFiles, toFloat32 } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { BranchInfo, BranchOutput } from '../contract.js';
import { floatEntryOf, floats, floatsOf } from './matrices.js';
import { ImageVectors, nearestImages } from './nearest-images.js';
import { galleryOptions, type GalleryOptions } from './part-options.js';
import type { Part, PartContext, SavedPart } from './parts.js';
import { galleryLevels } from './patch-plans.js';
import { toGrid } from './patches.js';

// SPADE ("Sub-Image Anomaly Detection with Deep Pyramid Correspondences", Cohen and Hoshen, 2020; code:
// byungjae89/SPADE-pytorch): the distance of each position to the nearest among all positions of the training images that
// are nearest to the whole image. Nothing is trained: the features of all training images are kept.

const configSchema = z.object({ options: galleryOptions, images: z.int().positive() });

/** Shape of one level's features of an image. */
type LevelShape = readonly [height: number, width: number, channels: number];

/** Shapes of the levels that a gallery keeps, from shallow to deep. */
export function galleryShapes(options: GalleryOptions, context: PartContext): LevelShape[] {
  const shapes = context.teacher.extractor.outputShapes([...context.inputSize]);
  return galleryLevels(options, context).map((level) => shapes[level]!);
}

/** Name of the tensor of a level, by its number. */
const tensorOf = (level: number): string => `level${level + 1}`;

/** What is kept of the training images. */
export interface Gallery {
  /** Pooled, one row an image. */
  readonly vectors: Rows;
  /** Of each level `[images, height, width, channels]`, as a file holds them: of float16 their bits. */
  readonly levels: readonly StateDictEntry[];
}

/** A gallery of features as a branch. Holds no tensors between two scores. */
export class GalleryPart implements Part {
  readonly info: BranchInfo;
  readonly #vectors: ImageVectors;
  readonly #levels: readonly number[];
  readonly #shapes: readonly LevelShape[];

  constructor(
    readonly name: string,
    private readonly context: PartContext,
    private readonly options: GalleryOptions,
    private readonly gallery: Gallery,
  ) {
    this.info = { name, map: true };
    this.#vectors = new ImageVectors(context);
    this.#levels = galleryLevels(options, context);
    this.#shapes = galleryShapes(options, context);
  }

  async score(features: readonly tf.Tensor4D[]): Promise<BranchOutput> {
    const queries = await this.#vectors.of(features);
    const maps: tf.Tensor3D[] = [];
    try {
      for (let image = 0; image < queries.count; image++) {
        const { images } = nearestImages(this.gallery.vectors, queries, image, this.options.neighbors);
        const own = this.#levels.map((level) =>
          tf.tidy(() => tf.slice(features[level]!, [image, 0, 0, 0], [1, -1, -1, -1])),
        );
        const known = this.#shapes.map((shape, index) => this.#featuresOf(images, index, shape));
        try {
          maps.push(
            await (this.options.combine === 'mean' ? this.#meanMap(own, known) : this.#jointMap(own, known)),
          );
        } finally {
          tf.dispose([own, known]);
        }
      }
      return { name: this.name, map: tf.concat(maps, 0) };
    } finally {
      tf.dispose(maps);
    }
  }

  /** One level's features of training images. The caller disposes them. */
  #featuresOf(images: readonly number[], index: number, [height, width, channels]: LevelShape): tf.Tensor4D {
    const size = height * width * channels;
    const { dtype, data } = this.gallery.levels[index]!;
    const values = new Float32Array(images.length * size);
    images.forEach((image, at) => {
      const part = data.slice(image * size, (image + 1) * size);
      values.set(toFloat32({ dtype, shape: [size], data: part }), at * size);
    });
    return tf.tensor4d(values, [images.length, height, width, channels]);
  }

  /** The mean of the levels' maps, each brought to the input's size. The caller disposes it. */
  async #meanMap(own: readonly tf.Tensor4D[], known: readonly tf.Tensor4D[]): Promise<tf.Tensor3D> {
    const [height, width] = this.context.inputSize;
    const maps: tf.Tensor3D[] = [];
    try {
      for (const [index, queries] of own.entries()) {
        const map = await distancesTo(queries, known[index]!);
        maps.push(upsampleBilinear(map, [height, width], { alignCorners: false }));
        map.dispose();
      }
      return tf.tidy(() => tf.div<tf.Tensor3D>(tf.addN(maps), maps.length));
    } finally {
      tf.dispose(maps);
    }
  }

  /** The map of vectors of all levels, on the grid of the shallowest. The caller disposes it. */
  async #jointMap(own: readonly tf.Tensor4D[], known: readonly tf.Tensor4D[]): Promise<tf.Tensor3D> {
    const [height, width] = this.#shapes[0]!;
    const joined = (levels: readonly tf.Tensor4D[]): tf.Tensor4D =>
      tf.tidy(() =>
        tf.concat(
          levels.map((level) => toGrid(level, [height, width])),
          3,
        ),
      );
    const [queries, rows] = [joined(own), joined(known)];
    try {
      return await distancesTo(queries, rows);
    } finally {
      tf.dispose([queries, rows]);
    }
  }

  save(): SavedPart {
    const { vectors, levels } = this.gallery;
    // A vector stays float32 in a file of float16.
    const tensors: StateDict = new Map([['vectors', floats([vectors.data.length], vectors.data)]]);
    this.#levels.forEach((level, index) => tensors.set(tensorOf(level), levels[index]!));
    return { config: { options: { ...this.options }, images: vectors.count }, tensors };
  }

  dispose(): void {
    // Holds no tensors.
  }
}

/**
 * The distance of each position to the nearest of all positions of `known`.
 * @param queries `[1, height, width, channels]`
 * @param known `[images, height, width, channels]`
 * @returns `[1, height, width]`; the caller disposes it.
 */
async function distancesTo(queries: tf.Tensor4D, known: tf.Tensor4D): Promise<tf.Tensor3D> {
  const [, height, width, channels] = queries.shape;
  const data = (await known.data()) as Float32Array;
  const bank = new NeighborBank({ data, count: data.length / channels, width: channels });
  const rows = tf.tidy(() => tf.reshape<tf.Rank.R2>(queries, [-1, channels]));
  try {
    const { distances } = await bank.nearest(rows);
    return tf.tensor3d(distances, [1, height, width]);
  } finally {
    rows.dispose();
    bank.dispose();
  }
}

/**
 * Restores a gallery.
 * @throws {DskdError} `artifact-invalid` for a config that is none; `weights-mismatch`; `invalid-config` for levels that
 * the teacher does not have; `invalid-argument` for numbers beyond float16 where it is stored so.
 */
export function restoreGallery(
  name: string,
  config: unknown,
  tensors: StateDict,
  context: PartContext,
): GalleryPart {
  const { options, images: count } = tensorFiles.checkMetadata(configSchema, config, 'detector');
  const shapes = galleryShapes(options, context);
  const levels = galleryLevels(options, context).map((level, index) => {
    const tensor = tensorOf(level);
    // In memory as in the fit, also from a file that was saved in another type.
    return tensorFiles.storedAs(
      options.storage,
      `${name}.${tensor}`,
      floatEntryOf(tensors, tensor, [count, ...shapes[index]!]),
    );
  });
  const { width } = new ImageVectors(context);
  const vectors = { data: floatsOf(tensors, 'vectors', [count * width]), count, width };
  return new GalleryPart(name, context, options, { vectors, levels });
}
