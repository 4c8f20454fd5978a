import { resolveOptions } from '../../options/resolve.js';
import { train, trainOptions, type TrainOptions } from '../train.js';
import { methodFor } from './method-for.js';
import { trainingChoices } from './training-options.js';

const of = (given: Record<string, unknown>): string => methodFor(given, trainOptions);

test('the default is instant; an option that only students have selects the students', () => {
  expect(of({ data: 'x', size: 64, seed: 3, normalization: 'moments', storage: 'float16' })).toBe('instant');
  for (const given of [
    { preset: 'paper' },
    { student: 'both' },
    { epochs: 3 },
    { batchSize: 16 },
    { gccb: 'full' },
    { temperature: 1 },
    { localLearningRate: 0.1 },
    { globalObjective: 'contextualAffinity' },
    { reestimateBatchNorm: false },
    { checkpoint: 'run' },
  ]) {
    expect([given, of(given)]).toEqual([given, 'dskd']);
  }
});

test('a teacher is no option of the students only, and none of a method without one', () => {
  expect(of({ teacher: 'resnet18', weights: 'w' })).toBe('instant');
  expect(of({ method: 'patchcore', levels: 'layer1' })).toBe('patchcore');
  expect(() => of({ method: 'vm', teacher: 'resnet18' })).toThrow('Got --teacher');
});

test('a named method is used, with its options', () => {
  expect(of({ method: 'dskd' })).toBe('dskd');
  expect(of({ method: 'padim', methodOptions: '{}' })).toBe('padim');
  expect(of({ method: 'rd', preset: 'nano', localObjective: 'perPixelCosine' })).toBe('rd');
  expect(of({ method: 'stfpm', epochs: 3, minutes: 1, batchSize: 2 })).toBe('stfpm');
  expect(of({ method: 'of-a-plugin', checkpoint: 'run' })).toBe('of-a-plugin');
});

test.each([
  [{ method: 'instant', preset: 'nano', epochs: 3 }, '--preset, --epochs'],
  [{ method: 'patchcore', checkpoint: 'run' }, '--checkpoint'],
  [{ method: 'rd', gccb: 'pool' }, '--gccb'],
  [{ method: 'ae', epochs: 3, preset: 'nano' }, '--preset'],
  [{ method: 'of-a-plugin', batchSize: 3 }, '--batch-size'],
])('%j: refuses options of other methods by name', (given, flags) => {
  expect(() => of(given)).toThrow(
    expect.objectContaining({
      code: 'invalid-argument',
      message: `Got ${flags}; wanted only options that the method ${given.method} has.`,
      hint: expect.stringContaining('--method dskd') as string,
    }) as Error,
  );
});

async function choices(given: Record<string, unknown>): Promise<ReturnType<typeof trainingChoices>> {
  const recipe = await train.recipe!(given);
  const options: TrainOptions = resolveOptions('train', trainOptions, {
    flags: { data: 'x', ...given },
    recipe,
  });
  return trainingChoices(options);
}

test('the method sets size, normalization and fusion by default; defaults of students are not recorded', async () => {
  expect(await choices({})).toEqual({
    method: 'instant',
    options: {},
    input: { fit: 'stretch' },
    calibration: {
      holdOutFraction: 0.1,
      onTrainingImages: false,
      statisticsOn: 'calibration',
      falseAlarmRate: 0.05,
    },
    execution: { featureCacheBytes: 2 ** 30 },
    seed: 1,
    recorded: {
      fit: 'stretch',
      teacher: 'teacher-tiny',
      method: 'instant',
      seed: 1,
      calibrateOnTraining: false,
      statisticsOn: 'calibration',
      falseAlarmRate: 0.05,
    },
  });
  expect(await choices({ preset: 'nano' })).toMatchObject({
    method: 'dskd',
    options: { preset: 'nano', reestimateBatchNorm: true },
    recorded: { preset: 'nano', temperature: 1 },
  });
  expect(await choices({ normalization: 'moments', fusion: 'maximum', size: 64 })).toMatchObject({
    method: 'instant',
    calibration: { normalization: 'moments', fusion: 'maximum' },
    input: { size: [64, 64] },
  });
});

test('trainings of a network on images have the flags of a length, and nothing else of the students', async () => {
  expect(await choices({ method: 'vae', epochs: 7, methodOptions: '{"latent": 3}' })).toMatchObject({
    options: { epochs: 7, latent: 3 },
    recorded: { method: 'vae', epochs: 7 },
  });
  expect((await choices({ method: 'stfpm', minutes: 2 })).options).toEqual({ minutes: 2 });
});

test('--method-options works for every method and overrides flags', async () => {
  expect((await choices({ methodOptions: '{"pooled": null}' })).options).toEqual({ pooled: null });
  expect((await choices({ preset: 'nano', methodOptions: { batchSize: 3 } })).options).toMatchObject({
    preset: 'nano',
    batchSize: 3,
  });
  await expect(choices({ methodOptions: 'none' })).rejects.toMatchObject({ code: 'invalid-argument' });
});
