import { DskdError, throwIfAborted } from '@dskd/base';
import { type StateDict, tensorFiles } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { BranchInfo, BranchOutput, FitInput, JsonObject } from '../contract.js';
import { asJson } from '../json.js';
import { assertDifferent } from './different-images.js';
import { assertFiniteFeatures } from './finite-features.js';
import { floats, floatsOf, roundedAs, rowsOfVectors } from './matrices.js';
import { setsOptions, type SetsOptions } from './part-options.js';
import { drawnImages, type Part, type PartContext, type PartFitter, type SavedPart } from './parts.js';
import { setLevels } from './patch-plans.js';
import { cropsOf, directions, projected, setFeatures, thresholdsOf, type Crop } from './set-features.js';
import {
  meanNearestDistance,
  nearestDistance,
  whitenedNeighbors,
  type WhitenedNeighbors,
} from './squared-whitening.js';

// SINBAD ("Set Features for Fine-grained Anomaly Detection", Cohen, Tzachor and Hoshen, 2023; code NivC/SINBAD), with crops of
// the feature maps of one pass in place of crops of the image, each scaled up and passed on its own. A branch without a map.

/** Training images that thresholds are found from, the first ones, as in the authors' code. */
const THRESHOLD_IMAGES = 32;

const setsConfig = z.object({
  options: setsOptions,
  seed: z.int(),
  /** Axes of each crop, in the order of the crops. */
  axes: z.array(z.int().positive()),
  images: z.int().min(2),
});

/** One crop of one level, and what an image's distance there is divided by. */
interface Place {
  /** Index of the level. */
  readonly level: number;
  readonly ratio: number;
  readonly crop: Crop;
  readonly mapWidth: number;
  /** How many crops there are of this level and ratio: the distances of all are averaged. */
  readonly crops: number;
}

/** Every crop of every ratio of every level, in this order. */
export function placesOf(options: SetsOptions, context: PartContext): Place[] {
  const shapes = context.teacher.extractor.outputShapes([context.inputSize[0], context.inputSize[1]]);
  return setLevels(options, context).flatMap((level) => {
    const [height, width] = shapes[level]!;
    return options.ratios.flatMap((ratio) => {
      const crops = cropsOf(height, width, ratio);
      return crops.map((crop) => ({ level, ratio, crop, mapWidth: width, crops: crops.length }));
    });
  });
}

/** Projects the features of the levels. Holds tensors. */
class Projection {
  readonly #directions = new Map<number, tf.Tensor2D>();

  constructor(seed: number, levels: readonly number[], options: SetsOptions, { teacher }: PartContext) {
    for (const level of levels) {
      const { channels } = teacher.extractor.levels[level]!;
      this.#directions.set(level, directions(seed, level, channels, options.projections));
    }
  }

