import '@tensorflow/tfjs';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type { StateDict } from '@dskd/weights';
import type { FitInput, SavedModel } from '../contract.js';
import { createMethod } from '../registry.js';
import { vmMethod } from './method.js';
import { batchOf, fitOn, scene, transformOf } from './scene.test.util.js';

const TRAINING = Array.from({ length: 10 }, (_, index) =>
  scene({ transform: transformOf(0, index % 3, 0), noise: 2, seed: index + 1 }),
);

beforeAll(() => useBackend('cpu'));

function fit(options: object, changes: Partial<FitInput> = {}, images = TRAINING) {
  return vmMethod.fit(fitOn(images, changes), vmMethod.options.parse(options));
}

test('is registered, needs no teacher, and its profiles are what its schema gives', async () => {
  expect(await createMethod('vm')).toBe(vmMethod);
  expect(vmMethod.needs).toEqual({ teacher: false, validation: true });
  for (const profile of Object.values(vmMethod.profiles)) {
    expect(vmMethod.options.parse(profile)).toEqual(profile);
  }
  expect(vmMethod.options.parse({})).toEqual(vmMethod.profiles.lite);
});

test.each([
  { align: 'affine' },
  { floor: 0 },
  { floor: -1 },
  { floor: 256 },
  { storage: 'int8' },
  { robust: true },
])('options %p are refused', (options) => {
  expect(vmMethod.options.safeParse(options).success).toBe(false);
});

test.each(['none', 'rigid'])('says how far it is, to the end: %s', async (align) => {
  const done: string[] = [];
  await fit(
    { align },
    {
      onEvent: (event) => {
        if (event.type === 'fit-progress') done.push(`${event.stage} ${event.done}/${event.total}`);
      },
    },
  );
  expect(done.at(-1)).toBe('local 100/100');
  expect(done).toHaveLength(align === 'none' ? 2 : 6);
});

