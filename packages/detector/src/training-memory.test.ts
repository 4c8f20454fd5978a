import * as tf from '@tensorflow/tfjs';
import { DskdError } from '@dskd/base';
import { useBackend } from '@dskd/test-support';
import { describedTeacher } from './described-teacher.test.util.js';
import { assertTrainingFits, fittingAlternatives } from './fitting-alternatives.js';
import { paperRecipe } from './recipes.js';
import { tinySource } from './tiny-world.test.util.js';
import { trainDetector } from './train-detector.js';
import { estimateTrainingMemory, fits } from './training-memory.js';
import type { TrainDetectorOptions } from './training-options.js';

const GIBIBYTE = 2 ** 30;
const IMAGES = 360;

beforeAll(() => useBackend('wasm'));

function paper(options: Partial<TrainDetectorOptions> = {}): TrainDetectorOptions {
  const recipe = paperRecipe('screw_bag');
  const teacher = describedTeacher(recipe.teacher.name);
  return { source: tinySource(), teacher, ...recipe.options, ...options };
}

/** A runner that must not be made; that there is one means a heap for each student. */
const runner = (): never => {
  throw new Error('A student was made.');
};

async function refusal(options: TrainDetectorOptions): Promise<DskdError> {
  const before = tf.memory();
  const error = await trainDetector(options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(tf.memory()).toMatchObject({ numTensors: before.numTensors, numBytes: before.numBytes });
  expect(error).toBeInstanceOf(DskdError);
  return error as DskdError;
}

test('the paper recipe on wasm is refused by name, with what would fit, before anything is allocated', async () => {
  const error = await refusal(paper());
  expect(error.code).toBe('out-of-memory');
  expect(error.message).toContain("the heap 'main' needs");
  expect(error.hint).toContain('--preset lite');
  expect(error.hint).toContain('--backend webgpu');
  expect(error.hint).toContain('--size 64');
});

test('what is said to fit does fit, and what is not said does not', () => {
  const all = paper();
  const sayings = fittingAlternatives(all, IMAGES);
  const fitting = (options: Partial<TrainDetectorOptions>): boolean =>
    fits(estimateTrainingMemory(paper(options), IMAGES));
  const { local, global } = paperRecipe().options.branches;
  const said = (words: string): boolean => sayings.includes(words);
  expect(said('a worker thread for each student')).toBe(fitting({ runner }));
  expect(said('--preset lite')).toBe(fitting({ preset: 'lite', gccb: undefined }));
  expect(said('--student local and --student global')).toBe(
    fitting({ branches: { local } }) && fitting({ branches: { global } }),
  );
  expect(said('--batch-size')).toBe(fitting({ batchSize: 2 }));
  expect(said('--size 128')).toBe(fitting({ inputSize: [128, 128] }));
});

test('one student apart is not offered where there is only one', () => {
  const { global } = paperRecipe().options.branches;
  expect(fittingAlternatives(paper({ branches: { global } }), IMAGES)).not.toContain('--student');
});

test('the memory of the machine counts where it is known', () => {
  const memory = estimateTrainingMemory(paper({ preset: 'lite', gccb: undefined }), IMAGES);
  expect(fits(memory)).toBe(true);
  expect(fits(memory, memory.total)).toBe(true);
  expect(fits(memory, memory.total - 1)).toBe(false);
  expect(fittingAlternatives(paper(), IMAGES, GIBIBYTE / 4)).not.toContain('webgpu');
  expect(fittingAlternatives(paper(), IMAGES, 1)).toContain('Nothing smaller fits');
});

test('features of varied images are not kept', () => {
  const host = (options: Partial<TrainDetectorOptions>): number =>
    estimateTrainingMemory(paper(options), IMAGES).parts.find(({ heap }) => heap === 'host')!.bytes;
  expect(host({})).toBe(0);
  expect(host({ augmentation: undefined })).toBe(GIBIBYTE);
});

test('a tensor that a WebGPU device cannot take in one is refused, and fewer channels are offered', () => {
  const wide = paper({ preset: 'lite', gccb: { channels: 768 }, runner });
  expect(() => assertTrainingFits(wide, IMAGES)).not.toThrow();
  const backend = tf.backend() as { device?: unknown };
  backend.device = { limits: { maxStorageBufferBindingSize: 2 ** 27 } };
  try {
    expect(() => assertTrainingFits(wide, IMAGES)).toThrow(
      'one tensor of global needs 0.14 GiB, this device takes at most 0.13 GiB in one',
    );
    expect(fittingAlternatives(wide, IMAGES)).toContain('--gccb-channels 512');
  } finally {
    delete backend.device;
  }
});
