import '@tensorflow/tfjs';
import { gcadAugmentation } from '@dskd/data';
import { summarizeStudent } from '@dskd/models';
import { describedTeacher } from './described-teacher.test.util.js';
import { planBranches } from './plan-branches.js';
import { paperRecipe } from './recipes.js';
import { tinySource } from './tiny-world.test.util.js';
import type { TrainDetectorOptions } from './training-options.js';

test('the paper recipe is what the paper says', () => {
  const { teacher, options } = paperRecipe('pushpins');
  expect(teacher.name).toBe('wide_resnet50_2');
  expect(options).toMatchObject({
    inputSize: [256, 256],
    preset: 'paper',
    gccb: { channels: 1024 },
    batchSize: 16,
    epochs: 200,
    sigma: 4,
  });
  expect(options.branches.global.objective).toEqual({
    name: 'contextualAffinity',
    options: { temperature: 1 },
  });
  for (const { optimizer } of Object.values(options.branches)) {
    expect(optimizer).toEqual({ learningRate: 0.005, beta1: 0.5, beta2: 0.999, epsilon: 1e-8 });
  }
});

test("augmentations are GCAD's for the category", () => {
  for (const category of ['pushpins', 'breakfast_box', undefined]) {
    expect(paperRecipe(category).options.augmentation).toEqual(gcadAugmentation(category));
  }
  expect(paperRecipe('pushpins').options.augmentation).not.toEqual(paperRecipe().options.augmentation);
});

test('it is JSON, and trainDetector takes it: 289 M parameters of students, each value overridable', () => {
  const recipe = paperRecipe('screw_bag');
  expect(JSON.parse(JSON.stringify(recipe))).toEqual(recipe);
  const described = describedTeacher(recipe.teacher.name);
  expect(described.extractor.levels.map(({ name }) => name)).toEqual(recipe.teacher.levels);
  const options: TrainDetectorOptions = { source: tinySource(), teacher: described, ...recipe.options };
  const parameters = (given: TrainDetectorOptions): number =>
    planBranches(given).reduce((sum, { student }) => sum + summarizeStudent(student).parameters, 0);
  expect(parameters(options)).toBe(83_802_624 + 205_309_440);
  expect(parameters({ ...options, gccb: { channels: 512 } })).toBeLessThan(289e6 - 98e6);
});
