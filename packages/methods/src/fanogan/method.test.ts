import '@tensorflow/tfjs';
import { createImageStudent, type ImageStudentOptions } from '@dskd/models';
import { expectClose, expectNoNewTensors, useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import * as tf from '@tensorflow/tfjs-core';
import type { AnomalyModel, Fit, FitInput } from '../contract.js';
import { tinyBatch, tinyInput, tinyTeacher } from '../dskd/tiny-fit.test.util.js';
import { atPixel } from '../image-students/scores.test.util.js';
import { fanoganMethod as method } from './method.js';

const TINY = { epochs: 2, batchSize: 4, width: 2, latent: 3, criticSteps: 1, encoderFrom: 1 };

let input: FitInput;

function fit(options: object, changes: Partial<FitInput> = {}): Promise<Fit> {
  return method.fit({ ...input, ...changes }, method.options.parse({ ...TINY, ...options }));
}

beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
  const teacher = tinyTeacher();
  input = { ...tinyInput(teacher), teacher: undefined };
  teacher.dispose();
});

/** What the map should be, and the encoder's loss of each image, in float64, from what a file keeps. */
async function expectedOf(
  model: AnomalyModel,
  indices: readonly number[],
): Promise<{ maps: number[][]; losses: number[] }> {
  const { config, tensors } = model.state();
  const student = createImageStudent(config.student as unknown as ImageStudentOptions, { blank: true });
  student.loadStateDict(new Map([...tensors].map(([key, entry]) => [key.replace('network.', ''), entry])));
  const images = tinyBatch(indices);
  const pixels = await images.data();
  const side = 32;
  const seen = indices.map((_, image) => {
    const gray = Array.from({ length: side * side }, (__, i) => {
      const at = 3 * (image * side * side + i);
      const luma = 0.299 * pixels[at]! + 0.587 * pixels[at + 1]! + 0.114 * pixels[at + 2]!;
      return 2 * luma - 1;
    });
    return Array.from({ length: 64 * 64 }, (__, i) =>
      atPixel(gray, [side, side], Math.floor(i / 64), i % 64, 64),
    );
  });
  const read = tf.tensor4d(seen.flat(), [indices.length, 64, 64, 1]);
  const outputs = student.forward([read], { training: false });
  const [made, ofImages, ofMade] = await Promise.all(outputs.map((output) => output.data()));
  const maps = seen.map((image, index) => {
    const errors = image.map((value, i) => (value - made![index * 4096 + i]!) ** 2);
    return Array.from({ length: side * side }, (_, i) =>
      atPixel(errors, [64, 64], Math.floor(i / side), i % side, side),
    );
  });
  const losses = seen.map((image, index) => {
    const error = image.reduce((sum, value, i) => sum + (value - made![index * 4096 + i]!) ** 2, 0) / 4096;
    if (!ofImages || !ofMade) return error;
    const length = ofImages.length / indices.length;
    let ofFeatures = 0;
    for (let i = index * length; i < (index + 1) * length; i++)
      ofFeatures += (ofImages[i]! - ofMade[i]!) ** 2;
    return error + (0.5 * ofFeatures) / length;
  });
  tf.dispose([images, read, ...outputs]);
  student.dispose();
  return { maps, losses };
}

test('map and score are errors of the gray image of 64 pixels, in float64; a file keeps the critic for the score alone', async () => {
  const { model } = await expectNoNewTensors(async () => {
    const fitted = await fit({ imageScore: 'loss', kappa: 0.5 });
    const { tensors, config } = fitted.model.state();
    fitted.model.dispose();
    return { model: { tensors, config } };
  });
  const restored = await method.restore(model, { inputSize: [32, 32] });
  expect(restored.branches).toEqual([
    { name: 'global', map: true },
    { name: 'pooled', map: false },
  ]);
  const images = tinyBatch([20, 21]);
  const [map, score] = await restored.score(images);
  const { maps, losses } = await expectedOf(restored, [20, 21]);
  expectClose(await map!.map!.data(), maps.flat(), { relative: 1e-4 });
  expectClose(score!.scores!, losses, { relative: 1e-4 });
  tf.dispose([images, map!.map!]);
  restored.dispose();

  const plain = await fit({});
  const groups = new Set([...plain.model.state().tensors.keys()].map((name) => name.split('.')[1]));
  expect([...groups]).toEqual(['generator', 'encoder']);
  expect([...model.tensors.keys()].some((name) => name.startsWith('network.critic.'))).toBe(true);
  expect(plain.model.branches).toEqual([{ name: 'global', map: true }]);
  plain.model.dispose();
});

test('its length: a part of the epochs, steps of the encoder, or both at once where it can end at any time', async () => {
  const steps = (options: object, changes: object = {}): number =>
    method.estimate({ ...input, ...changes }, method.options.parse({ batchSize: 4, ...options })).steps;
  expect(steps({ epochs: 10 })).toBe(20);
  // 16 images, 4 steps an epoch: 100 epochs and 12500 of the encoder.
  expect(steps({ ...method.profiles.paper, batchSize: 4 }, { images: 16 })).toBe(4 * 100 + 50_000);
  expect(steps({ encoderFrom: 3, encoderSteps: 5 })).toBe(2 * (3 + 3));
  expect(() => steps({ epochs: 3, encoderFrom: 3 })).toThrow(
    /3 epochs of critic and generator before the encoder/,
  );
  expect(() => steps({ epochs: 1 })).toThrow(/wanted fewer/);

  const names: string[] = [];
  const { model, record } = await fit(
    { epochs: 1, minutes: 5, encoderFrom: undefined },
    {
      onEvent: (event) => {
        if (event.type === 'epoch-end') names.push(JSON.stringify(Object.keys(event.losses)));
      },
    },
  );
  expect(names).toEqual(['["network"]']);
  expect(record).toMatchObject({
    steps: 2,
    optimizer: { kind: 'groups', phases: [{ cycle: [['encoder', 'critic', 'generator']] }] },
  });
  model.dispose();
});
