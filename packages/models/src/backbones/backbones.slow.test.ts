import * as tf from '@tensorflow/tfjs';
import { access, readFile } from 'node:fs/promises';
import { useBackend } from '@dskd/test-support';
import { readStateDict } from '@dskd/weights';
import { backboneGolden, expectGoldenFeatures, filledBackbone, noiseImages } from './golden.test.util.js';
import { createBackbone } from '../index.js';

beforeAll(() => useBackend('wasm'));

test.each([
  ['resnet101', [64, 48]],
  ['wide_resnet50_2', [64, 48]],
  ['wide_resnet101_2', [64, 48]],
  ['pdn-medium', [47, 52]],
] as const)('%s gives the features of PyTorch', async (name, [height, width]) => {
  const before = tf.memory().numTensors;
  const backbone = filledBackbone(name);
  const worst = await expectGoldenFeatures(backbone, await backboneGolden(), noiseImages(2, height, width));
  console.log(`${name}: worst entry ${worst.toExponential(1)} standard deviations`);
  backbone.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

// From dist/backbones: the folder beside the repository.
const REAL = new URL('../../../../../shared/weights/', import.meta.url);

test.each([
  ['resnet50_v1', 'resnet50_keras.safetensors'],
  ['squeezenet1_1', 'squeezenet1_1.safetensors'],
] as const)('%s with its real weights agrees with PyTorch', async (name, file) => {
  const url = new URL(file, REAL);
  const present = await access(url).then(
    () => true,
    () => false,
  );
  if (!present) {
    console.log(`SKIPPED real weights of ${name}: ${url.pathname} is not there.`);
    return;
  }
  const golden = await backboneGolden('backbones-real.safetensors');
  const { data, shape } = golden.array('images');
  const images = tf.tidy(() => tf.tensor(data as Float32Array, [...shape], 'float32').div<tf.Tensor4D>(255));
  const backbone = createBackbone(name, { weights: readStateDict(await readFile(url)) });
  const started = performance.now();
  const worst = await expectGoldenFeatures(backbone, golden, images);
  const took = performance.now() - started;
  console.log(`${name}: worst entry ${worst.toExponential(1)} standard deviations, ${took.toFixed(0)} ms`);
  backbone.dispose();
});
