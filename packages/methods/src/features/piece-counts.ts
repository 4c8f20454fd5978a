import { randomStream } from '@dskd/base';
import { kMeans, nearestCenter, type Rows } from '@dskd/closed-form';
import { type StateDict, tensorFiles } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { FitInput, JsonObject, Size } from '../contract.js';
import { asJson } from '../json.js';
import {
  fitGaussian,
  gaussianConfig,
  restoreGaussian,
  type GaussianPart,
  type VectorMaker,
} from './gaussian-part.js';
import { floats, floatsOf, joinRows } from './matrices.js';
import { piecesOptions, type PiecesOptions } from './part-options.js';
import { drawnImages, type PartContext, type PartFitter, type SavedPart } from './parts.js';
import {
  findPieces,
  nearestRow,
  pieceGrid,
  pieceTensors,
  PIECE_WIDTH,
  smallImages,
  smallImageTensor,
} from './pieces.js';

// A Gaussian of how many pieces of each type an image has: it sees what is missing, what is there twice, and what has another
// size or color than its like, wherever it lies. Only where pieces can be counted: decision 0034.

/** Pixels that the palette is found from, to twice as many. */
const PALETTE_SAMPLE = 20_000;
/** A Gaussian of the counts of fewer images does more harm than good. */
const LEAST_IMAGES = 24;
/** Fewer pieces are one object on its background. */
const LEAST_PIECES = 4;
/** Added to each variance of counts: where they never vary, one piece more is ten deviations. */
const LEAST_VARIANCE = 0.01;

const piecesConfig = z.object({ options: piecesOptions, ...gaussianConfig });

/** What is learned of pieces. */
interface PieceTypes {
  /** Colors that cut an image into areas, 0..255. */
  readonly palette: Rows;
  /** Means of a piece's numbers over the training images, then their deviations. */
  readonly scale: Float32Array;
  /** Centers of the types of pieces, standardized by `scale`, for each number of types. */
  readonly types: readonly Rows[];
}

/** Counts the pieces of each type. */
class PieceCounts implements VectorMaker {
  readonly width: number;
  readonly #size: Size;
  readonly #factor: number;

