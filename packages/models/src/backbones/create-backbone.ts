import { DskdError } from '@dskd/base';
import type { FeatureExtractor, FeatureLevel, InputTransform } from '@dskd/core';
import type { StateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { affineInput, type AffineInput } from '../input-transform.js';
import { maxPool } from './max-pool.js';
import { type Block, type Convolution, convolutionsOf, type Stage } from './plan.js';
import { type BackboneName, type Selection, selectLevels } from './registry.js';
import { levelShapes } from './sizes-and-cost.js';
import { checkWeights, foldConvolution, withOwnNames, type FoldedConvolution } from './weights.js';

type FoldedWeights = ReadonlyMap<string, FoldedConvolution>;

function convolve(x: tf.Tensor4D, convolution: Convolution, weights: FoldedWeights): tf.Tensor4D {
  const { name, stride, padding, relu } = convolution;
  const { filter, bias } = weights.get(name)!;
  return tf.fused.conv2d({
    x,
    filter,
    strides: stride,
    // As torch. With stride 2, tfjs's 'same' would add zeros on other sides.
    pad: padding === 0 ? 'valid' : [[0, 0], [padding, padding], [padding, padding], [0, 0]], // prettier-ignore
    bias,
    activation: relu ? 'relu' : 'linear',
  });
}

/** Returns the features of one block. Call it inside `tf.tidy`. */
function runBlock(x: tf.Tensor4D, block: Block, weights: FoldedWeights): tf.Tensor4D {
  switch (block.kind) {
    case 'convolution':
      return convolve(x, block.convolution, weights);
    case 'max-pool':
      return maxPool(x, block);
    case 'average-pool':
      return tf.avgPool(x, 2, 2, 'valid');
    case 'residual': {
      const body = block.body.reduce((features, part) => convolve(features, part, weights), x);
      const shortcut = block.shortcut ? convolve(x, block.shortcut, weights) : x;
      return tf.relu(tf.add(body, shortcut));
    }
    case 'fire': {
      const squeezed = convolve(x, block.squeeze, weights);
      return tf.concat(
        block.expansions.map((expansion) => convolve(squeezed, expansion, weights)),
        3,
      );
    }
  }
}

export interface BackboneOptions {
  /**
   * Tensors by torchvision's names, of any float type. Tensors that the network does not need are ignored. Those of a patch
   * network have the names of anomalib (`conv1.weight`) or of nelson1425/EfficientAD (`0.weight`).
   */
  readonly weights: StateDict;
  /** Names from `backboneInfo(name).availableLevels`, in any order. Features are returned from shallow to deep. */
  readonly levels?: readonly string[];
  /** What the weights expect as input. Default: `backboneInfo(name).inputTransform`. */
  readonly inputTransform?: InputTransform;
}

/** A frozen ImageNet network. It owns its weights; `dispose` frees them. */
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
      // The filter of the first convolution is reordered once, so that images need no reordering.
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

  // oxlint-disable-next-line typescript/require-await -- asynchronous by contract: errors are rejections
  async extract(images: tf.Tensor4D): Promise<tf.Tensor4D[]> {
    if (this.#disposed) {
      throw new DskdError('disposed', `Backbone ${this.name} was disposed; it cannot extract features.`);
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

  /** Frees the features of a block as soon as the next block has used them, except those of a level (`keepInput`). */
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
 * Makes a frozen backbone. Its batch norms are folded into the convolutions in float64. The features of an image do not
 * depend on the other images of the batch. The weights are copied to the current backend.
 * @returns the backbone. The caller disposes it.
 * @throws {DskdError} `invalid-argument` for an unknown name or level; `weights-mismatch` with all tensors that are
 * missing or have another shape.
 */
export function createBackbone(name: BackboneName, options: BackboneOptions): Backbone {
  const selection = selectLevels(name, options.levels);
  const weights = withOwnNames(selection.plan, options.weights);
  checkWeights(name, selection.stages, weights);
  const { inputTransform = selection.plan.inputTransform } = options;
  return new PlannedBackbone(name, selection, weights, inputTransform);
}
