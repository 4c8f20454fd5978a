import { DskdError } from '@dskd/base';
import type * as tf from '@tensorflow/tfjs-core';
import { adaptModel, type AdaptedModel, type AdapterOptions } from './adapted-model.js';
import { asArray, type ModelEnd } from './model-contract.js';

/** The part of a `tf.GraphModel` that {@link fromGraphModel} uses. This package does not depend on tfjs-converter. */
export interface GraphModelLike {
  readonly inputs: readonly ModelEnd[];
  readonly outputNodes: readonly string[];
  execute(inputs: tf.Tensor, outputs: string[]): tf.Tensor | tf.Tensor[];
  executeAsync(inputs: tf.Tensor, outputs: string[]): Promise<tf.Tensor | tf.Tensor[]>;
}

export interface GraphModelOptions extends AdapterOptions {
  /** Name of the teacher; graph models have no name. Default `'graph-model'`. */
  readonly name?: string;
  /** Names of the nodes whose values are the levels. Default: the model's outputs. */
  readonly nodes?: readonly string[];
}

/**
 * Makes a frozen teacher of a `tf.GraphModel`, for example of a converted SavedModel. A model with control flow is run
 * by `executeAsync`; its `outputShapes` are known for the size of the dry run only.
 * @param model has one input, float32 `[batch, height, width, 3]`. The caller disposes it.
 * @throws {DskdError} `invalid-argument` if the model has another input, has no such node, or returns something
 * that is not a feature map. One error lists all problems of the levels.
 */
export async function fromGraphModel(
  model: GraphModelLike,
  options: GraphModelOptions = {},
): Promise<AdaptedModel> {
  const { name = 'graph-model', nodes = model.outputNodes } = options;
  if (nodes.length === 0 || new Set(nodes).size !== nodes.length) {
    throw new DskdError(
      'invalid-argument',
      `Got nodes ${nodes.map((node) => `'${node}'`).join(', ') || 'of no name'}; wanted different ones.`,
      { hint: `The model's outputs are ${model.outputNodes.join(', ')}.` },
    );
  }
  const outputs = [...nodes];
  return await adaptModel(
    {
      name,
      inputs: model.inputs,
      outputs,
      run: (images) => asArray(model.execute(images, outputs)),
      runAsync: async (images) => asArray(await model.executeAsync(images, outputs)),
    },
    options,
  );
}