  constructor(
    private readonly options: PiecesOptions,
    { inputSize }: PartContext,
    private readonly learned: PieceTypes,
  ) {
    this.width = learned.types.reduce((sum, { count }) => sum + count, 0);
    ({ size: this.#size, factor: this.#factor } = pieceGrid(inputSize));
  }

  async of(_features: readonly tf.Tensor4D[], images: tf.Tensor4D): Promise<Rows> {
    const small = await smallImages(images, this.#factor);
    return joinRows(small.map((colors) => this.count(findPieces(colors, this.#size, this.learned.palette))));
  }

  tensor(_features: readonly tf.Tensor4D[], images: tf.Tensor4D): tf.Tensor2D {
    const { palette, scale, types } = this.learned;
    const [height, width] = this.#size;
    return tf.tidy(() => {
      const small = tf.reshape(smallImageTensor(images, this.#factor), [-1, height * width, 3]);
      const [means, deviations] = [scale.subarray(0, PIECE_WIDTH), scale.subarray(PIECE_WIDTH)];
      const rows = Array.from({ length: images.shape[0] }, (_, image) =>
        tf.tidy(() => {
          const colors = tf.reshape<tf.Rank.R2>(tf.slice(small, [image, 0, 0], [1, -1, -1]), [-1, 3]);
          const { pieces, are } = pieceTensors(colors, this.#size, palette);
          const standardized = tf.div<tf.Tensor2D>(
            tf.sub(pieces, tf.tensor1d(means)),
            tf.tensor1d(deviations),
          );
          return tf.concat(
            types.map((centers) => tf.sum<tf.Tensor1D>(tf.mul(nearestRow(standardized, centers), are), 0)),
          );
        }),
      );
      return tf.stack(rows) as tf.Tensor2D;
    });
  }

  /** How many of the pieces are of each type: one row. */
  count(pieces: Rows): Rows {
    const { scale, types } = this.learned;
    const data = new Float32Array(this.width);
    const standardized = standardize(pieces, scale);
    let first = 0;
    for (const centers of types) {
      for (let piece = 0; piece < pieces.count; piece++) {
        data[first + nearestCenter(standardized.data, piece * PIECE_WIDTH, centers).index]!++;
      }
      first += centers.count;
    }
    return { data, count: 1, width: this.width };
  }

  save(): SavedPart {
    const { palette, scale, types } = this.learned;
    // Vectors: those stay float32 in a file of float16.
    const tensors: StateDict = new Map([
      ['palette', floats([palette.data.length], palette.data)],
      ['scale', floats([scale.length], scale)],
      ...types.map(({ data }, index) => [`types.${index + 1}`, floats([data.length], data)] as const),
    ]);
    return { config: { options: asJson(this.options) }, tensors };
  }
}

function standardize({ data, count, width }: Rows, scale: Float32Array): Rows {
  const values = data.map((value, i) => (value - scale[i % width]!) / scale[width + (i % width)]!);
  return { data: values, count, width };
}

/** Of each column the mean, then of each the deviation, 1 for a column that does not vary. */
function scaleOf({ data, count, width }: Rows): Float32Array {
  const scale = new Float64Array(2 * width);
  for (let i = 0; i < data.length; i++) scale[i % width]! += data[i]! / count;
  for (let i = 0; i < data.length; i++) {
    scale[width + (i % width)]! += (data[i]! - scale[i % width]!) ** 2 / count;
  }
  return Float32Array.from(scale, (value, i) => (i < width ? value : Math.sqrt(value) || 1));
}

/** Collects small images, at most `maxImages`. Altered copies are left out: they have as many pieces as their image. */
export class PiecesFitter implements PartFitter {
  readonly #size: Size;
  readonly #factor: number;
  readonly #seed: number;
  readonly #chosen: ReadonlySet<number>;
  readonly #images: Uint8Array[] = [];

  constructor(
    readonly name: string,
    private readonly options: PiecesOptions,
    input: FitInput,
    private readonly context: PartContext,
  ) {
    ({ size: this.#size, factor: this.#factor } = pieceGrid(context.inputSize));
    this.#seed = input.seed;
    const { length, originals = length } = input.trainingImages;
    this.#chosen = drawnImages(originals, options.maxImages, input.seed, 'pieces', name);
  }

  async add(_features: readonly tf.Tensor4D[], first: number, images: tf.Tensor4D): Promise<void> {
    for (const [image, colors] of (await smallImages(images, this.#factor)).entries()) {
      if (this.#chosen.has(first + image)) this.#images.push(colors);
    }
  }

  #palette(): Rows {
    const [height, width] = this.#size;
    const perImage = height * width;
    const total = this.#images.length * perImage;
    const step = Math.max(1, Math.floor(total / PALETTE_SAMPLE));
    const sample: number[] = [];
    for (let at = 0; at < total; at += step) {
      const start = 3 * (at % perImage);
      sample.push(...this.#images[Math.floor(at / perImage)]!.subarray(start, start + 3));
    }
    const rows = { data: Float32Array.from(sample), count: sample.length / 3, width: 3 };
    return kMeans(rows, this.options.colors, randomStream(this.#seed, 'palette', this.name));
  }

  /** No part where the number of pieces varies too much from one good image to the next to be counted. */
  finish(progress: (done: number) => void): Promise<{ part: GaussianPart | null; record: JsonObject }> {
    const palette = this.#palette();
    const pieces = this.#images.map((colors) => findPieces(colors, this.#size, palette));
    const numbers = pieces.map(({ count }) => count);
    const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
    const variance = numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0) / numbers.length;
    const found = { images: numbers.length, pieces: mean, deviation: Math.sqrt(variance) };
    progress(1);
    // Of few images the deviation may be low by chance: its standard error must fit, too.
    const most = found.deviation * (1 + 1 / Math.sqrt(2 * (numbers.length - 1)));
    const countable =
      numbers.length >= LEAST_IMAGES && mean >= LEAST_PIECES && most <= this.options.mostVariation * mean;
    if (!countable) return Promise.resolve({ part: null, record: { ...found, countable } });
    const all = joinRows(pieces);
    const scale = scaleOf(all);
    const standardized = standardize(all, scale);
    const types = this.options.types.map((number) =>
      kMeans(standardized, number, randomStream(this.#seed, 'piece types', this.name, number)),
    );
    const maker = new PieceCounts(this.options, this.context, { palette, scale, types });
    const counts = joinRows(pieces.map((rows) => maker.count(rows)));
    const { part, record } = fitGaussian(this.name, maker, counts, LEAST_VARIANCE);
    return Promise.resolve({ part, record: { ...record, ...found, countable } });
  }

  dispose(): void {
    // Holds no tensors.
  }
}

/**
 * Restores a Gaussian of counts.
 * @throws {DskdError} `artifact-invalid` for a config that is none; `weights-mismatch`.
 */
export function restorePieces(
  name: string,
  config: unknown,
  tensors: StateDict,
  context: PartContext,
): GaussianPart {
  const checked = tensorFiles.checkMetadata(piecesConfig, config, 'detector');
  const { options } = checked;
  const rows = (key: string, count: number, width: number): Rows => ({
    data: floatsOf(tensors, key, [count * width]),
    count,
    width,
  });
  const learned = {
    palette: rows('palette', options.colors, 3),
    scale: floatsOf(tensors, 'scale', [2 * PIECE_WIDTH]),
    types: options.types.map((number, index) => rows(`types.${index + 1}`, number, PIECE_WIDTH)),
  };
  return restoreGaussian(name, new PieceCounts(options, context, learned), checked, tensors);
}
