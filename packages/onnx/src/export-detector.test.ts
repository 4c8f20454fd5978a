import { fromBinary } from '@bufbuild/protobuf';
import { randomStream } from '@dskd/base';
import { useBackend } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs-core';
import { ModelProtoSchema } from 'onnx-buf';
import { comparePredictors } from './compare-predictors.js';
import { exportDetector } from './export-detector.js';
import { readExported } from './metadata.js';
import { mutate, withoutFiniteWeights } from './mutate.test.util.js';
import {
  corner,
  exportedThroughFiles,
  expectSamePredictions,
  TEST_IMAGES,
} from './small-detectors.test.util.js';
import { loadOnnxDetector } from './runtime/index.js';
import { openSession } from './runtime/onnx-runtime.js';

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

test('masks of single images need an input of the graph, which an option adds', async () => {
  const { detector, onnx } = await exportedThroughFiles({ method: 'fre', input });
  const ignored = corner(...SIZE);
  await expect(onnx.predict(TEST_IMAGES[5]!, { ignored })).rejects.toMatchObject({
    code: 'invalid-argument',
    hint: expect.stringContaining('--masks') as string,
  });
  const withMasks = await loadOnnxDetector(await exportDetector(detector, { masks: true }));
  const [wanted, got] = [
    await detector.predict(TEST_IMAGES[5]!, { ignored }),
    await withMasks.predict(TEST_IMAGES[5]!, { ignored }),
  ];
  expect(got.score / wanted.score).toBeCloseTo(1, 4);
  expect(got.score).toBeLessThan((await detector.predict(TEST_IMAGES[5]!)).score);
  expect(got.ignored).toEqual(wanted.ignored);
  for (const each of [detector, onnx, withMasks]) each.dispose();
});

test.each([
  ['instant', { method: 'instant', input: { ...input, ignored: corner(...SIZE) } }],
  [
    'in tiles',
    {
      method: 'instant',
      input: { size: [48, 72], tiles: { size: 32, overlap: 8 }, ignored: corner(48, 72) },
    },
  ],
  [
    'gaussian, in a letterbox',
    { method: 'gaussian', input: { size: [64, 64], fit: 'letterbox', ignored: corner(64, 64) } },
  ],
] as const)(
  'the graph itself hides ignored pixels, also from programs that do not: %s',
  async (_, options) => {
    const { detector, onnx, bytes } = await exportedThroughFiles(options);
    const [height, width] = detector.inputSize;
    const { ort, session } = await openSession(bytes, {});
    const outputsOf = async (seed: number): Promise<Record<string, readonly number[]>> => {
      const ground = randomStream(1, 'ground');
      const noise = randomStream(seed, 'noise');
      const images = Uint8Array.from({ length: 2 * height * width * 3 }, (_, at) => {
        const below = Math.floor(256 * ground.uniform());
        const isIgnored = detector.ignored![Math.floor(at / 3) % (height * width)] === 1;
        return isIgnored ? Math.floor(256 * noise.uniform()) : below;
      });
      const results = await session.run({
        images: new ort.Tensor('uint8', images, [2, height, width, 3]),
        ...(session.inputNames.includes('used') && {
          used: new ort.Tensor('uint8', new Uint8Array(2 * height * width).fill(1), [2, height, width]),
        }),
      });
      return Object.fromEntries(
        Object.entries(results).map(([name, { data }]) => [name, Array.from(data as Float32Array)]),
      );
    };
    const wanted = await outputsOf(1);
    expect(new Set(wanted.score).size).toBe(2);
    expect(await outputsOf(2)).toEqual(wanted);
    await session.release();
    for (const each of [detector, onnx]) each.dispose();
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

test.each(['spade', 'sinbad', 'vm'])('%s is refused by its name', async (method) => {
  const failing = exportedThroughFiles({ method, input });
  await expect(failing).rejects.toMatchObject({
    code: 'not-exportable',
    message: expect.stringContaining(method) as string,
    hint: expect.stringContaining('instant') as string,
  });
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

describe('files that are none', () => {
  test.each([
    ['text', new TextEncoder().encode('this is no model')],
    ['nothing', new Uint8Array(0)],
  ])('%s', async (_, bytes) => {
    await expect(loadOnnxDetector(bytes)).rejects.toMatchObject({ code: 'artifact-invalid' });
  });

  test('a file that is cut off, at any place', async () => {
    const { detector, onnx, bytes } = await exportedThroughFiles({ method: 'gaussian', input });
    for (const part of [0.05, 0.5, 0.999]) {
      await expect(loadOnnxDetector(bytes.slice(0, Math.floor(bytes.length * part)))).rejects.toMatchObject({
        code: 'artifact-invalid',
      });
    }
    detector.dispose();
    onnx.dispose();
  });
});

test('weights that are not finite give an error that says so, and no score', async () => {
  const { detector, onnx, bytes } = await exportedThroughFiles({ method: 'fre', input });
  const damaged = await loadOnnxDetector(withoutFiniteWeights(bytes));
  await expect(damaged.predict(TEST_IMAGES[0]!)).rejects.toMatchObject({ code: 'numerical-instability' });
  for (const each of [detector, onnx, damaged]) each.dispose();
});

describe('mutations that the comparison must find', () => {
  test('swapped channels, no blur, other corners, another mean', async () => {
    const { detector, onnx, bytes } = await exportedThroughFiles({ method: 'instant', input });
    const isEqual = async (mutated: Uint8Array): Promise<boolean> => {
      const other = await loadOnnxDetector(mutated);
      const { equal } = await comparePredictors(detector, other, TEST_IMAGES);
      other.dispose();
      return equal;
    };
    expect(await isEqual(bytes)).toBe(true);
    for (const [name, mutated] of mutate(bytes)) {
      expect([name, await isEqual(mutated)]).toEqual([name, false]);
    }
    detector.dispose();
    onnx.dispose();
  });
});
