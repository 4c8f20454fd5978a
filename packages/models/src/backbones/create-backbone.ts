import { DskdError } from '@dskd/base';
import type { FeatureExtractor, FeatureLevel, InputTransform } from '@dskd/core';
import type { StateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { affineInput, type AffineInput } from '../affine-input.js';
import { foldConvolution } from './fold.js';
import { levelShapes } from './output-sizes.js';
import { convolutionsOf, type Stage } from './plan.js';
import { selectLevels, type BackboneName, type Selection } from './registry.js';
import { runBlock, type FoldedWeights } from './run-block.js';
import { checkWeights } from './weight-shapes.js';

export interface BackboneOptions {
  /** Under torchvision's names, of any float type; what the network does not need is ignored. */
  readonly weights: StateDict;
  /** Names from `backboneInfo(name).availableLevels`; the result is always shallow to deep. */
  readonly levels?: readonly string[];
  /** Where the weights were trained on other inputs than `backboneInfo(name).inputTransform`. */
  readonly inputTransform?: InputTransform;
}

/** A frozen ImageNet network. Owns its weights until it is disposed. */
export interface Backbone extends FeatureExtractor {
  [Symbol.dispose](): void;
}

function foldAll(
  { plan, stages }: Selection,
  weights: StateDict,
  { channelOrder }: InputTransform,
): FoldedWeights {
  const convolutions = stages.flatMap((stage) => stage.blocks.flatMap(convolutionsOf));
  return new Map(
    convolutions.map((convolution, index) => [
      convolution.name,
      // The first convolution reads RGB whatever its weights were trained on: no reordering at run time.
      foldConvolution(convolution, weights, plan.batchNormEpsilon, index === 0 && channelOrder === 'bgr'),
    ]),
  );
}

class PlannedBackbone implements Backbone {
  readonly name: string;
  readonly levels: readonly FeatureLevel[];
  readonly inputTransform: InputTransform;
  readonly #selection: Selection;
  readonly #weights: FoldedWeights;
  readonly #input: AffineInput;
  #disposed = false;

  constructor(name: string, selection: Selection, weights: StateDict, inputTransform: InputTransform) {
    this.name = name;
    this.levels = selection.levels;
    this.inputTransform = inputTransform;
    this.#selection = selection;
    this.#weights = foldAll(selection, weights, inputTransform);
    this.#input = affineInput(inputTransform);
  }

  outputShapes(inputSize: readonly [number, number]): [number, number, number][] {
    return levelShapes(this.name, this.#selection, inputSize);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- asynchronous by contract: errors are rejections
  async extract(images: tf.Tensor4D): Promise<tf.Tensor4D[]> {
    if (this.#disposed) {
      throw new DskdError('disposed', `Backbone ${this.name} was disposed; it extracts nothing any more.`);
    }
    this.#checkImages(images);
    return tf.tidy(() => this.#run(images));
  }

  #checkImages({ shape, dtype }: tf.Tensor): void {
    if (shape.length !== 4 || shape[3] !== 3 || dtype !== 'float32') {
      throw new DskdError(
        'shape-mismatch',
        `Got images of ${dtype} [${shape.join(', ')}], wanted float32 [batch, height, width, 3], RGB in 0..1.`,
      );
    }
    this.outputShapes([shape[1], shape[2]]);
  }

  #run(images: tf.Tensor4D): tf.Tensor4D[] {
    const features: tf.Tensor4D[] = [];
    let current: tf.Tensor4D = tf.tidy(() => tf.sub(tf.mul(images, this.#input.factor), this.#input.offset));
    for (const stage of this.#selection.stages) {
      current = this.#runStage(current, stage, features.includes(current));
      if (this.levels.some((level) => level.name === stage.name)) features.push(current);
    }
    return features;
  }

  /** Frees features as soon as the next block has read them, unless they are a level (`keepInput`). */
  #runStage(input: tf.Tensor4D, stage: Stage, keepInput: boolean): tf.Tensor4D {
    let current = input;
    for (const block of stage.blocks) {
      const next = tf.tidy(() => runBlock(current, block, this.#weights));
      if (current !== input || !keepInput) current.dispose();
      current = next;
    }
    return current;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const { filter, bias } of this.#weights.values()) tf.dispose([filter, bias]);
    tf.dispose([this.#input.factor, this.#input.offset]);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * A frozen backbone with its batch norms folded into its convolutions (float64, at load time). What it gives
 * for an image does not depend on the batch the image came in. The weights' arrays are copied to the
 * current backend; the caller disposes the backbone.
 * @throws {DskdError} `invalid-argument` for an unknown name or level; `weights-mismatch` listing every
 * tensor that is missing or of another shape.
 */
export function createBackbone(name: BackboneName, options: BackboneOptions): Backbone {
  const selection = selectLevels(name, options.levels);
  checkWeights(name, selection.stages, options.weights);
  const { inputTransform = selection.plan.inputTransform } = options;
  return new PlannedBackbone(name, selection, options.weights, inputTransform);
}
