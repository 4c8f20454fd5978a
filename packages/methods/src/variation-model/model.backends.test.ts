import '@tensorflow/tfjs';
import { describeBackends, expectNoNewTensors } from '@dskd/test-support';
import type { TensorStorage } from '@dskd/weights';
import type { AnomalyModel, Fit, FitInput } from '../contract.js';
import { storedModel } from '../features/tiny-models.test.util.js';
import { vmMethod } from './method.js';
import { batchOf, fitOn, scene, transformOf, type SceneOptions } from './scene.test.util.js';

const SHIFTS = [
  [0, 0],
  [2.5, 1],
  [-3, 2.5],
  [4, -3],
  [-1.5, -4],
  [3, 3.5],
] as const;

/** The scene, shifted as the training images of that number. */
function shifted(index: number, rest: SceneOptions = {}): Float32Array {
  const [x, y] = SHIFTS[index % SHIFTS.length]!;
  return scene({ transform: transformOf(0, x, y), noise: 2, seed: index + 1, ...rest });
}

const TRAINING = Array.from({ length: 12 }, (_, index) => shifted(index));
/** Good images that lie as none of the training. */
const GOOD = [transformOf(0, -2.5, -1.5), transformOf(0, 5, 1)].map((transform, index) =>
  scene({ transform, noise: 2, seed: 101 + index }),
);
const DEFECT = { x: 34, y: 36 };
const BAD = scene({ transform: transformOf(0, 5, 1), noise: 2, seed: 103, defect: DEFECT });

function fit(options: object, changes: Partial<FitInput> = {}, images = TRAINING): Promise<Fit> {
  return vmMethod.fit(fitOn(images, changes), vmMethod.options.parse(options));
}

async function mapsOf(model: AnomalyModel, images: readonly Float32Array[]): Promise<Float32Array[]> {
  const batch = batchOf(images);
  const [output] = await model.score(batch);
  batch.dispose();
  const { name, map } = output!;
  expect([name, ...map!.shape]).toEqual(['local', images.length, 64, 64]);
  const values = (await map!.data()) as Float32Array;
  map!.dispose();
  return images.map((_, index) => values.slice(index * 64 * 64, (index + 1) * 64 * 64));
}

const highest = (map: Float32Array): number => map.reduce((most, value) => Math.max(most, value), 0);

/** `[x, y]` of the largest value. */
const placeOf = (map: Float32Array): [number, number] => {
  const at = map.indexOf(highest(map));
  return [at % 64, Math.floor(at / 64)];
};

describeBackends(
  'variation model',
  () => {
    test.each<object>([
      { align: 'none' },
      { align: 'translation', storage: 'float32' },
      { align: 'rigid', floor: 8 },
    ])('%p: fit, score, restore and dispose leave no tensors; scores are kept bit for bit', (options) =>
      expectNoNewTensors(async () => {
        const { model, storage } = await fit(options);
        const maps = await mapsOf(model, [...GOOD, BAD]);
        const saved = storedModel(structuredClone(model.state()), storage as TensorStorage);
        const again = await vmMethod.restore(saved, { inputSize: [64, 64] });
        expect(await mapsOf(again, [...GOOD, BAD])).toEqual(maps);
        expect(again.state()).toEqual(model.state());
        expect([again.method, again.branches]).toEqual(['vm', [{ name: 'local', map: true }]]);
        // Alone, an image has the map that it has beside others.
        expect(await mapsOf(model, [BAD])).toEqual([maps[2]]);
        model.dispose();
        again.dispose();
      }),
    );

    test('shifted parts: without an alignment good ones raise alarms, with one they do not, and a defect is where it is', async () => {
      const scores: Record<string, number[]> = {};
      for (const align of ['none', 'translation', 'rigid']) {
        const { model } = await fit({ align });
        const maps = await mapsOf(model, [...GOOD, BAD]);
        scores[align] = maps.map(highest);
        if (align === 'none') continue;
        const [x, y] = placeOf(maps[2]!);
        expect(x).toBeGreaterThanOrEqual(DEFECT.x);
        expect(x).toBeLessThan(DEFECT.x + 5);
        expect(y).toBeGreaterThanOrEqual(DEFECT.y);
        expect(y).toBeLessThan(DEFECT.y + 5);
      }
      for (const align of ['translation', 'rigid']) {
        const [first, second, bad] = scores[align] as [number, number, number];
        const good = Math.max(first, second);
        expect(good).toBeLessThan(2.5);
        expect(bad).toBeGreaterThan(4 * good);
        expect(Math.min(...scores.none!)).toBeGreaterThan(8 * good);
      }
    });

    test('turned parts are found too, and their defect where it is', async () => {
      const degrees = [0, 1, -2, 3, -4, 4.5];
      const images = degrees.map((angle, seed) =>
        scene({ transform: transformOf(angle, seed - 2, 1), noise: 2, seed }),
      );
      const { model, record } = await fit({ align: 'rigid' }, {}, images);
      const transform = transformOf(-3, 2, 2);
      const [good, bad] = await mapsOf(model, [
        scene({ transform, noise: 2, seed: 50 }),
        scene({ transform, noise: 2, seed: 50, defect: DEFECT }),
      ]);
      expect(highest(bad!)).toBeGreaterThan(1.5 * highest(good!));
      const [x, y] = placeOf(bad!);
      expect(Math.hypot(x - DEFECT.x - 2, y - DEFECT.y - 2)).toBeLessThan(4);
      expect(record).toMatchObject({ images: 6, moved: 5 });
    });

    test('what lies outside of the overlap scores 0', async () => {
      const { model } = await fit({ align: 'translation' }, {}, [scene(), scene({ noise: 1 })]);
      const image = scene({ transform: transformOf(0, 6, 0) });
      // A bright border at the left, which the reference does not show.
      for (let row = 0; row < 64; row++) image.fill(255, 3 * 64 * row, 3 * (64 * row + 5));
      const [map] = await mapsOf(model, [image]);
      for (let row = 0; row < 64; row++)
        expect([...map!.subarray(64 * row, 64 * row + 5)]).toEqual([0, 0, 0, 0, 0]);
      expect(highest(map!)).toBeGreaterThan(0);
    });

    test('the same images give the same bytes', async () => {
      const [one, other] = [await fit({ align: 'rigid' }), await fit({ align: 'rigid' }, { seed: 9 })];
      expect(other.model.state()).toEqual(one.model.state());
      expect(other.record).toEqual(one.record);
    });
  },
  { cpu: 'slow' },
);
