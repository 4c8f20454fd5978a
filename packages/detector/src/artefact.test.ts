import { writeSafetensors } from '@dskd/weights';
import { readFileSync } from 'node:fs';
import { readArtefact, writeArtefact, type DetectorDescription } from './artefact.js';
import { VERSION } from './version.js';

const description: DetectorDescription = {
  format: 1,
  teacher: {
    name: 'squeezenet1_1',
    sha256: '0'.repeat(64),
    embedded: false,
    levels: [{ name: 'features.4', channels: 128, stride: 4 }],
    inputTransform: { channelOrder: 'rgb', scale: 1, mean: [0, 0, 0], standardDeviation: [1, 1, 1] },
  },
  inputSize: [32, 32],
  resize: 'squeeze-bilinear-antialiased',
  branches: [
    {
      name: 'local',
      student: { preset: 'nano' },
      objective: { name: 'flattenedCosine', options: {} },
      mean: 0.25,
      standardDeviation: 0.5,
      calibrationScores: [1, 2],
    },
  ],
  fusion: { levels: 'sum', alignCorners: true, sigma: 0.5 },
  calibration: { pictures: 'held-out', scores: [1, 2] },
  threshold: { value: 2, falseAlarmRate: 0.05, guaranteed: false },
  training: {
    seed: 1,
    epochs: 1,
    batchSize: 1,
    steps: 1,
    pictures: 1,
    dataFingerprint: '0',
    learningRates: { local: 0.005 },
    reestimatedBatchNorm: false,
    finalLosses: { local: 1 },
    backend: 'wasm',
    versions: {},
  },
};

const fileWith = (text: string): Uint8Array => writeSafetensors(new Map(), { dskd: text });

test('what is written is read', () => {
  const artefact = {
    description,
    tensors: new Map([
      ['students.local.x', { dtype: 'F32' as const, shape: [2], data: Float32Array.of(1, 2) }],
    ]),
  };
  expect(readArtefact(writeArtefact(artefact))).toEqual(artefact);
});

test('other safetensors are no detector', () => {
  expect(() => readArtefact(writeSafetensors(new Map()))).toThrow('not a dskd detector');
});

test('a description that is not JSON', () => {
  expect(() => readArtefact(fileWith('{'))).toThrow('not JSON');
});

test('a newer format is refused by number', () => {
  expect(() => readArtefact(fileWith(JSON.stringify({ ...description, format: 2 })))).toThrow('format 2');
});

test('a wrong field is named', () => {
  const wrong = { ...description, fusion: { ...description.fusion, sigma: -1 } };
  expect(() => readArtefact(fileWith(JSON.stringify(wrong)))).toThrow('fusion.sigma');
});

test('the version is that of package.json', () => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(VERSION).toBe(manifest.version);
});
