import * as tf from '@tensorflow/tfjs';
import { isDskdError } from '@dskd/base';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { fromGraphModel, fromLayersModel } from './from-tfjs-model.js';
import { graphModel, layersModel } from './other-models.test.util.js';

beforeAll(() => useBackend('cpu'));

async function refusal(work: () => unknown): Promise<{ code: string; message: string }> {
  return expectNoNewTensors(async () => {
    try {
      await work();
    } catch (error) {
      if (isDskdError(error)) return { code: error.code, message: error.message };
      throw error;
    }
    throw new Error('Nothing was refused.');
  });
}

const zeros = (...shape: [number, number, number, number]): tf.Tensor4D => tf.zeros(shape);

describe('models that cannot be teachers are refused, and the error says why', () => {
  test('inputs: number, channels, element type', async () => {
    const gray = tf.sequential({
      layers: [tf.layers.conv2d({ inputShape: [8, 8, 1], filters: 2, kernelSize: 1 })],
    });
    expect(await refusal(() => fromLayersModel(gray))).toEqual({
      code: 'invalid-argument',
      message: expect.stringMatching(
        /float32 \[any, 8, 8, 1\]; wanted one input, float32 \[batch, height/,
      ) as string,
    });
    const [a, b] = [tf.input({ shape: [8, 8, 3] }), tf.input({ shape: [8, 8, 3] })];
    const sum = tf.layers.add().apply([a, b]) as tf.SymbolicTensor;
    const two = tf.model({ inputs: [a, b], outputs: sum });
    expect((await refusal(() => fromLayersModel(two))).message).toMatch(
      /with inputs .*, .*; wanted one input/,
    );
    const model = await graphModel();
    const whole = { ...bound(model), inputs: [{ name: 'images', shape: [-1, 8, 8, 3], dtype: 'int32' }] };
    expect((await refusal(() => fromGraphModel(whole))).message).toContain('int32 [-1, 8, 8, 3]');
  });

  test('outputs that are not maps, all in one error', async () => {
    const input = tf.input({ shape: [16, 16, 3] });
    const flat = tf.layers.flatten({ name: 'flat' }).apply(input) as tf.SymbolicTensor;
    const logits = tf.layers.dense({ units: 5, name: 'logits' }).apply(flat) as tf.SymbolicTensor;
    const classifier = tf.model({ inputs: input, outputs: [logits, flat] });
    const { code, message } = await refusal(() => fromLayersModel(classifier));
    expect(code).toBe('invalid-argument');
    expect(message).toMatch(/'logits\S*' is \[1, 5\].*'flat\S*' is \[1, 768\]/);
  });

  test('strides that differ between directions, unless they are given', async () => {
    const input = tf.input({ shape: [32, 32, 3] });
    const options = { filters: 2, kernelSize: 1, strides: [2, 4] as [number, number], name: 'oblong' };
    const model = tf.model({
      inputs: input,
      outputs: tf.layers.conv2d(options).apply(input) as tf.SymbolicTensor,
    });
    expect((await refusal(() => fromLayersModel(model))).message).toMatch(
      /'oblong\S*' is 16 x 8 for an image of 32 x 32/,
    );
    const given = await fromLayersModel(model, { levels: [{ name: 'mine', channels: 2, stride: 3 }] });
    expect(given.levels).toEqual([{ name: 'mine', channels: 2, stride: 3 }]);
    given.dispose();
  });

  test('given levels that do not exist', async () => {
    const model = layersModel(16);
    const levels = [
      { name: 'a', channels: 6, stride: 4 },
      { name: 'b', channels: 5, stride: 2 },
      { name: 'c', channels: 5, stride: 2 },
    ];
    const { message } = await refusal(() => fromLayersModel(model, { levels }));
    expect(message).toMatch(
      /given for 3 outputs, the model has 2.*has 4 channels, level 'b' was given with 5/,
    );
  });

  test('layers and nodes that do not exist, and duplicates', async () => {
    const model = layersModel(16);
    const { code, message } = await refusal(() => fromLayersModel(model, { layers: ['shallow', 'conv5_x'] }));
    expect(code).toBe('invalid-argument');
    expect(message).toMatch(/'conv5_x'; wanted different ones of images\S*, shallow, norm, dropout, deep/);
    expect((await refusal(() => fromLayersModel(model, { layers: [] }))).code).toBe('invalid-argument');
    const graph = await graphModel();
    expect((await refusal(() => fromGraphModel(graph, { nodes: ['deep', 'conv5_x'] }))).message).toMatch(
      /cannot turn an image of 256 x 256 into deep, conv5_x: .*conv5_x.*not found/,
    );
    expect((await refusal(() => fromGraphModel(graph, { nodes: ['deep', 'deep'] }))).code).toBe(
      'invalid-argument',
    );
  });
});

/** The model's members that an adapter uses, as an object of its own. */
function bound(model: tf.GraphModel) {
  return {
    inputs: model.inputs,
    outputNodes: model.outputNodes,
    execute: model.execute.bind(model),
    executeAsync: model.executeAsync.bind(model),
  };
}

describe('images', () => {
  test('of another size, number or type than the model takes are refused', async () => {
    const fixed = await graphModel({ shape: [1, 16, 24, 3] });
    const extractor = await fromGraphModel(fixed);
    expect(extractor.outputShapes([16, 24])).toEqual([
      [8, 12, 4],
      [4, 6, 6],
    ]);
    const wrong = [zeros(2, 16, 24, 3), zeros(1, 24, 16, 3), zeros(1, 16, 24, 1), tf.zeros([16, 24, 3])];
    for (const images of [...wrong, tf.zeros([1, 16, 24, 3], 'int32')]) {
      const { code, message } = await refusal(() => extractor.extract(images as tf.Tensor4D));
      expect(code).toBe('shape-mismatch');
      expect(message).toContain(
        `${images.dtype} [${images.shape.join(', ')}]; graph-model takes float32 [1, 16, 24, 3]`,
      );
    }
    expect((await refusal(() => extractor.outputShapes([24, 16]))).code).toBe('shape-mismatch');
    extractor.dispose();
  });

  test('output shapes match the features for any size', async () => {
    const model = layersModel();
    const extractor = await fromLayersModel(model);
    for (const [height, width] of [
      [17, 30],
      [5, 8],
    ] as const) {
      const images = zeros(1, height, width, 3);
      const features = await extractor.extract(images);
      expect(extractor.outputShapes([height, width])).toEqual(features.map(({ shape }) => shape.slice(1)));
      tf.dispose([images, ...features]);
    }
    for (const size of [
      [0, 8],
      [8.5, 8],
    ] as const) {
      expect((await refusal(() => extractor.outputShapes(size))).code).toBe('shape-mismatch');
    }
    extractor.dispose();
  });

  test('of an asynchronous model have shapes for the size of its dry run', async () => {
    const extractor = await fromGraphModel(await graphModel({ controlFlow: true }), { inputSize: [12, 20] });
    expect(extractor.outputShapes([12, 20])).toEqual([
      [6, 10, 4],
      [3, 5, 6],
    ]);
    const { code, message } = await refusal(() => extractor.outputShapes([20, 12]));
    expect(code).toBe('invalid-argument');
    expect(message).toMatch(/20 x 12.*known for 12 x 20 only/);
    extractor.dispose();
  });
});

test('dispose does not dispose the model', async () => {
  const model = layersModel(16);
  const extractor = await fromLayersModel(model);
  extractor[Symbol.dispose]();
  extractor.dispose();
  const images = zeros(1, 16, 16, 3);
  expect((await refusal(() => extractor.extract(images))).code).toBe('disposed');
  tf.dispose([images, model.predict(images)]);
});
