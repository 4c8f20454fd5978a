import '@tensorflow/tfjs';
import type { DskdEvent } from '@dskd/base';
import type { Teacher } from '@dskd/models';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import type { AnomalyModel, Fit, SavedModel } from '../contract.js';
import { TRAINING_DEFAULTS } from '../defaults.js';
import { dskdMethod, rdMethod } from './method.js';
import type { DskdConfig } from './model.js';
import { dskdOptions, rdOptions, type DskdOptions } from './options.js';
import { TINY, tinyBatch, tinyInput, tinyTeacher } from './tiny-fit.test.util.js';

const { local, global } = TRAINING_DEFAULTS.dskd.branches;
let teacher: Teacher;
let both: Fit;
let localAlone: Fit;
let globalAlone: Fit;

function fitDskd(branches: DskdOptions['branches']): Promise<Fit> {
  return dskdMethod.fit(tinyInput(teacher), dskdOptions.parse({ ...TINY, gccb: { channels: 4 }, branches }));
}

beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
  teacher = tinyTeacher();
  both = await fitDskd({ local, global });
  localAlone = await fitDskd({ local });
  globalAlone = await fitDskd({ global });
});
afterAll(() => {
  for (const { model } of [both, localAlone, globalAlone]) model.dispose();
  teacher.dispose();
});

/** Every branch's maps of the images `indices`. */
async function mapsOf(model: AnomalyModel, indices = [20, 21, 22]): Promise<Record<string, number[]>> {
  const images = tinyBatch(indices);
  const outputs = await model.score(images);
  images.dispose();
  const maps: Record<string, number[]> = {};
  for (const { name, map } of outputs) {
    expect(map!.shape).toEqual([indices.length, 32, 32]);
    maps[name] = [...(await map!.data())];
    map!.dispose();
  }
  expect(Object.keys(maps)).toEqual(model.branches.map(({ name }) => name));
  return maps;
}

test('rd is the local branch of dskd alone: the same weights and scores, bit for bit', async () => {
  const rd = await rdMethod.fit(tinyInput(teacher), rdOptions.parse(TINY));
  expect([rd.model.method, localAlone.model.method]).toEqual(['rd', 'dskd']);
  expect(rd.model.branches).toEqual([{ name: 'local', map: true }]);
  expect(rd.model.state().tensors).toEqual(localAlone.model.state().tensors);
  expect(rd.model.state().config).toEqual(localAlone.model.state().config);
  expect(rd.record).toEqual(localAlone.record);
  const maps = await mapsOf(rd.model);
  expect(maps).toEqual(await mapsOf(localAlone.model));
  expect(maps.local).toEqual((await mapsOf(both.model)).local);
  rd.model.dispose();
});

test('a model does not depend on the batch an image came in, and leaves no tensors', async () => {
  const { together, alone } = await expectNoNewTensors(async () => ({
    together: await mapsOf(both.model, [20, 21]),
    alone: await mapsOf(both.model, [21]),
  }));
  for (const name of ['local', 'global']) expect(together[name]!.slice(32 * 32)).toEqual(alone[name]);
});

test('the record says what happened: no wall clock, plain JSON', () => {
  expect(JSON.parse(JSON.stringify(both.record))).toEqual(both.record);
  expect(both.record).toMatchObject({
    epochs: 1,
    batchSize: 4,
    steps: 2,
    learningRates: { local: 0.005, global: 0.001 },
    reestimatedBatchNorm: true,
    finalLosses: { local: expect.any(Number) as number, global: expect.any(Number) as number },
    initialize: { global: 'random' },
    optimizers: { local: { learningRate: 0.005 }, global: { learningRate: 0.001 } },
  });
  expect(both.batchSize).toBe(4);
});

describe('early stopping', () => {
  const earlyStopping = { patience: 1, fraction: 0.3 };

  test('keeps images back, ends when their loss no longer falls, and says so in the record', async () => {
    const events: DskdEvent[] = [];
    // So fast that it soon stops learning.
    const fast = { ...local, optimizer: { learningRate: 0.2 } };
    const options = dskdOptions.parse({ ...TINY, epochs: 40, branches: { local: fast }, earlyStopping });
    const input = { ...tinyInput(teacher), onEvent: (event: DskdEvent) => events.push(event) };
    const { model, record } = await expectNoNewTensors(async () => {
      const fitted = await dskdMethod.fit(input, options);
      fitted.model.dispose();
      return fitted;
    });
    expect(model.method).toBe('dskd');
    expect(events[0]).toMatchObject({ type: 'training-start', samples: 6, stepsPerEpoch: 2, epochs: 40 });
    const ends = events.filter(({ type }) => type === 'epoch-end');
    expect(ends.length).toBeLessThan(40);
    expect(record).toMatchObject({ epochs: ends.length, steps: 2 * ends.length, earlyStopping });
    expect(record.heldOutLosses).toEqual({ local: expect.any(Number) as number });
    expect(dskdMethod.estimate(input, options).steps).toBe(80);
  });

  test('another draw by another seed, and the same by the same', async () => {
    const options = dskdOptions.parse({ ...TINY, branches: { local }, earlyStopping });
    const lossOf = async (seed: number): Promise<unknown> => {
      const { model, record } = await dskdMethod.fit({ ...tinyInput(teacher), seed }, options);
      model.dispose();
      return record.heldOutLosses;
    };
    const first = await lossOf(3);
    expect(await lossOf(3)).toEqual(first);
    expect(await lossOf(4)).not.toEqual(first);
  });

  test('is refused where it leaves too few images', async () => {
    const options = dskdOptions.parse({ ...TINY, branches: { local }, earlyStopping: { fraction: 0.9 } });
    await expect(dskdMethod.fit(tinyInput(teacher), options)).rejects.toMatchObject({
      code: 'dataset-invalid',
      message: expect.stringContaining('keeps 7 of 8') as string,
    });
  });
});