test('an abort, before or within any pass, leaves no tensors', () =>
  expectNoNewTensors(async () => {
    await expect(fit({}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    for (const pass of [1, 3, 5]) {
      const controller = new AbortController();
      let events = 0;
      const onEvent = (): void => {
        events++;
        if (events === pass) controller.abort();
      };
      await expect(
        fit({ align: 'translation' }, { signal: controller.signal, onEvent }),
      ).rejects.toMatchObject({
        code: 'aborted',
      });
    }
  }));

test('an image that cannot be read, or has NaN, is refused and leaves no tensors', () =>
  expectNoNewTensors(async () => {
    const trainingImages = {
      length: 10,
      changesEachEpoch: false,
      batch: (indices: readonly number[]) =>
        indices.includes(9)
          ? Promise.reject(new Error('gone'))
          : Promise.resolve(batchOf(indices.map((index) => TRAINING[index]!))),
    };
    await expect(fit({}, { trainingImages })).rejects.toThrow('gone');
    const broken = [...TRAINING.slice(0, 3), new Float32Array(64 * 64 * 3).fill(NaN)];
    const refusal = { code: 'invalid-argument', message: 'Got NaN or infinity in image 3 of a batch.' };
    await expect(fit({}, {}, broken)).rejects.toMatchObject(refusal);
    const { model } = await fit({});
    const batch = batchOf(broken);
    await expect(model.score(batch)).rejects.toMatchObject(refusal);
    batch.dispose();
  }));

test('fits on one image: the floor alone tells what differs', async () => {
  const { model } = await fit({ align: 'rigid' }, {}, [scene()]);
  const batch = batchOf([scene(), scene({ defect: { x: 20, y: 30 } })]);
  const [output] = await model.score(batch);
  const values = await output!.map!.data();
  expect(Math.max(...values.subarray(0, 64 * 64))).toBeLessThan(0.1);
  expect(Math.max(...values.subarray(64 * 64))).toBeGreaterThan(5);
  batch.dispose();
  output!.map!.dispose();
});

test('the reference is the image most like the others', async () => {
  const at = (x: number, seed: number): Float32Array =>
    scene({ transform: transformOf(0, x, 0), noise: 2, seed });
  const { record } = await fit({ align: 'translation' }, {}, [
    at(-9, 1),
    at(8, 2),
    at(0.5, 3),
    at(9, 4),
    at(0, 5),
    at(1, 6),
  ]);
  expect([2, 4, 5]).toContain(record.reference);
});

test('the estimate grows with the size and the alignment, and is above what the model holds', async () => {
  const bytes = (side: number, options: object): number =>
    vmMethod.estimate({ ...fitOn([]), images: 100, inputSize: [side, side] }, vmMethod.options.parse(options))
      .bytes;
  expect(bytes(512, {})).toBeGreaterThan(bytes(256, {}));
  expect(bytes(256, { align: 'translation' })).toBeGreaterThan(bytes(256, {}));
  expect(bytes(256, { align: 'rigid' })).toBeGreaterThan(bytes(256, { align: 'translation' }));
  const { model } = await fit({});
  const held = [...model.state().tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  const cost = vmMethod.estimate(fitOn(TRAINING), vmMethod.options.parse({}));
  expect(cost.bytes).toBeGreaterThan(held);
  expect(cost).toMatchObject({ steps: 0, bytes: cost.memory.total });
});

describe('a saved state that is none', () => {
  let saved: SavedModel;
  beforeAll(async () => {
    saved = (await fit({ align: 'rigid' })).model.state();
  });

  async function refused(
    wanted: object,
    change: (config: Record<string, unknown>, tensors: StateDict) => unknown,
    inputSize: readonly [number, number] = [64, 64],
  ): Promise<void> {
    const { config, tensors } = structuredClone(saved);
    change(config, tensors);
    await expectNoNewTensors(() =>
      expect(vmMethod.restore({ config, tensors }, { inputSize })).rejects.toMatchObject(wanted),
    );
  }

  test('as it was saved it is restored', async () => {
    const model = await vmMethod.restore(structuredClone(saved), { inputSize: [64, 64] });
    expect(model.state()).toEqual(saved);
  });

  test.each<[string, object, (config: Record<string, unknown>, tensors: StateDict) => unknown]>([
    ['no options', { code: 'artifact-invalid' }, (config) => delete config.options],
    [
      'an unknown alignment',
      { code: 'artifact-invalid' },
      (config) => (config.options = { align: 'affine' }),
    ],
    ['no size', { code: 'artifact-invalid' }, (config) => (config.inputSize = [64])],
    ['another size', { code: 'input-size-mismatch' }, (config) => (config.inputSize = [64, 32])],
    ['no alignment', { code: 'weights-mismatch' }, (config) => (config.options = { align: 'none' })],
    ...['mean', 'deviation', 'seen', 'reference'].map(
      (name) =>
        [
          `no ${name}`,
          { code: 'weights-mismatch' },
          (_: object, tensors: StateDict) => tensors.delete(name),
        ] as [string, object, (config: Record<string, unknown>, tensors: StateDict) => unknown],
    ),
    [
      'a tensor too many',
      { code: 'weights-mismatch', details: { tensors: ['other'] } },
      (_, tensors) => tensors.set('other', tensors.get('mean')!),
    ],
    [
      'a negative deviation',
      { code: 'weights-mismatch' },
      (_, tensors) => ((tensors.get('deviation')!.data as Float32Array)[5] = -1),
    ],
    [
      'a mean that is NaN',
      { code: 'weights-not-finite' },
      (_, tensors) => ((tensors.get('mean')!.data as Float32Array)[5] = NaN),
    ],
  ])('%s', (_, wanted, change) => refused(wanted, change));

  test('for another detector', () =>
    refused(
      {
        code: 'input-size-mismatch',
        message: 'The model is made for images of 64x64 pixels, the detector for 64x96.',
      },
      () => undefined,
      [64, 96],
    ));
});
