import '@tensorflow/tfjs';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type { FitInput, Method } from '../contract.js';
import { describedTeacher } from '../dskd/described-teacher.test.util.js';
import { batchOf, blockImage, fitOn, poolingTeacher, SIDE } from '../features/pooling-teacher.test.util.js';
import { createMethod } from '../registry.js';

const NAMES = ['patchcore', 'fre', 'gaussian', 'padim', 'spade', 'sinbad', 'instant'];
const TRAINING = Array.from({ length: 10 }, (_, index) => blockImage(index + 1));

beforeAll(() => useBackend('cpu'));

function fit(
  method: Method,
  changes: Partial<FitInput> = {},
  options: object = {},
): ReturnType<Method['fit']> {
  return method.fit(fitOn(TRAINING, changes), method.options.parse(options));
}

test('each has its name; every profile is what its own schema gives for it', async () => {
  for (const name of NAMES) {
    const method = await createMethod(name);
    expect(method.name).toBe(name);
    expect(method.needs).toEqual({ teacher: true, validation: true });
    for (const profile of Object.values(method.profiles))
      expect(method.options.parse(profile)).toEqual(profile);
    expect(method.options.parse({})).toEqual(method.profiles.lite);
  }
});

test('the profile paper of patchcore is PatchCore-25', async () => {
  const { profiles } = await createMethod('patchcore');
  expect(profiles.paper).toMatchObject({
    levels: [2, 3],
    embedding: 'official',
    coreset: { fraction: 0.25 },
    projection: 128,
    reweight: 0,
    positionWeight: 0,
    storage: 'float32',
  });
});

test('branches: where a method looks and whether it has a map', async () => {
  const branches: Record<string, string> = {};
  for (const name of NAMES) {
    const { model } = await fit(await createMethod(name));
    branches[name] = model.branches.map(({ name: branch, map }) => `${branch} ${map}`).join(', ');
    model.dispose();
  }
  expect(branches).toEqual({
    patchcore: 'local true',
    fre: 'global true',
    gaussian: 'global false',
    padim: 'local true',
    spade: 'local true',
    sinbad: 'global false',
    instant: 'local true, global true, pooled false',
  });
});

test.each([
  ['patchcore', {}, true],
  ['instant', {}, true],
  ['instant', { local: null }, false],
  ['padim', {}, false],
  ['fre', {}, false],
  ['gaussian', {}, false],
])('%s %j says before its fit whether its model keeps patches', async (name, options, keeps) => {
  const method = await createMethod(name);
  expect(method.keepsPatches!(method.options.parse(options))).toBe(keeps);
  const { model } = await fit(method, {}, options);
  expect(model.keepsPatches).toBe(keeps);
  model.dispose();
});

test('on tiles, too; students keep none', async () => {
  const tiles = { size: 64, overlap: 8 };
  for (const [name, options, keeps] of [
    ['patchcore', {}, true],
    ['instant', {}, true],
    ['instant', { local: null }, false],
    ['dskd', {}, false],
    ['rd', {}, false],
  ] as const) {
    const method = await createMethod(name, tiles);
    expect([name, method.keepsPatches!(method.options.parse(options))]).toEqual([name, keeps]);
  }
});

test('instant leaves out what is null', async () => {
  const { model } = await fit(await createMethod('instant'), {}, { global: null, pooled: null });
  expect(model.branches).toEqual([{ name: 'local', map: true }]);
  model.dispose();
});

test.each([
  ['patchcore', { coreset: { count: 5 } }, 'local.rows'],
  ['patchcore', { maxPatches: 50 }, 'local.origins'],
  ['padim', { channels: 5 }, 'local.mean'],
  ['fre', { maxImages: 4 }, 'global.mean'],
])('another seed gives other tensors: %s %p', async (name, options, tensor) => {
  const method = await createMethod(name);
  const [one, other] = [await fit(method, {}, options), await fit(method, { seed: 4 }, options)];
  const [a, b] = [one, other].map(({ model }) => model.state().tensors.get(tensor)!);
  expect(a!.shape).toEqual(b!.shape);
  expect(a!.data).not.toEqual(b!.data);
  one.model.dispose();
  other.model.dispose();
});

test.each([
  ['patchcore', { coreset: { count: 0 } }],
  ['patchcore', { coreset: { fraction: 1.1 } }],
  ['patchcore', { coreset: { count: 3, fraction: 0.5 } }],
  ['patchcore', { reweight: -1 }],
  ['patchcore', { positionWeight: Infinity }],
  ['patchcore', { levels: [] }],
  ['fre', { components: 0 }],
  ['fre', { maxImages: 2 }],
  ['gaussian', { pooling: 'maximum' }],
  ['padim', { ridge: 0 }],
  ['spade', { neighbors: 0 }],
  ['spade', { combine: 'sum' }],
  ['spade', { imageScore: 'mean' }],
  ['sinbad', { shrinkage: 0 }],
  ['sinbad', { ratios: [1.5] }],
  ['instant', { local: null, global: null, pooled: null }],
  ['instant', { local: { storage: 'float32' } }],
])('options of %s: %p are refused', async (name, options) => {
  expect((await createMethod(name)).options.safeParse(options).success).toBe(false);
});

