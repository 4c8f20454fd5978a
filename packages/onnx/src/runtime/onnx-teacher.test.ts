import { useBackend } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs-core';
import { trainDetector } from '@dskd/detector';
import { embeddedTeacher, sourceOf, smallImage, TEST_IMAGES } from '../small-detectors.test.util.js';
import { onnxTeacher } from './onnx-teacher.js';

beforeAll(() => useBackend('wasm'));

test('features are those of TensorFlow.js, for images of several sizes, and no tensor is left', async () => {
  const teacher = await embeddedTeacher();
  const fast = onnxTeacher(teacher);
  const compare = async (shape: [number, number, number, number]): Promise<void> => {
    const images = tf.randomUniform<tf.Rank.R4>(shape, 0, 1, 'float32', 7);
    const [wanted, got] = [await teacher.extractor.extract(images), await fast.extractor.extract(images)];
    expect(got.map((level) => level.shape)).toEqual(wanted.map((level) => level.shape));
    for (const [index, level] of wanted.entries()) {
      const [values, others] = [await level.data<'float32'>(), await got[index]!.data<'float32'>()];
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      values.forEach((value, at) =>
        expect(Math.abs(value - others[at]!)).toBeLessThanOrEqual(1e-4 * largest),
      );
    }
    tf.dispose([images, ...wanted, ...got]);
  };
  await compare([3, 64, 48, 3]);
  const count = tf.memory().numTensors;
  await compare([1, 64, 48, 3]);
  await compare([5, 32, 32, 3]);
  expect(tf.memory().numTensors).toBe(count);
  fast.dispose();
});

test('a detector that is trained with it scores as one that is not', async () => {
  const teacher = await embeddedTeacher();
  const source = sourceOf(Array.from({ length: 8 }, (_, index) => smallImage(index)));
  const options = { source, method: 'instant', seed: 1, input: { size: [48, 64] } } as const;
  const plain = await trainDetector({ ...options, teacher });
  const fast = onnxTeacher(teacher);
  const other = await trainDetector({ ...options, teacher: fast });
  for (const image of TEST_IMAGES) {
    const [wanted, got] = [await plain.predict(image), await other.predict(image)];
    expect(got.verdict).toBe(wanted.verdict);
    expect(Math.abs(got.score - wanted.score) / Math.max(1, Math.abs(wanted.score))).toBeLessThan(0.01);
  }
  // The file holds the teacher's own weights: only numbers of its description may have other digits.
  expect(Math.abs(other.save().length - plain.save().length)).toBeLessThan(200);
  plain.dispose();
  other.dispose();
  fast.dispose();
});
