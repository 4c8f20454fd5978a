import * as tf from '@tensorflow/tfjs';
import type { InputTransform } from '@dskd/core';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  integerFill,
  TOLERANCES,
} from '@dskd/test-support';
import { fromGraphModel, fromLayersModel } from './from-tfjs-model.js';
import type { AdaptedModel } from './adapted-model.js';
import { graphModel, layersModel } from './other-models.test.util.js';

const CAFFE: InputTransform = {
  channelOrder: 'bgr',
  scale: 2,
  mean: [0.1, 0.2, 0.3],
  standardDeviation: [0.5, 1, 2],
};

/** Of the dry runs: 256 x 256 is slow on cpu. */
const inputSize = [32, 32] as const;

function imagesOf(batch: number, height: number, width: number): tf.Tensor4D {
  const shape: [number, number, number, number] = [batch, height, width, 3];
  return tf.tensor4d(
    integerFill('pictures.running_var', shape).map((value) => value - 0.5),
    shape,
  );
}

/** What `CAFFE` says, by hand. */
function transformed(images: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => images.reverse(3).mul(2).sub([0.1, 0.2, 0.3]).div<tf.Tensor4D>([0.5, 1, 2]));
}

async function valuesOf(extractor: AdaptedModel, images: tf.Tensor4D): Promise<Float32Array[]> {
  const features = await extractor.extract(images);
  const values = await Promise.all(features.map(async (level) => (await level.data<'float32'>()).slice()));
  tf.dispose(features);
  return values;
}

interface OtherModel {
  readonly name: string;
  readonly make: () => Promise<{
    readonly model: { dispose(): unknown };
    readonly adapt: (inputTransform?: InputTransform) => Promise<AdaptedModel>;
  }>;
}

const MODELS: OtherModel[] = [
  {
    name: 'a layers model',
    make: () => {
      const model = layersModel();
      return Promise.resolve({
        model,
        adapt: (inputTransform) =>
          fromLayersModel(model, { inputSize, ...(inputTransform && { inputTransform }) }),
      });
    },
  },
  ...[false, true].map(
    (controlFlow): OtherModel => ({
      name: controlFlow ? 'a graph model with control flow' : 'a graph model',
      make: async () => {
        const model = await graphModel({ controlFlow });
        return {
          model,
          adapt: (inputTransform) =>
            fromGraphModel(model, { inputSize, ...(inputTransform && { inputTransform }) }),
        };
      },
    }),
  ),
];

describeBackends('adapters', (backend) => {
  describe.each(MODELS)('$name', ({ make }) => {
    test('is a teacher: levels from shallow to deep, shapes, bit-equal features, no leaked tensors', async () => {
      const { model, adapt } = await make();
      await expectNoNewTensors(async () => {
        const extractor = await adapt(CAFFE);
        expect(extractor.levels.map(({ channels, stride }) => [channels, stride])).toEqual([
          [4, 2],
          [6, 4],
        ]);
        expect(extractor.levels[0]!.name).toContain('shallow');
        expect(extractor.levels[1]!.name).toContain('deep');
        expect(extractor.inputTransform).toBe(CAFFE);
        expect(extractor.outputShapes([32, 32])).toEqual([
          [16, 16, 4],
          [8, 8, 6],
        ]);
        const images = imagesOf(3, 17, 24);
        const before = tf.memory().numTensors;
        const features = await extractor.extract(images);
        expect(tf.memory().numTensors).toBe(before + 2);
        expect(features.map(({ shape }) => shape)).toEqual([
          [3, 9, 12, 4],
          [3, 5, 6, 6],
        ]);
        expect(await valuesOf(extractor, images)).toEqual(
          await Promise.all(features.map((level) => level.data())),
        );
        expect(images.isDisposed).toBe(false);
        tf.dispose([features, images]);
        extractor.dispose();
      });
      model.dispose();
    });

    test('the features of an image do not depend on its batch', async () => {
      const { model, adapt } = await make();
      const extractor = await adapt();
      const images = imagesOf(2, 12, 16);
      const together = await valuesOf(extractor, images);
      const alone = await valuesOf(extractor, images.slice([1, 0, 0, 0], [1, -1, -1, -1]));
      alone.forEach((level, index) => {
        const wanted = together[index]!.subarray(level.length);
        // Bit-equal, where the backend promises that much.
        expectClose(level, wanted, { relative: backend === 'webgpu' ? TOLERANCES.webgpu.network : 0 });
      });
      extractor.dispose();
      model.dispose();
    });
  });

  test('a layers model gets transformed images and runs in inference mode', async () => {
    const model = layersModel();
    const extractor = await fromLayersModel(model, { inputTransform: CAFFE, inputSize });
    const images = imagesOf(2, 16, 16);
    const byHand = model.predict(transformed(images)) as tf.Tensor[];
    const [shallow, deep] = await valuesOf(extractor, images);
    expectClose(deep!, await byHand[0]!.data(), { relative: 1e-5 });
    expectClose(shallow!, await byHand[1]!.data(), { relative: 1e-5 });
    expect(Math.max(...deep!)).toBeGreaterThan(0.1);
  });

  test('any layers, in any order, by their names', async () => {
    const model = layersModel();
    // A second model makes tfjs number the tensors: layer names and tensor names are then not the same.
    const again = layersModel();
    expect((again.getLayer('norm').output as tf.SymbolicTensor).name).not.toBe('norm');
    const images = imagesOf(1, 16, 16);
    for (const stranger of [model, again]) {
      const extractor = await expectNoNewTensors(async () => {
        const adapted = await fromLayersModel(stranger, {
          layers: ['deep', 'norm', 'shallow'],
          inputSize: [16, 16],
        });
        const values = await valuesOf(adapted, images);
        const [low, high] = stranger.predict(images) as tf.Tensor[];
        expectClose(values[2]!, await low!.data(), { relative: 1e-6 });
        expectClose(values[1]!, await high!.data(), { relative: 1e-6 });
        tf.dispose([low!, high!]);
        adapted.dispose();
        return adapted;
      });
      // Equal strides keep the order they were named in.
      expect(extractor.levels.map(({ name }) => name)).toEqual(['norm', 'shallow', 'deep']);
    }
    tf.dispose(images);
  });

  test('a graph model computes its nodes, in either branch of its control flow', async () => {
    const images = imagesOf(2, 16, 16);
    const [shallow, deep] = tf.tidy(() => {
      const filter = (name: string, shape: [number, number, number, number]) =>
        tf.tensor4d(integerFill(name, shape), shape);
      const low = tf.relu(tf.conv2d(transformed(images), filter('shallow', [3, 3, 3, 4]), 2, 'same'));
      return [low, tf.conv2d(low, filter('deep', [3, 3, 4, 6]), 2, 'same')];
    });
    for (const controlFlow of [false, true]) {
      const model = await graphModel({ controlFlow });
      const extractor = await fromGraphModel(model, {
        inputTransform: CAFFE,
        inputSize,
        name: 'mine',
        nodes: ['joined', 'deep'],
      });
      expect(extractor.name).toBe('mine');
      expect(extractor.levels.map(({ name }) => name)).toEqual(['joined', 'deep']);
      const values = await valuesOf(extractor, images);
      expectClose(values[0]!, await shallow.data(), { relative: 1e-5 });
      expectClose(values[1]!, await deep.data(), { relative: 1e-5 });
      extractor.dispose();
      model.dispose();
    }
  });
});
