import '@tensorflow/tfjs';
import { describeBackends, expectClose, expectNoNewTensors, TOLERANCES } from '@dskd/test-support';
import type { TensorStorage } from '@dskd/weights';
import type { AnomalyModel, Fit, FitInput, Method } from '../contract.js';
import { blockImage, fitOn, poolingTeacher, SIDE } from '../features/pooling-teacher.test.util.js';
import { scoresOf, storedModel, teach } from '../features/tiny-models.test.util.js';
import { createMethod } from '../registry.js';

// What holds for every method in closed form, whatever it computes.

const TRAINING = Array.from({ length: 10 }, (_, index) => blockImage(index + 1));
const TEST = [21, 22, 23].map(blockImage);

/** The options of each method that choose a coreset, reduce channels and round. */
const METHODS: readonly { readonly name: string; readonly options: object; readonly learns: boolean }[] = [
  { name: 'patchcore', options: { coreset: { count: 20 }, projection: 8, reweight: 3 }, learns: true },
  { name: 'patchcore', options: { positionWeight: 0.3, maxPatches: 50, storage: 'float32' }, learns: true },
  { name: 'patchcore', options: { embedding: 'official', coreset: { fraction: 0.1 } }, learns: true },
  { name: 'fre', options: { gridLevel: 2, components: 4, channels: 7, maxImages: 8 }, learns: true },
  { name: 'fre', options: { gridLevel: 2, storage: 'float32' }, learns: true },
  { name: 'gaussian', options: {}, learns: true },
  { name: 'padim', options: { channels: 5 }, learns: false },
  { name: 'padim', options: { channels: 5, storage: 'float16' }, learns: false },
  { name: 'spade', options: { neighbors: 3 }, learns: false },
  { name: 'spade', options: { imageScore: 'knn', combine: 'concat', storage: 'float32' }, learns: false },
  { name: 'sinbad', options: { projections: 6, thresholds: 3, maxImages: 8 }, learns: false },
  { name: 'sinbad', options: { projections: 4, ratios: [0.5], storage: 'float32' }, learns: false },
  { name: 'instant', options: { local: { coreset: { count: 20 } }, global: { gridLevel: 2 } }, learns: true },
];

async function fit(
  name: string,
  options: object,
  changes: Partial<FitInput> = {},
): Promise<Fit & { readonly method: Method }> {
  const method = await createMethod(name);
  return { method, ...(await method.fit(fitOn(TRAINING, changes), method.options.parse(options))) };
}

function restored(method: Method, model: AnomalyModel, storage: TensorStorage): Promise<AnomalyModel> {
  const context = { inputSize: [SIDE, SIDE], teacher: poolingTeacher() } as const;
  return method.restore(storedModel(structuredClone(model.state()), storage), context);
}

describeBackends(
  'methods in closed form',
  (backend) => {
    // A GPU adds in another order for another number of rows.
    const batchTolerance = { relative: backend === 'webgpu' ? TOLERANCES.webgpu.reduction : 0 };

    // A software GPU takes minutes for the 1024 channels of that embedding; patches.backends.test.ts has its numbers.
    const methods = METHODS.filter(({ options }) => backend !== 'webgpu' || !('embedding' in options));

    describe.each(methods)('$name $options', ({ name, options, learns }) => {
      test('fit, score, restore and dispose leave no tensors; scores and state are kept bit for bit', () =>
        expectNoNewTensors(async () => {
          const { method, model, storage = 'float32' } = await fit(name, options);
          const scores = await scoresOf(model, TEST);
          for (const values of Object.values(scores)) {
            expect(values.every((value) => Number.isFinite(value) && value > 0)).toBe(true);
          }
          const again = await restored(method, model, storage);
          expect(await scoresOf(again, TEST)).toEqual(scores);
          expect(again.state()).toEqual(model.state());
          expect(again.branches).toEqual(model.branches);
          expect(again.method).toBe(name);
          model.dispose();
          again.dispose();
        }));

      test('a result does not depend on the batch an image came in', async () => {
        const { model } = await fit(name, options);
        const together = await scoresOf(model, TEST);
        for (const [index, image] of TEST.entries()) {
          for (const [branch, alone] of Object.entries(await scoresOf(model, [image]))) {
            const size = alone.length;
            const own = together[branch]!.subarray(index * size, (index + 1) * size);
            expectClose(own, alone, batchTolerance);
          }
        }
        model.dispose();
      });

      test('the same seed gives the same bytes', async () => {
        const [one, other] = [await fit(name, options), await fit(name, options)];
        expect(other.model.state()).toEqual(one.model.state());
        expect(other.record).toEqual(one.record);
        expect(JSON.parse(JSON.stringify(one.record))).toEqual(one.record);
        one.model.dispose();
        other.model.dispose();
      });

      if (!learns) return;
      test('two lessons and two forgets give the states before, byte for byte, also after saving', async () => {
        const { method, model, storage = 'float32' } = await fit(name, options);
        const states = [structuredClone(model.state())];
        await expectNoNewTensors(async () => {
          await teach(model, [TEST[0]!, TEST[1]!, TEST[0]!]);
          states.push(structuredClone(model.state()));
          await teach(model, [TEST[2]!]);
          const again = await restored(method, model, storage);
          expect(again.state()).toEqual(model.state());
          expect(await scoresOf(again, TEST)).toEqual(await scoresOf(model, TEST));
          for (const each of [model, again]) {
            each.forget!();
            expect(each.state()).toEqual(states[1]);
            each.forget!();
            expect(each.state()).toEqual(states[0]);
            expect(() => each.forget!()).toThrow(
              expect.objectContaining({
                code: 'invalid-argument',
                message: 'There is no lesson to forget.',
              }) as Error,
            );
            expect(each.state()).toEqual(states[0]);
          }
          again.dispose();
        });
        model.dispose();
      });
    });

    test('images of every batch of a fit are in the bank, each under its own index', async () => {
      const { model } = await fit('patchcore', { coreset: { fraction: 1 } });
      const { data } = model.state().tensors.get('local.origins')!;
      const perImage = new Array<number>(10).fill(0);
      for (let at = 0; at < data.length; at += 3) perImage[Number(data[at])]! += 1;
      expect(perImage).toEqual(new Array(10).fill(16));
      model.dispose();
    });
  },
  { cpu: 'slow' },
);
