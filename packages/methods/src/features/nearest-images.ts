import type { Rows } from '@dskd/closed-form';
import type * as tf from '@tensorflow/tfjs-core';
import { joinRows } from './matrices.js';
import type { PartContext } from './parts.js';
import { Pooling } from './pooled-part.js';

/** The training images nearest to one image. */
export interface NearestImages {
  /** The nearest first; of equally near ones the one that was trained on first. */
  readonly images: readonly number[];
  /** Mean of their distances: SPADE's image score. */
  readonly distance: number;
}

/** The mean over all positions of the teacher's deepest level, one row an image. */
export class ImageVectors {
  readonly #pooling: Pooling;

  constructor(context: PartContext) {
    const deepest = context.teacher.extractor.levels.length;
    this.#pooling = new Pooling({ levels: [deepest], pooling: 'mean' }, context);
  }

  get width(): number {
    return this.#pooling.width;
  }

  of(features: readonly tf.Tensor4D[]): Promise<Rows> {
    return this.#pooling.of(features);
  }
}

/** Collects the vectors of the training images. */
export class ImageVectorCollector {
  readonly #seen: Rows[] = [];
  readonly #vectors: ImageVectors;

  constructor(context: PartContext) {
    this.#vectors = new ImageVectors(context);
  }

  async add(features: readonly tf.Tensor4D[]): Promise<void> {
    this.#seen.push(await this.#vectors.of(features));
  }

  get rows(): Rows {
    return joinRows(this.#seen);
  }
}

/**
 * The rows of `known` nearest to the row `index` of `queries`, by Euclidean distance in float64.
 * @param count how many; at most as many as there are.
 */
export function nearestImages(known: Rows, queries: Rows, index: number, count: number): NearestImages {
  const { width } = known;
  const query = queries.data.subarray(index * width, (index + 1) * width);
  const distances = Float64Array.from({ length: known.count }, (_, row) => {
    let squares = 0;
    for (let at = 0; at < width; at++) squares += (query[at]! - known.data[row * width + at]!) ** 2;
    return Math.sqrt(squares);
  });
  const images = [...distances.keys()].sort((a, b) => distances[a]! - distances[b]! || a - b).slice(0, count);
  return { images, distance: images.reduce((sum, image) => sum + distances[image]!, 0) / images.length };
}