describe('combine', () => {
  test('joins branches that were fitted apart into the model that was fitted at once', async () => {
    const saved = dskdMethod.combine!([localAlone.model.state(), globalAlone.model.state()]);
    expect(saved).toEqual(both.model.state());
    const model = await dskdMethod.restore(saved, { inputSize: [32, 32], teacher });
    expect(model.branches.map(({ name }) => name)).toEqual(['local', 'global']);
    expect(await mapsOf(model)).toEqual(await mapsOf(both.model));
    model.dispose();
  });

  test('refuses models that add the maps of their levels differently', () => {
    const other = globalAlone.model.state();
    const config = other.config as unknown as DskdConfig;
    const changed = { ...config, levels: { ...config.levels, alignCorners: false } };
    const models = [localAlone.model.state(), { ...other, config: changed }] as unknown as SavedModel[];
    expect(() => dskdMethod.combine!(models)).toThrow(
      expect.objectContaining({ code: 'invalid-argument' }) as Error,
    );
  });

  test('rd has one branch and combines with nothing', () => {
    expect('combine' in rdMethod).toBe(false);
  });
});

describe('options', () => {
  /** The paths of what is wrong, each once. */
  const problems = (method: typeof dskdMethod | typeof rdMethod, given: object): string[] => [
    ...new Set(method.options.safeParse(given).error?.issues.map(({ path }) => path.join('.'))),
  ];

  test('small students are joined by the soft maximum, those of the paper by Eq. 8', () => {
    const softMaximum = { normalization: 'image-scores', fusion: 'soft-maximum' };
    expect(dskdMethod.scoring!(dskdMethod.profiles.lite!)).toEqual(softMaximum);
    expect(dskdMethod.scoring!(dskdOptions.parse({ preset: 'lite' }))).toEqual(softMaximum);
    // The default of every method: the sum of maps that are normalized by their moments.
    expect(dskdMethod.scoring!(dskdMethod.profiles.paper!)).toBeUndefined();
    expect([TRAINING_DEFAULTS.normalization, TRAINING_DEFAULTS.fusion]).toEqual(['moments', 'sum']);
  });

  test('every profile is what its own schema gives for it', () => {
    for (const method of [dskdMethod, rdMethod]) {
      expect(Object.keys(method.profiles).sort()).toEqual(['lite', 'paper']);
      for (const profile of Object.values(method.profiles)) {
        expect(method.options.parse(profile)).toEqual(profile);
      }
    }
    expect(dskdMethod.options.parse({})).toEqual(dskdMethod.profiles.lite);
  });

  test.each([
    ['epochs', { epochs: 0 }],
    ['batchSize', { batchSize: 1.5 }],
    ['preset', { preset: 'huge' }],
    ['gccb.channels', { gccb: { channels: -1 } }],
    ['initialize.global', { initialize: { global: 'stage5' } }],
    ['branches.local.branch', { branches: { local: { ...local, branch: 'middle' } } }],
    [
      'branches.local.optimizer.learningRate',
      { branches: { local: { ...local, optimizer: { learningRate: 0 } } } },
    ],
    ['', { epoch: 3 }],
  ])('dskd: a wrong one is named: %s', (path, given) => {
    expect(problems(dskdMethod, given)).toEqual([path]);
  });

  test.each([
    ['optimizer.learningRate', { optimizer: { learningRate: -1 } }],
    ['reestimateBatchNorm', { reestimateBatchNorm: 1 }],
    ['', { branches: { local } }],
  ])('rd: a wrong one is named: %s', (path, given) => {
    expect(problems(rdMethod, given)).toEqual([path]);
  });

  test('branch names that no file could hold, and an unknown objective, are refused before anything is made', async () => {
    const input = tinyInput(teacher);
    for (const names of [['a', 'a.b'], ['a', 'a/b'], [''], []]) {
      const branches = Object.fromEntries(names.map((name) => [name, local]));
      const options = dskdOptions.parse({ ...TINY, branches });
      expect(() => dskdMethod.estimate(input, options)).toThrow(
        expect.objectContaining({ code: 'invalid-config' }) as Error,
      );
      await expect(dskdMethod.fit(input, options)).rejects.toMatchObject({ code: 'invalid-config' });
    }
    const options = rdOptions.parse({ ...TINY, objective: { name: 'unheard-of' } });
    await expectNoNewTensors(() =>
      expect(rdMethod.fit(input, options)).rejects.toMatchObject({ code: 'invalid-argument' }),
    );
  });

  test('without a teacher neither fits, estimates nor restores', async () => {
    const input = { ...tinyInput(teacher), teacher: undefined };
    const refusal = { code: 'invalid-argument', message: expect.stringContaining('teacher') as string };
    await expect(dskdMethod.fit(input, dskdOptions.parse(TINY))).rejects.toMatchObject(refusal);
    expect(() => dskdMethod.estimate(input, dskdOptions.parse(TINY))).toThrow(
      expect.objectContaining(refusal) as Error,
    );
    await expect(dskdMethod.restore(both.model.state(), { inputSize: [32, 32] })).rejects.toMatchObject(
      refusal,
    );
  });
});
