import type { StateDict } from '@dskd/weights';
import type { Artifact } from './artifact.js';
import type { DetectorDescription } from './description.js';

/** A description that fits its schema, of a detector that nothing here builds. */
export const DESCRIPTION: DetectorDescription = {
  format: 3,
  method: 'dskd',
  config: {
    branches: [
      {
        name: 'local',
        student: {
          preset: 'nano',
          branch: 'local',
          levels: [{ name: 'features.4', channels: 128, stride: 4 }],
          inputSize: [32, 32],
        },
        objective: { name: 'flattenedCosine', options: {} },
      },
    ],
    levels: { fusion: 'sum', alignCorners: true },
  },
  teacher: {
    name: 'squeezenet1_1',
    sha256: '0'.repeat(64),
    embedded: false,
    levels: [{ name: 'features.4', channels: 128, stride: 4 }],
    inputTransform: { channelOrder: 'rgb', scale: 1, mean: [0, 0, 0], standardDeviation: [1, 1, 1] },
  },
  inputSize: [32, 32],
  tiles: null,
  resize: { fit: 'stretch', filter: 'bilinear-antialiased', fill: null },
  storage: 'float32',
  ignored: false,
  branches: [
    {
      name: 'local',
      map: true,
      normalization: { offset: 0.25, scale: 0.5 },
      calibrationScores: [1, 2],
    },
  ],
  fusion: { sigma: 0.5, normalization: 'moments', rule: 'sum', weights: {} },
  calibration: { images: 'held-out', scores: [1, 2] },
  threshold: { value: 2, falseAlarmRate: 0.05, guaranteed: false },
  trainings: [
    {
      branches: ['local'],
      seed: 1,
      images: 1,
      dataFingerprint: '0',
      augmentation: null,
      options: {},
      fit: {
        epochs: 1,
        batchSize: 1,
        steps: 1,
        learningRates: { local: 0.005 },
        reestimatedBatchNorm: false,
        finalLosses: { local: 1 },
      },
      backend: 'wasm',
      versions: {},
    },
  ],
};

/** A description with tensors that go with it. */
export function smallArtifact(changes: Partial<DetectorDescription> = {}): Artifact {
  const tensors: StateDict = new Map([
    ['dskd.local.x', { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) }],
  ]);
  return { description: { ...DESCRIPTION, ...changes }, tensors };
}
