import { gcadAugmentation } from '@dskd/data';
import type { DskdOptions } from '@dskd/methods';
import { resolveOptions } from '../../options/resolve.js';
import { train, trainOptions, type TrainOptions } from '../train.js';
import { augmentationOf, trainingChoices } from './training-options.js';

const places = { data: 'x', weights: 'w', out: 'o' };

async function optionsOf(flags: Record<string, unknown>): Promise<TrainOptions> {
  return resolveOptions('train', trainOptions, { flags, recipe: await train.recipe!(flags) });
}

test('sets what the paper trained with', async () => {
  const flags = { ...places, preset: 'paper', category: 'screw_bag' };
  const options = await optionsOf(flags);
  expect(options).toMatchObject({ teacher: 'wide_resnet50_2', size: [256, 256], epochs: 200, batchSize: 16 });
  expect(options.sigma).toBeUndefined();
  expect(trainingChoices(options)).toMatchObject({
    method: 'dskd',
    input: { fit: 'stretch' },
    options: {
      preset: 'paper',
      gccb: { variant: 'full', channels: 1024 },
      reestimateBatchNorm: false,
      branches: {
        local: { objective: { name: 'flattenedCosine', options: {} }, optimizer: { learningRate: 0.005 } },
        global: {
          objective: { name: 'contextualAffinity', options: { temperature: 1 } },
          optimizer: { learningRate: 0.005 },
        },
      },
    },
  });
  expect(await augmentationOf(options)).toEqual(gcadAugmentation('screw_bag'));
  expect(gcadAugmentation('screw_bag').flips).toEqual({ horizontal: true, vertical: true });
});

test('options of the user override it', async () => {
  const flags = { ...places, preset: 'paper', epochs: 3, augment: 'none', teacher: 'resnet18' };
  const options = await optionsOf(flags);
  expect(options).toMatchObject({ epochs: 3, teacher: 'resnet18', batchSize: 16 });
  expect(await augmentationOf(options)).toBeUndefined();
});

test('--student local trains only the local student', async () => {
  const flags = { ...places, teacher: 'resnet18', student: 'local' };
  const { options } = trainingChoices(await optionsOf(flags));
  expect(Object.keys((options as DskdOptions).branches)).toEqual(['local']);
});

test('--tiles, with or without an overlap; an overlap alone is refused', () => {
  const of = (flags: object): unknown =>
    trainingChoices(resolveOptions('train', trainOptions, { flags: { ...places, ...flags } })).input;
  expect(of({ size: '1024', tiles: 256 })).toMatchObject({ size: [1024, 1024], tiles: { size: 256 } });
  expect(of({ tiles: 256, tileOverlap: 0 })).toMatchObject({ tiles: { size: 256, overlap: 0 } });
  expect(of({})).not.toHaveProperty('tiles');
  expect(() => of({ tileOverlap: 8 })).toThrow('Got --tile-overlap 8, but no --tiles.');
});
