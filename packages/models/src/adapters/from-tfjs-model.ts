import { DskdError } from '@dskd/base';
import type * as tf from '@tensorflow/tfjs-core';
import { type AdaptedModel, type AdapterOptions, adaptModel } from './adapted-model.js';
import { asArray, type ModelEnd } from './model-contract.js';

/** The part of a `tf.LayersModel` that {@link fromLayersModel} uses. This package does not depend on tfjs-layers. */
export interface LayersModelLike {
  readonly name: string;
  readonly inputs: readonly ModelEnd[];
  readonly outputs: readonly ModelEnd[];
  readonly layers: readonly { readonly name: string; readonly output: ModelEnd | readonly ModelEnd[] }[];
  predict(inputs: tf.Tensor, options: { readonly batchSize: number }): tf.Tensor | tf.Tensor[];
  execute(inputs: tf.Tensor, outputs: string[]): tf.Tensor | tf.Tensor[];
}

export interface LayersModelOptions extends AdapterOptions {
  /** Name of the teacher. Default: the name of the model. */
  readonly name?: string;
  /** Names of the layers whose outputs are the levels. Default: the model's outputs. */
  readonly layers?: readonly string[];
}

/** Names of the output tensors of layers. tfjs adds a number to the name of an output if the name was in use before. */
function outputsOfLayers(model: LayersModelLike, wanted: readonly string[]): string[] {
  const known = new Map(model.layers.map((layer) => [layer.name, layer]));
  const missing = wanted.filter((name) => !known.has(name));
  if (missing.length > 0 || wanted.length === 0 || new Set(wanted).size !== wanted.length) {
    throw new DskdError(
      'invalid-argument',
      `Got layers ${wanted.map((name) => `'${name}'`).join(', ') || 'of no name'}; ` +
        `wanted different ones of ${[...known.keys()].join(', ')}.`,
      { details: { missing, available: [...known.keys()] } },
    );
  }
  return wanted.flatMap((name) => {
    const { output } = known.get(name)!;
    return 'name' in output ? [output.name] : output.map((end) => end.name);
  });
}

/**
 * Makes a frozen teacher of a `tf.LayersModel`, for example of a converted Keras model. It runs in inference mode:
 * batch norm uses its running statistics, dropout is off.
 * @param model has one input, float32 `[batch, height, width, 3]`. The caller disposes it.
 * @throws {DskdError} `invalid-argument` if the model has another input, has no such layer, or returns something
 * that is not a feature map. One error lists all problems of the levels.
 */
export async function fromLayersModel(
  model: LayersModelLike,
  options: LayersModelOptions = {},
): Promise<AdaptedModel> {
  const { name = model.name, layers } = options;
  const { inputs } = model;
  if (layers === undefined) {
    // Not execute(): it looks outputs up by layer, which fails in models that use a layer twice.
    const outputs = model.outputs.map((end) => end.name);
    const run = (images: tf.Tensor4D) => asArray(model.predict(images, { batchSize: images.shape[0] }));
    return await adaptModel({ name, inputs, outputs, run }, options);
  }
  const tensors = outputsOfLayers(model, layers);
  const outputs = tensors.length === layers.length ? layers : tensors;
  const run = (images: tf.Tensor4D) => asArray(model.execute(images, tensors));
  return await adaptModel({ name, inputs, outputs, run }, options);
}

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

/**
 * {@link fromLayersModel} for a `tf.LayersModel`, {@link fromGraphModel} for a `tf.GraphModel`: a frozen teacher that runs in
 * inference mode.
 * @param model has one input, float32 `[batch, height, width, 3]`. The caller disposes it.
 * @throws {DskdError} `invalid-argument` if the model has another input, has no such layer or node, or returns something
 * that is not a feature map. One error lists all problems of the levels.
 */
export function fromTfjsModel(model: LayersModelLike, options?: LayersModelOptions): Promise<AdaptedModel>;
export function fromTfjsModel(model: GraphModelLike, options?: GraphModelOptions): Promise<AdaptedModel>;
export function fromTfjsModel(
  model: LayersModelLike | GraphModelLike,
  options?: LayersModelOptions & GraphModelOptions,
): Promise<AdaptedModel> {
  return 'layers' in model ? fromLayersModel(model, options) : fromGraphModel(model, options);
}
