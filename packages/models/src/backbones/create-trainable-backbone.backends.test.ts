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

test('a network without batch norm is refused', () => {
  let message = '';
  try {
    createTrainableBackbone('squeezenet1_1', { seed: 1 }).dispose();
  } catch (error) {
    if (!isDskdError(error, 'invalid-argument')) throw error;
    ({ message } = error);
  }
  expect(message).toContain('batch norm');
});

/** The first level is enough: pooling, the 7x7 convolution and what differs between frameworks come before it. */
test.each<BackboneName>(['resnet18', 'resnet50_v1'])(
  '%s: createBackbone of its state gives the same features, on all sizes',
  async (name) => {
    await useBackend('wasm');
    const levels = ['layer1'];
    const trainable = createTrainableBackbone(name, { seed: 2, levels });
    const weights = await trainable.stateDict();
    const frozen = createBackbone(name, { weights, levels });
    for (const [height, width] of [
      [32, 48],
      [35, 45],
    ]) {
      const images = noiseImages(1, height!, width!);
      const [wanted] = await frozen.extract(images);
      const [got] = trainable.forward(images, { training: false });
      expect(got!.shape).toEqual(wanted!.shape);
      expectClose(await got!.data(), await wanted!.data(), { relative: TOLERANCES.wasm.network });
      tf.dispose([images, wanted!, got!]);
    }
    frozen.dispose();
    trainable.dispose();
  },
);

test('the gradients of ResNet-18, through its pooling, are those of a step in one weight', async () => {
  await useBackend('wasm');
  const undo = registerWasmGradients();
  const trainable = createTrainableBackbone('resnet18', { seed: 2, width: 0.125, levels: ['layer1'] });
  const images = noiseImages(2, 33, 40);
  const loss = (): tf.Scalar =>
    tf.mean(tf.square(tf.sub(trainable.forward(images, { training: true, batchNormMomentum: 0 })[0]!, 1)));
  const weight = trainable.parameters.get('conv1.weight')!;
  expect(weight.shape).toEqual([7, 7, 3, 8]);
  const { value, grads } = tf.variableGrads(loss, [weight]);
  const gradient = grads[weight.name]!;
  // Along the gradient the slope is its squared length.
  const squared = tf.tidy(() => tf.sum(tf.square(gradient)).dataSync()[0]!);
  const start = tf.clone(weight);
  const at = (step: number): number =>
    tf.tidy(() => {
      weight.assign(tf.add(start, tf.mul(gradient, step)));
      return loss().dataSync()[0]!;
    });
  const step = 1e-3 / Math.sqrt(squared);
  const slope = (at(step) - at(-step)) / (2 * step);
  expect(slope / squared).toBeCloseTo(1, 1);
  tf.dispose([value, gradient, start, images]);
  trainable.dispose();
  undo();
});

test('a narrow network has that fraction of the channels, in multiples of 8, and keeps its heads in its state', async () => {
  const heads = { layer1: 5, layer3: 7 };
  const narrow = createTrainableBackbone('teacher-tiny', { seed: 1, width: 0.5, heads });
  expect(narrow.levels.map(({ name, channels }) => [name, channels])).toEqual([
    ['layer1', 24],
    ['layer3', 80],
  ]);
  const state = await narrow.stateDict({ heads: true });
  expect(state.get('conv1.weight')!.shape).toEqual([16, 3, 3, 3]);
  expect(state.get('heads.layer3.weight')!.shape).toEqual([7, 80, 1, 1]);
  const copy = createTrainableBackbone('teacher-tiny', { seed: null, width: 0.5, heads });
  copy.loadStateDict(state, { heads: true });
  expectSameState(await copy.stateDict({ heads: true }), state);
  narrow.dispose();
  copy.dispose();
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