  /** By level, of each image. */
  async of(features: readonly tf.Tensor4D[]): Promise<Map<number, Float32Array[]>> {
    const maps = new Map<number, Float32Array[]>();
    for (const [level, onto] of this.#directions) maps.set(level, await projected(features[level]!, onto));
    return maps;
  }

  dispose(): void {
    tf.dispose([...this.#directions.values()]);
  }
}

/** What is learned of one place. */
interface LearnedPlace {
  readonly thresholds: Float32Array;
  readonly neighbors: WhitenedNeighbors;
}

/** Set features of crops as a branch. */
export class SetsPart implements Part {
  readonly info: BranchInfo;
  readonly #places: readonly Place[];
  readonly #projection: Projection;

  /** @param scales of each place: the mean distance of a good image, averaged over the crops of its level and ratio. */
  constructor(
    readonly name: string,
    context: PartContext,
    private readonly config: z.output<typeof setsConfig>,
    private readonly learned: readonly LearnedPlace[],
    private readonly scales: Float32Array,
  ) {
    this.info = { name, map: false };
    const { options, seed } = config;
    this.#places = placesOf(options, context);
    this.#projection = new Projection(seed, setLevels(options, context), options, context);
  }

  async score(features: readonly tf.Tensor4D[]): Promise<BranchOutput> {
    const maps = await this.#projection.of(features);
    const scores = new Float32Array(features[0]!.shape[0]);
    for (let image = 0; image < scores.length; image++) {
      let score = 0;
      for (const [index, { level, crop, mapWidth, crops }] of this.#places.entries()) {
        const { thresholds, neighbors } = this.learned[index]!;
        const map = maps.get(level)![image]!;
        const vector = setFeatures(map, crop, mapWidth, thresholds, this.config.options.thresholds);
        score += nearestDistance(vector, neighbors) / this.scales[index]! / crops;
      }
      scores[image] = score;
    }
    return { name: this.name, map: null, scores };
  }

  save(): SavedPart {
    const tensors: StateDict = new Map();
    for (const [index, { thresholds, neighbors }] of this.learned.entries()) {
      const { mean, axes, factors, known } = neighbors;
      // What is rounded to the file's element type is a matrix; vectors stay float32 in every file.
      tensors.set(`${index}.thresholds`, floats([thresholds.length], thresholds));
      tensors.set(`${index}.mean`, floats([mean.length], mean));
      tensors.set(`${index}.axes`, floats([axes.count, axes.width], axes.data));
      tensors.set(`${index}.factors`, floats([factors.length], factors));
      tensors.set(`${index}.known`, floats([known.count, known.width], known.data));
    }
    tensors.set('scales', floats([this.scales.length], this.scales));
    return { config: asJson(this.config), tensors };
  }

  dispose(): void {
    this.#projection.dispose();
  }
}

/** Collects the set features of training images, at most `maxImages`. */
export class SetsFitter implements PartFitter {
  readonly #places: readonly Place[];
  readonly #projection: Projection;
  readonly #chosen: ReadonlySet<number>;
  readonly #seed: number;
  /** Of the first images, until the thresholds are known. */
  readonly #waiting: Map<number, Float32Array>[] = [];
  #thresholds: Float32Array[] | undefined;
  /** Of each place the vectors of the images. */
  readonly #vectors: Float32Array[][];

  constructor(
    readonly name: string,
    private readonly options: SetsOptions,
    input: FitInput,
    private readonly context: PartContext,
  ) {
    const { seed } = input;
    this.#seed = seed;
    this.#places = placesOf(options, context);
    this.#vectors = this.#places.map(() => []);
    this.#chosen = drawnImages(input.trainingImages.length, options.maxImages, input.seed, 'sets', name);
    this.#projection = new Projection(seed, setLevels(options, context), options, context);
  }

  async add(features: readonly tf.Tensor4D[], first: number): Promise<void> {
    const count = features[0]!.shape[0];
    const indexes = Array.from({ length: count }, (_, image) => image);
    const wanted = indexes.filter((image) => this.#chosen.has(first + image));
    if (wanted.length === 0) return;
    const maps = await this.#projection.of(features);
    for (const image of wanted) {
      const own = new Map([...maps].map(([level, all]) => [level, all[image]!]));
      for (const [level, map] of own) assertFiniteFeatures(map, level, first + image);
      if (this.#thresholds) {
        this.#describe(own);
        continue;
      }
      this.#waiting.push(own);
      if (this.#waiting.length === THRESHOLD_IMAGES) this.#settle();
    }
  }

  /** Finds the thresholds, and describes the images that waited for them. */
  #settle(): void {
    const { projections, thresholds } = this.options;
    this.#thresholds = this.#places.map(({ level, crop, mapWidth }) =>
      thresholdsOf(
        this.#waiting.map((maps) => maps.get(level)!),
        crop,
        mapWidth,
        projections,
        thresholds,
      ),
    );
    for (const maps of this.#waiting.splice(0)) this.#describe(maps);
  }

  #describe(maps: ReadonlyMap<number, Float32Array>): void {
    for (const [index, { level, crop, mapWidth }] of this.#places.entries()) {
      const thresholds = this.#thresholds![index]!;
      this.#vectors[index]!.push(
        setFeatures(maps.get(level)!, crop, mapWidth, thresholds, this.options.thresholds),
      );
    }
  }

  /** @throws {DskdError} `dataset-invalid` for fewer than three images, `aborted`. */
  async finish(
    progress: (done: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<{ part: Part; record: JsonObject }> {
    if (!this.#thresholds) this.#settle();
    const { options, name } = this;
    const images = this.#vectors[0]!.length;
    if (images < 3) {
      throw new DskdError(
        'dataset-invalid',
        `Got ${images} good images besides those that calibrate; wanted at least 3 to compare sets of features.`,
        { hint: 'Give more images of good parts: a few dozen are a good start.' },
      );
    }
    const learned: LearnedPlace[] = [];
    const distances: number[] = [];
    for (const [index, vectors] of this.#vectors.entries()) {
      throwIfAborted(signal);
      assertDifferent(name, rowsOfVectors(vectors));
      const neighbors = whitenedNeighbors(vectors, options.shrinkage, (key, values) =>
        roundedAs(options.storage, `${name}.${index}.${key}`, values),
      );
      learned.push({ thresholds: this.#thresholds![index]!, neighbors });
      distances.push(meanNearestDistance(neighbors));
      vectors.length = 0;
      progress((index + 1) / this.#places.length);
      // A crop takes a part of a second: events and aborts come between.
      await new Promise((resolve) => setTimeout(resolve));
    }
    const scales = Float32Array.from(this.#places, ({ level, ratio, crops }) => {
      const same = distances.filter((_, at) => {
        const other = this.#places[at]!;
        return other.level === level && other.ratio === ratio;
      });
      return same.reduce((sum, distance) => sum + distance, 0) / crops;
    });
    const axes = learned.map(({ neighbors }) => neighbors.axes.count);
    const config = { options, seed: this.#seed, axes, images };
    const part = new SetsPart(name, this.context, config, learned, scales);
    return { part, record: { images, crops: this.#places.length, width: learned[0]!.thresholds.length } };
  }

  dispose(): void {
    this.#projection.dispose();
  }
}

/**
 * Restores set features.
 * @throws {DskdError} `artifact-invalid` for a config that is none; `weights-mismatch`; `invalid-config` for levels that
 * the teacher does not have.
 */
export function restoreSets(
  name: string,
  config: unknown,
  tensors: StateDict,
  context: PartContext,
): SetsPart {
  const checked = tensorFiles.checkMetadata(setsConfig, config, 'detector');
  const { options, axes, images } = checked;
  const places = placesOf(options, context);
  const width = options.projections * options.thresholds;
  const learned = places.map((_, index): LearnedPlace => {
    const count = axes[index] ?? 0;
    const values = (key: string, shape: readonly number[]): Float32Array =>
      floatsOf(tensors, `${index}.${key}`, shape);
    return {
      thresholds: values('thresholds', [width]),
      neighbors: {
        mean: values('mean', [width]),
        axes: { data: values('axes', [count, width]), count, width },
        factors: values('factors', [count + 1]),
        known: { data: values('known', [images, count]), count: images, width: count },
      },
    };
  });
  return new SetsPart(name, context, checked, learned, floatsOf(tensors, 'scales', [places.length]));
}
