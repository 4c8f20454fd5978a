import '@tensorflow/tfjs';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type { FitPlan } from '../contract.js';
import { describedTeacher } from '../dskd/described-teacher.test.util.js';
import { blockImage, fitOn, SIDE, poolingTeacher } from '../features/pooling-teacher.test.util.js';
import { scoresOf, storedModel } from '../features/tiny-models.test.util.js';
import { spadeMethod } from './methods.js';

const TRAINING = Array.from({ length: 6 }, (_, index) => blockImage(index + 1));

beforeAll(() => useBackend('cpu'));

function plan(images: number, side: number): FitPlan {
  return { ...fitOn([]), images, inputSize: [side, side], teacher: describedTeacher('wide_resnet50_2') };
}

test('the profile paper has the K, the levels and the score of the paper', () => {
  expect(spadeMethod.profiles.paper).toEqual({
    levels: [1, 2, 3],
    neighbors: 50,
    combine: 'concat',
    imageScore: 'knn',
    storage: 'float32',
  });
});

test('the score of the nearest images is a branch of its own, where it is asked for', async () => {
  for (const [imageScore, branches] of [
    ['max', [{ name: 'local', map: true }]],
    [
      'knn',
      [
        { name: 'local', map: true },
        { name: 'global', map: false },
      ],
    ],
  ] as const) {
    const { model } = await spadeMethod.fit(fitOn(TRAINING), spadeMethod.options.parse({ imageScore }));
    expect(model.branches).toEqual(branches);
    model.dispose();
  }
});

test('a gallery too large for a file is refused, with what would fit', () => {
  const { paper } = spadeMethod.profiles;
  // 5.5 MB an image: layers of 56x56x256, 28x28x512 and 14x14x1024 float32.
  expect(spadeMethod.estimate(plan(200, 224), paper!).memory.exceeded).toEqual([]);
  const { memory } = spadeMethod.estimate(plan(400, 224), paper!);
  expect(memory.exceeded).toEqual([
    expect.stringMatching(
      /^the file of the features of 400 images needs 2\.\d\d GiB, its limit is 2\.00 GiB$/,
    ),
  ]);
  expect(spadeMethod.alternatives!(plan(400, 224), paper!, Infinity)).toEqual([
    { kind: 'method-options', value: { storage: 'float16' } },
    { kind: 'method-options', value: { storage: 'float16', levels: [2, 3] } },
    { kind: 'input-size', value: [128, 128] },
  ]);
  // Twice as many: half precision alone does not help.
  expect(spadeMethod.alternatives!(plan(1000, 224), paper!, Infinity)).toEqual([
    { kind: 'method-options', value: { storage: 'float16', levels: [2, 3] } },
    { kind: 'input-size', value: [128, 128] },
  ]);
  expect(spadeMethod.alternatives!(plan(1_000_000, 224), paper!, Infinity)).toEqual([]);
});

test('half of the bytes with float16, for a file that is saved as either', async () => {
  const bytes: number[] = [];
  for (const storage of ['float32', 'float16'] as const) {
    const { model } = await spadeMethod.fit(fitOn(TRAINING), spadeMethod.options.parse({ storage }));
    const { tensors } = model.state();
    bytes.push(tensors.get('local.level2')!.data.byteLength);
    const scores = await scoresOf(model, [blockImage(31)]);
    for (const saved of ['float32', 'float16'] as const) {
      if (storage === 'float32' && saved === 'float16') continue;
      await expectNoNewTensors(async () => {
        const again = await spadeMethod.restore(storedModel(structuredClone(model.state()), saved), {
          inputSize: [SIDE, SIDE],
          teacher: poolingTeacher(),
        });
        expect(await scoresOf(again, [blockImage(31)])).toEqual(scores);
        expect(again.state()).toEqual(model.state());
        again.dispose();
      });
    }
    model.dispose();
  }
  expect(bytes[0]).toBe(2 * bytes[1]!);
});

test('features too large for float16 are refused by name', () =>
  expectNoNewTensors(async () => {
    const bright = TRAINING.map((image) => image.map((value) => 1e3 * value));
    await expect(
      spadeMethod.fit(fitOn(bright), spadeMethod.options.parse({ storage: 'float16' })),
    ).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(
        /^Tensor local\.level2 contains .*; the largest float16 is 65504\.$/,
      ) as string,
      hint: 'Use storage float32.',
    });
  }));
