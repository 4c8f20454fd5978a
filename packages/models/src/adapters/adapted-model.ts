import { DskdError } from '@dskd/base';
import type { FeatureExtractor, FeatureLevel, InputTransform } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import { affineInput, type AffineInput } from '../input-transform.js';
import {
  checkImages,
  findLevels,
  inputContract,
  type InputContract,
  type ModelRun,
} from './model-contract.js';

/** Applies the input transform and runs a model. Owns the tensors of the transform, not the model. */
class Runner {
  readonly #model: ModelRun;
  readonly #transform: InputTransform;
  readonly #input: AffineInput;
  #asynchronous = false;

  constructor(model: ModelRun, transform: InputTransform) {
    this.#model = model;
    this.#transform = transform;
    this.#input = affineInput(transform);
  }

  /** Whether the model has to be run by `runAsync`. Known after the dry run. */
  get asynchronous(): boolean {
    return this.#asynchronous;
  }

  #prepare(images: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const rgb = tf.sub<tf.Tensor4D>(tf.mul(images, this.#input.factor), this.#input.offset);
      return this.#transform.channelOrder === 'rgb' ? rgb : tf.reverse(rgb, 3);
    });
  }

  runSync(images: tf.Tensor4D): tf.Tensor[] {
    return tf.tidy(() => this.#model.run(this.#prepare(images)));
  }

  async run(images: tf.Tensor4D): Promise<tf.Tensor[]> {
    if (!this.#asynchronous) return this.runSync(images);
    const prepared = this.#prepare(images);
    try {
      return await this.#model.runAsync!(prepared);
    } finally {
      prepared.dispose();
    }
  }

  /** Returns the shapes of the results for one black image, and finds out whether the model must run asynchronously. */
  async dryRun(size: readonly [number, number], batch: number): Promise<number[][]> {
    const image = tf.zeros<tf.Rank.R4>([batch, ...size, 3]);
    try {
      let results: tf.Tensor[];
      try {
        results = await this.run(image);
      } catch (error) {
        // tfjs asks for executeAsync where a model has control flow or nodes that return a promise.
        if (!this.#model.runAsync || !String(error).includes('executeAsync')) throw error;
        this.#asynchronous = true;
        results = await this.run(image);
      }
      const shapes = results.map(({ shape }) => [...shape]);
      tf.dispose(results);
      return shapes;
    } finally {
      image.dispose();
    }
  }

  dispose(): void {
    tf.dispose([this.#input.factor, this.#input.offset]);
  }
}

export interface AdapterOptions {
  /** What the weights expect as input. Default: RGB in 0..1, without a change. */
  readonly inputTransform?: InputTransform;
  /**
   * Levels of the outputs, in the order of the outputs. Default: names of the outputs, with the channels and
   * strides that a dry run on one black image finds. Given channels are compared with the dry run; given strides
   * are not.
   */
  readonly levels?: readonly FeatureLevel[];
  /**
   * `[height, width]` of the image of the dry run. Default: the size of the model's input, or 256 x 256 if it is
   * open.
   */
  readonly inputSize?: readonly [number, number];
}

/** A model of another library as a frozen teacher. `dispose` does not dispose the model itself: the caller owns it. */
export interface AdaptedModel extends FeatureExtractor {
  [Symbol.dispose](): void;
}

const NO_CHANGE: InputTransform = {
  channelOrder: 'rgb',
  scale: 1,
  mean: [0, 0, 0],
  standardDeviation: [1, 1, 1],
};
const DEFAULT_SIDE = 256;

type Shape = [number, number, number];

class Adapted implements AdaptedModel {
  readonly name: string;
  readonly levels: readonly FeatureLevel[];
  readonly inputTransform: InputTransform;
  readonly #runner: Runner;
  readonly #contract: InputContract;
  /** Index of the model's result that is level 0, 1, ... */
  readonly #order: readonly number[];
  readonly #shapes = new Map<string, Shape[]>();
  #disposed = false;

  constructor(
    name: string,
    transform: InputTransform,
    runner: Runner,
    contract: InputContract,
    levels: readonly FeatureLevel[],
  ) {
    this.name = name;
    this.inputTransform = transform;
    this.#runner = runner;
    this.#contract = contract;
    // Shallow to deep, whatever the order of the model's outputs.
    this.#order = levels
      .map((_, index) => index)
      .sort((a, b) => levels[a]!.stride - levels[b]!.stride || a - b);
    this.levels = this.#order.map((index) => levels[index]!);
  }

  remember(inputSize: readonly [number, number], shapes: readonly (readonly number[])[]): void {
    this.#shapes.set(
      inputSize.join(' x '),
      this.#order.map((index) => shapes[index]!.slice(1) as Shape),
    );
  }

  outputShapes(inputSize: readonly [number, number]): Shape[] {
    const size = inputSize.join(' x ');
    if (!this.#shapes.has(size)) this.#measure(inputSize);
    return this.#shapes.get(size)!.map((shape) => [...shape]);
  }

  #measure(inputSize: readonly [number, number]): void {
    this.#checkUsable();
    if (!inputSize.every((side) => Number.isSafeInteger(side) && side > 0)) {
      throw new DskdError(
        'shape-mismatch',
        `Got images of ${inputSize.join(' x ')}; height and width must be whole numbers.`,
      );
    }
    if (this.#runner.asynchronous) {
      throw new DskdError(
        'invalid-argument',
        `Got images of ${inputSize.join(' x ')}; ${this.name} runs asynchronously, its shapes are known ` +
          `for ${[...this.#shapes.keys()].join(', ')} only.`,
        { hint: 'Give this size as inputSize to fromGraphModel.' },
      );
    }
    tf.tidy(() => {
      const image = tf.zeros<tf.Rank.R4>([this.#contract.batch ?? 1, ...inputSize, 3]);
      checkImages(this.name, this.#contract, image);
      const results = this.#runner.runSync(image);
      this.remember(
        inputSize,
        results.map(({ shape }) => shape),
      );
    });
  }

  async extract(images: tf.Tensor4D): Promise<tf.Tensor4D[]> {
    this.#checkUsable();
    checkImages(this.name, this.#contract, images);
    const results = await this.#runner.run(images);
    const wrong = this.levels.flatMap(({ name, channels }, level) => {
      const { shape } = results[this.#order[level]!]!;
      const fits = shape.length === 4 && shape[0] === images.shape[0] && shape[3] === channels;
      return fits
        ? []
        : [`'${name}' is [${shape.join(', ')}], wanted [${images.shape[0]}, height, width, ${channels}]`];
    });
    if (wrong.length > 0) {
      tf.dispose(results);
      throw new DskdError(
        'shape-mismatch',
        `${this.name} gave features of other shapes than in the dry run: ${wrong.join('; ')}.`,
      );
    }
    return this.#order.map((index) => results[index] as tf.Tensor4D);
  }

  #checkUsable(): void {
    if (this.#disposed) {
      throw new DskdError('disposed', `Model ${this.name} was disposed; it cannot extract features.`);
    }
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#runner.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Makes a teacher of `model`. A dry run checks the options. */
export async function adaptModel(
  model: ModelRun,
  { inputTransform = NO_CHANGE, levels, inputSize }: AdapterOptions,
): Promise<AdaptedModel> {
  const contract = inputContract(model);
  const size = inputSize ?? ([contract.height ?? DEFAULT_SIDE, contract.width ?? DEFAULT_SIDE] as const);
  await tf.ready();
  const runner = new Runner(model, inputTransform);
  try {
    const shapes = await runner.dryRun(size, contract.batch ?? 1).catch((error: unknown) => {
      throw new DskdError(
        'invalid-argument',
        `Model ${model.name} cannot turn an image of ${size.join(' x ')} into ${model.outputs.join(', ')}: ` +
          (error instanceof Error ? error.message : String(error)),
        { cause: error },
      );
    });
    const found = model.outputs.map((name, index) => ({ name, shape: shapes[index]! }));
    const adapted = new Adapted(
      model.name,
      inputTransform,
      runner,
      contract,
      findLevels(model.name, found, size, levels),
    );
    adapted.remember(size, shapes);
    return adapted;
  } catch (error) {
    runner.dispose();
    throw error;
  }
}