describe.each(NAMES)('%s', (name) => {
  let method: Method;
  beforeAll(async () => {
    method = await createMethod(name);
  });

  test('reports how far it is, to the end', async () => {
    const events: string[] = [];
    const { model } = await fit(method, {
      onEvent: (event) => {
        if (event.type === 'fit-progress') events.push(`${event.stage} ${event.done}/${event.total}`);
      },
    });
    model.dispose();
    expect(events.slice(0, 2)).toEqual(['features 8/10', 'features 10/10']);
    for (const { name: branch } of model.branches) {
      expect(events.findLast((event) => event.startsWith(branch))).toBe(`${branch} 100/100`);
    }
  });

  test('an abort, before or within, leaves no tensors', () =>
    expectNoNewTensors(async () => {
      await expect(fit(method, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
      for (const stage of ['features', 'local', 'global']) {
        const controller = new AbortController();
        const { signal } = controller;
        const onEvent: FitInput['onEvent'] = (event) => {
          if (event.type === 'fit-progress' && event.stage === stage) controller.abort();
        };
        const outcome = await fit(method, { signal, onEvent }).catch((error: unknown) => error);
        // The last stage may be done before it looks at the signal.
        if ('code' in (outcome as object)) expect(outcome).toMatchObject({ code: 'aborted' });
        else (outcome as Awaited<ReturnType<Method['fit']>>).model.dispose();
        if (stage === 'features') expect(outcome).toMatchObject({ code: 'aborted' });
      }
    }));

  test('an image that cannot be read leaves no tensors', () =>
    expectNoNewTensors(async () => {
      const trainingImages = {
        length: 10,
        changesEachEpoch: false,
        batch: (indices: readonly number[]) =>
          indices.includes(9)
            ? Promise.reject(new Error('gone'))
            : Promise.resolve(batchOf(indices.map((index) => TRAINING[index]!))),
      };
      await expect(fit(method, { trainingImages })).rejects.toThrow('gone');
    }));

  test('images with NaN are refused', () =>
    expectNoNewTensors(async () => {
      const broken = [...TRAINING.slice(0, 9), new Float32Array(SIDE * SIDE * 3).fill(NaN)];
      const input = fitOn(broken);
      await expect(method.fit(input, method.options.parse({}))).rejects.toMatchObject({
        code: expect.stringMatching(/^(invalid-argument|numerical-instability)$/) as string,
      });
    }));

  if (['instant', 'gaussian', 'sinbad'].includes(name)) {
    test('images that are all equal are refused', () =>
      expectNoNewTensors(async () => {
        const input = fitOn(TRAINING.map(() => TRAINING[0]!));
        await expect(method.fit(input, method.options.parse({}))).rejects.toMatchObject({
          code: 'dataset-invalid',
          message: expect.stringMatching(
            /^All 10 good images look the same to the branch (pooled|global);/,
          ) as string,
        });
      }));
  }

  test('levels that the teacher does not have are refused before anything is computed', async () => {
    const options = name === 'instant' ? { global: { levels: [4] } } : { levels: [4] };
    const refusal = {
      code: 'invalid-config',
      message: 'Got level 4 of teacher pooling; wanted levels from 1 (the shallowest) to 3.',
    };
    await expectNoNewTensors(() => expect(fit(method, {}, options)).rejects.toMatchObject(refusal));
    expect(() => method.estimate(fitOn(TRAINING), method.options.parse(options))).toThrow(
      expect.objectContaining(refusal) as Error,
    );
  });

  test('without a teacher neither fits, estimates nor restores', async () => {
    const refusal = {
      code: 'invalid-argument',
      message: `The method ${name} needs a teacher; got none.`,
    };
    await expect(fit(method, { teacher: undefined })).rejects.toMatchObject(refusal);
    expect(() => method.estimate(fitOn(TRAINING, { teacher: undefined }), method.options.parse({}))).toThrow(
      expect.objectContaining(refusal) as Error,
    );
    const saved = { config: {}, tensors: new Map() };
    await expect(method.restore(saved, { inputSize: [SIDE, SIDE] })).rejects.toMatchObject(refusal);
  });

  test('the estimate is above what the model holds, and grows with images and size; nothing is allocated', async () => {
    const before = expect.objectContaining({ steps: 0 }) as object;
    const bytes = (images: number, side: number, profile = 'lite'): number =>
      method.estimate(
        { ...fitOn([]), images, inputSize: [side, side], teacher: describedTeacher('resnet18') },
        method.profiles[profile],
      ).bytes;
    for (const profile of Object.keys(method.profiles)) {
      expect(bytes(100, 256, profile)).toBeGreaterThanOrEqual(bytes(50, 256, profile));
      expect(bytes(50, 512, profile)).toBeGreaterThan(bytes(50, 256, profile));
    }
    if (name !== 'padim') expect(bytes(100, 256)).toBeGreaterThan(bytes(50, 256));
    const cost = method.estimate(fitOn(TRAINING), method.options.parse({}));
    expect(cost).toEqual(before);
    expect(cost.bytes).toBe(cost.memory.total);
    expect(cost.bytes).toBe(cost.memory.parts.reduce((sum, part) => sum + part.bytes, 0));
    const { model } = await fit(method);
    const held = [...model.state().tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
    expect(cost.bytes).toBeGreaterThan(2 * held);
    model.dispose();
  });

  test('restores with another input size only by an error', async () => {
    const { model } = await fit(method);
    const saved = model.state();
    model.dispose();
    await expectNoNewTensors(() =>
      expect(
        method.restore(saved, { inputSize: [SIDE, 2 * SIDE], teacher: poolingTeacher() }),
      ).rejects.toMatchObject({
        code: 'input-size-mismatch',
        message: 'The model is made for images of 32x32 pixels, the detector for 32x64.',
      }),
    );
  });
});
