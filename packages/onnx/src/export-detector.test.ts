import { fromBinary } from '@bufbuild/protobuf';
import { useBackend } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs-core';
import { ModelProtoSchema } from 'onnx-buf';
import { exportDetector } from './export-detector.js';
import { readExported } from './metadata.js';
import {
  corner,
  exportedThroughFiles,
  expectSamePredictions,
  TEST_IMAGES,
} from './small-detectors.test.util.js';

beforeAll(() => useBackend('wasm'));

const SIZE = [50, 74] as const;
const input = { size: SIZE };

const CASES = {
  instant: { method: 'instant', input },
  'a letterbox with an ignore mask': {
    method: 'padim',
    input: { size: [64, 64], fit: 'letterbox', ignored: corner(64, 64) },
  },
} as const;

test.each(Object.entries(CASES))(
  '%s: ONNX Runtime predicts what the detector predicts',
  async (_, options) => {
    const { detector, onnx } = await exportedThroughFiles(options);
    await expectSamePredictions(detector, onnx);
  },
);

test('the file says everything but the graph; the threshold of a loaded one can be changed', async () => {
  const { detector, onnx, bytes } = await exportedThroughFiles({
    method: 'fre',
    // Not the corner with the defect, which nothing would see then.
    input: { ...input, ignored: corner(...SIZE).reverse() },
  });
  const { description, ignored } = readExported(bytes);
  expect(description).toEqual({
    ...detector.description,
    thumbnails: undefined,
    trainingImages: undefined,
  });
  expect(ignored).toEqual(detector.ignored);
  const prediction = await onnx.predict(TEST_IMAGES[5]!);
  expect(prediction.verdict).toBe('anomalous');
  onnx.threshold = prediction.score + 1;
  expect((await onnx.predict(TEST_IMAGES[5]!)).verdict).toBe('normal');
  onnx.dispose();
  await expect(onnx.predict(TEST_IMAGES[5]!)).rejects.toMatchObject({ code: 'disposed' });
  detector.dispose();
});

test('the descriptors that were generated from the format read the file without an unknown field', async () => {
  const { detector, onnx, bytes } = await exportedThroughFiles({ method: 'instant', input });
  const model = fromBinary(ModelProtoSchema, bytes);
  const unknown: unknown[] = [];
  const visit = (value: unknown): void => {
    if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return;
    if ('$unknown' in value && value.$unknown !== undefined) unknown.push(value);
    for (const each of Object.values(value)) visit(each);
  };
  visit(model);
  expect(unknown).toEqual([]);
  expect(model.opsetImport).toMatchObject([{ domain: '', version: 17n }]);
  expect(model.graph!.input.map(({ name }) => name)).toEqual(['images']);
  expect(model.graph!.output.map(({ name }) => name)).toEqual([
    'score',
    'anomaly_map',
    'score.local',
    'anomaly_map.local',
    'score.global',
    'anomaly_map.global',
    'score.pooled',
  ]);
  detector.dispose();
  onnx.dispose();
});

test('no tensor is left, and the backend is the one of before', async () => {
  const { detector, onnx } = await exportedThroughFiles({ method: 'instant', input });
  const count = tf.memory().numTensors;
  await exportDetector(detector);
  await exportDetector(detector, { masks: true });
  expect(tf.memory().numTensors).toBe(count);
  expect(tf.getBackend()).toBe('wasm');
  // The detector still works: its weights are where they were.
  expect((await detector.predict(TEST_IMAGES[0]!)).score).toBeGreaterThan(0);
  detector.dispose();
  onnx.dispose();
});
