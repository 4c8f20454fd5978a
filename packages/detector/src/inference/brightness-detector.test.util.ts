import type { FeatureExtractor } from '@dskd/core';
import type { AnomalyModel } from '@dskd/methods';
import * as tf from '@tensorflow/tfjs-core';
import type { DetectorDescription } from '../artifact/description.js';
import { Detector } from './detector.js';

/** Features are the image itself, at its own size. */
const extractor: FeatureExtractor = {
  name: 'image',
  levels: [{ name: 'image', channels: 3, stride: 1 }],
  inputTransform: { channelOrder: 'rgb', scale: 1, mean: [0, 0, 0], standardDeviation: [1, 1, 1] },
  outputShapes: ([height, width]) => [[height, width, 3]],
  extract: (images) => Promise.resolve([images.clone()]),
  dispose: () => undefined,
};

/** Gives `map` of each image, [height, width], as the raw map of the one branch `name`. */
export function imageModel(name: string, map: (images: tf.Tensor4D) => tf.Tensor3D): AnomalyModel {
  return {
    method: 'image',
    branches: [{ name, map: true }],
    score: (images) => Promise.resolve([{ name, map: tf.tidy(() => map(images)) }]),
    state: () => ({ config: {}, tensors: new Map() }),
    dispose: () => undefined,
  };
}

/** The anomaly map is the mean of red, green and blue, 0..1. */
export const brightness = imageModel('brightness', (images) => tf.mean<tf.Tensor3D>(images, 3));

export interface BrightnessOptions {
  readonly inputSize: readonly [number, number];
  readonly fit?: 'stretch' | 'letterbox';
  /** Default white: a border that counted would be the brightest there is. */
  readonly fill?: [number, number, number];
  readonly sigma?: number;
  readonly threshold?: number;
  readonly ignored?: Uint8Array | null;
}

/**
 * A detector without weights, whose score is the brightness of the brightest pixel that counts: what it should
 * say of an image can be told by looking at it.
 */
export function brightnessDetector(options: BrightnessOptions): Detector {
  const { inputSize, fit = 'letterbox', fill = [255, 255, 255], sigma = 0, threshold = 0.5 } = options;
  const { ignored = null } = options;
  const size: [number, number] = [inputSize[0], inputSize[1]];
  const levels = extractor.levels.map((level) => ({ ...level }));
  const description: DetectorDescription = {
    format: 3,
    method: brightness.method,
    config: {},
    teacher: {
      name: extractor.name,
      sha256: '0'.repeat(64),
      embedded: false,
      levels,
      inputTransform: { channelOrder: 'rgb', scale: 1, mean: [0, 0, 0], standardDeviation: [1, 1, 1] },
    },
    inputSize: size,
    tiles: null,
    resize: { fit, filter: 'bilinear-antialiased', fill: fit === 'letterbox' ? fill : null },
    storage: 'float32',
    ignored: ignored !== null,
    branches: [
      {
        name: 'brightness',
        map: true,
        normalization: { offset: 0, scale: 1 },
        calibrationScores: [threshold],
      },
    ],
    fusion: { sigma, normalization: 'moments', rule: 'sum', weights: {} },
    calibration: { images: 'given', scores: [threshold] },
    threshold: { value: threshold, falseAlarmRate: null, guaranteed: false },
    trainings: [
      {
        branches: ['brightness'],
        seed: 1,
        images: 1,
        dataFingerprint: '0'.repeat(64),
        augmentation: null,
        options: {},
        fit: {},
        backend: 'cpu',
        versions: {},
      },
    ],
  };
  const teacher = { extractor, sha256: '0'.repeat(64), dispose: () => undefined };
  return new Detector({ model: brightness, description, teacher, ignored });
}
