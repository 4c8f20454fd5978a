import * as tf from '@tensorflow/tfjs';
import { isDskdError } from '@dskd/base';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  TOLERANCES,
  useBackend,
} from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import type { StateDict } from '@dskd/weights';
import { noiseImages } from './golden.test.util.js';
import { backboneInfo, createBackbone, createTrainableBackbone, type BackboneName } from '../index.js';

/** By bytes: `toEqual` compares a million entries one by one, in seconds. */
function expectSameState(got: StateDict, wanted: StateDict): void {
  expect([...got.keys()]).toEqual([...wanted.keys()]);
  for (const [name, { dtype, shape, data }] of got) {
    const { data: other, ...rest } = wanted.get(name)!;
    expect({ dtype, shape }).toEqual(rest);
    const [a, b] = [data, other].map(({ buffer, byteOffset, byteLength }) =>
      Buffer.from(buffer, byteOffset, byteLength),
    );
    expect(a!.equals(b!)).toBe(true);
  }
}

test.each<[BackboneName, string]>([
  ['resnet18', '7x7'],
  ['squeezenet1_1', 'batch norm'],
  ['resnet50_v1', 'batch norm'],
])('%s is refused by what it has', (name, what) => {
  let message = '';
  try {
    createTrainableBackbone(name, { seed: 1 }).dispose();
  } catch (error) {
    if (!isDskdError(error, 'invalid-argument')) throw error;
    ({ message } = error);
  }
  expect(message).toContain(what);
});

describeBackends('trainable backbone teacher-tiny', (backend) => {
  test('createBackbone of its state gives the same features, running statistics included', async () => {
    const before = tf.memory().numTensors;
    const trainable = createTrainableBackbone('teacher-tiny', { seed: 3 });
    const images = noiseImages(2, 35, 48);
    for (let step = 0; step < 3; step++) tf.dispose(trainable.forward(images, { training: true }));
    const wanted = trainable.forward(images, { training: false });
    const weights = await trainable.stateDict();
    expect(new Set(weights.keys())).toEqual(new Set(backboneInfo('teacher-tiny').weightShapes().keys()));
    const copy = createTrainableBackbone('teacher-tiny', { seed: 4, heads: { layer3: 3 } });
    copy.loadStateDict(weights);
    expectSameState(await copy.stateDict(), weights);
    copy.dispose();
    const frozen = createBackbone('teacher-tiny', { weights });
    const got = await frozen.extract(images);
    for (const [level, features] of got.entries()) {
      expect(features.shape).toEqual(wanted[level]!.shape);
      expectClose(await features.data(), await wanted[level]!.data(), {
        relative: TOLERANCES[backend].network,
      });
    }
    // Three passes moved the running statistics away from where they began.
    expect((weights.get('bn1.running_mean')!.data as Float32Array).some((value) => value !== 0)).toBe(true);
    tf.dispose([...got, ...wanted, images]);
    frozen.dispose();
    trainable[Symbol.dispose]();
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('every parameter receives a gradient, heads included; heads are not in the state', async () => {
  await useBackend('wasm');
  const undo = registerWasmGradients();
  const trainable = createTrainableBackbone('teacher-tiny', { seed: 1, heads: { layer1: 5, layer3: 7 } });
  expect(trainable.levels.map(({ name }) => name)).toEqual(['layer1', 'layer3']);
  const images = noiseImages(2, 16, 16);
  await expectNoNewTensors(() => {
    const { value, grads } = tf.variableGrads(() => {
      const [shallow, deep] = trainable.forward(images, { training: true });
      expect([shallow!.shape, deep!.shape]).toEqual([
        [2, 4, 4, 5],
        [2, 1, 1, 7],
      ]);
      return tf.add<tf.Scalar>(tf.sum(tf.square(shallow!)), tf.sum(tf.square(deep!)));
    }, [...trainable.parameters.values()]);
    expect(Object.keys(grads)).toHaveLength(trainable.parameters.size);
    for (const gradient of Object.values(grads)) expect(gradient.dataSync().some((x) => x !== 0)).toBe(true);
    tf.dispose([value, ...Object.values(grads)]);
  });
  const names = [...(await trainable.stateDict()).keys()];
  expect(names.filter((name) => name.startsWith('heads.'))).toEqual([]);
  expect(trainable.parameters.has('heads.layer1.bias')).toBe(true);
  images.dispose();
  trainable.dispose();
  undo();
});
