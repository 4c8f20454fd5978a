import type { FeatureExtractor, Objective, Student } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { DetectorDescription } from './description.js';
import { Detector, type LoadedBranch } from './detector.js';

/** Features are the image itself, at its own size. */
const extractor: FeatureExtractor = {
  name: 'image',
  levels: [{ name: 'image', channels: 3, stride: 1 }],
  inputTransform: { channelOrder: 'rgb', scale: 1, mean: [0, 0, 0], standardDeviation: [1, 1, 1] },
  outputShapes: ([height, width]) => [[height, width, 3]],
  extract: (images) => Promise.resolve([images.clone()]),
  dispose: () => undefined,
};

const student: Student = {
  forward: (features) => [...features],
  parameters: new Map(),
  buffers: new Map(),
  dispose: () => undefined,
};

/** The anomaly map is the mean of red, green and blue, 0..1. */
const objective: Objective = {
  name: 'brightness',
  options: {},
  loss: () => tf.scalar(0),
  map: ([image]) => [tf.mean<tf.Tensor3D>(image!, 3)],
};

const branch: LoadedBranch = { name: 'brightness', student, objective, state: new Map() };

export const brightness = { extractor, branch } as const;

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
    teacher: {
      name: extractor.name,
      sha256: '0'.repeat(64),
      embedded: false,
      levels,
      inputTransform: { channelOrder: 'rgb', scale: 1, mean: [0, 0, 0], standardDeviation: [1, 1, 1] },
    },
    inputSize: size,
    resize: { fit, filter: 'bilinear-antialiased', fill: fit === 'letterbox' ? fill : null },
    storage: 'float32',
    ignored: ignored !== null,
    branches: [
      {
        name: branch.name,
        student: { preset: 'none', branch: 'local', levels, inputSize: size },
        objective: { name: 'brightness', options: {} },
        normalization: { offset: 0, scale: 1 },
        calibrationScores: [threshold],
      },
    ],
    fusion: { levels: 'sum', alignCorners: true, sigma, normalization: 'moments' },
    calibration: { images: 'given', scores: [threshold] },
    threshold: { value: threshold, falseAlarmRate: null, guaranteed: false },
    trainings: [
      {
        branches: [branch.name],
        seed: 1,
        epochs: 1,
        batchSize: 1,
        steps: 1,
        images: 1,
        dataFingerprint: '0'.repeat(64),
        learningRates: {},
        reestimatedBatchNorm: false,
        finalLosses: {},
        augmentation: null,
        options: {},
        backend: 'cpu',
        versions: {},
      },
    ],
  };
  const teacher = { extractor, sha256: '0'.repeat(64), dispose: () => undefined };
  return new Detector(teacher, false, [branch], description, ignored);
}
