import '@tensorflow/tfjs';
import { gcadAugmentation } from '@dskd/data';
import { useBackend } from '@dskd/test-support';
import { tinySource } from '../tiny-world.test.util.js';
import { describedTeacher } from './described-teacher.test.util.js';
import { paperRecipe } from './recipes.js';
import { resolveTrainingOptions, type TrainDetectorOptions } from './training-options.js';

test('the paper recipe is what the paper says', () => {
  const { teacher, training } = paperRecipe('pushpins');
  expect(teacher.name).toBe('wide_resnet50_2');
  expect(training).toMatchObject({
    method: 'dskd',
    input: { size: [256, 256] },
    options: { preset: 'paper', gccb: { channels: 1024 }, batchSize: 16, epochs: 200 },
    calibration: { sigma: 4 },
  });
  const { branches } = training.options;
  expect(branches.global!.objective).toEqual({
    name: 'contextualAffinity',
    options: { temperature: 1 },
  });
  for (const { optimizer } of Object.values(branches)) {
    expect(optimizer).toEqual({ learningRate: 0.005, beta1: 0.5, beta2: 0.999, epsilon: 1e-8 });
  }
});

test("augmentations are GCAD's for the category", () => {
  const augmentationOf = (category?: string): object => paperRecipe(category).training.input.augmentation;
  for (const category of ['pushpins', 'breakfast_box', undefined]) {
    expect(augmentationOf(category)).toEqual(gcadAugmentation(category));
  }
  expect(augmentationOf('pushpins')).not.toEqual(augmentationOf());
});

test('it is JSON, and trainDetector takes it, each value overridable', async () => {
  await useBackend('wasm');
  const recipe = paperRecipe('screw_bag');
  expect(JSON.parse(JSON.stringify(recipe))).toEqual(recipe);
  const described = describedTeacher(recipe.teacher.name);
  expect(described.extractor.levels.map(({ name }) => name)).toEqual(recipe.teacher.levels);
  const options = { source: tinySource(), teacher: described, ...recipe.training };
  const { fitting } = await resolveTrainingOptions(options);
  expect(fitting.options).toEqual(recipe.training.options);
  const bytes = async (given: TrainDetectorOptions): Promise<number> => {
    const { method, options, plan } = (await resolveTrainingOptions(given)).fitting;
    return method.estimate({ ...plan, images: 360 }, options).bytes;
  };
  const narrower = { ...options, options: { ...options.options, gccb: { channels: 512 } } };
  // At least the float32 weights themselves: 98 M of them.
  expect(await bytes(narrower)).toBeLessThan((await bytes(options)) - 4 * 98e6);
});
