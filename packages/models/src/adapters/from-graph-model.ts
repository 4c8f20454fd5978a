import { DskdError } from '@dskd/base';
import type * as tf from '@tensorflow/tfjs-core';
import { adaptModel, type AdaptedModel, type AdapterOptions } from './adapted-model.js';
import { asArray, type ModelEnd } from './model-contract.js';

/** What {@link fromGraphModel} uses of a `tf.GraphModel`; this package does not depend on tfjs-converter. */
export interface GraphModelLike {
  readonly inputs: readonly ModelEnd[];
  readonly outputNodes: readonly string[];
  execute(inputs: tf.Tensor, outputs: string[]): tf.Tensor | tf.Tensor[];
  executeAsync(inputs: tf.Tensor, outputs: string[]): Promise<tf.Tensor | tf.Tensor[]>;
}

export interface GraphModelOptions extends AdapterOptions {
  /** Graph models have none of their own. Default `'graph-model'`. */
  readonly name?: string;
  /** Names of the nodes whose values are the levels. Default: the model's outputs. */
  readonly nodes?: readonly string[];
}

/**
 * Adapts a `tf.GraphModel` (a converted SavedModel, say) into a frozen teacher. A model with control flow is
 * run by `executeAsync`; its `outputShapes` are those of the dry run only.
 * @param model with one input, float32 `[batch, height, width, 3]`. It stays the caller's.
 * @throws {DskdError} `invalid-argument` where the model takes other input, knows no such node, or gives
 * something that is no feature map; every problem of the levels in one error.
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
