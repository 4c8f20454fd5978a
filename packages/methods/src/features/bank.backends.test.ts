import '@tensorflow/tfjs';
import { kCenterCoreset } from '@dskd/closed-form';
import { describeBackends, expectClose, TOLERANCES } from '@dskd/test-support';
import { toFloat32 } from '@dskd/weights';
import type { AnomalyModel } from '../contract.js';
import type { BankOptions } from './part-options.js';
import {
  batchOf,
  blockImage,
  distance,
  oracleConcatPatches,
  vectorsOf,
} from './pooling-teacher.test.util.js';
import { fitted, plans, scoresOf } from './tiny-models.test.util.js';

const TRAINING = [1, 2, 3, 4, 5].map(blockImage);
const TEST = [11, 12].map(blockImage);
/** All patches of the training images. */
const ALL = { coreset: { fraction: 1 }, projection: 1000, storage: 'float32' } as const;

const bankOf = (options: Partial<BankOptions>, images = TRAINING): Promise<AnomalyModel> =>
  fitted(images, { local: plans.bank(options) });

/** The patches of an image, from all levels on the 4x4 grid of the second one. */
function patchesOf(image: Float32Array): Float64Array[] {
  return vectorsOf(oracleConcatPatches(image, [0, 1, 2], 4));
}

/** Index and distance of the nearest of `bank`. */
function nearestOf(patch: Float64Array, bank: readonly Float64Array[]): { index: number; length: number } {
  const lengths = bank.map((row) => distance(patch, row));
  const length = Math.min(...lengths);
  return { index: lengths.indexOf(length), length };
}

describeBackends('bank', (backend) => {
  // Patches are float32 numbers near 1: a distance is theirs to a rounding error of them, however small it is.
  const tolerance = { relative: TOLERANCES[backend].reduction, absolute: 2e-6 };

  test('with all patches, the map is the distance to the nearest of them', async () => {
    const model = await bankOf(ALL);
    const bank = TRAINING.flatMap(patchesOf);
    const wanted = TEST.flatMap(patchesOf).map((patch) => nearestOf(patch, bank).length);
    const { local } = await scoresOf(model, TEST);
    expectClose(local!, wanted, tolerance);
    expect(Math.min(...local!)).toBeGreaterThan(0.01);
    const own = await scoresOf(model, TRAINING);
    expectClose(own.local!, new Array(16 * TRAINING.length).fill(0), { absolute: 2e-6 });
    model.dispose();
  });

  test('re-weighting: the map times Eq. 7 of its farthest patch, image by image', async () => {
    const count = 4;
    const model = await bankOf({ ...ALL, reweight: count });
    const bank = TRAINING.flatMap(patchesOf);
    const wanted = TEST.flatMap((image) => {
      const patches = patchesOf(image);
      const nearest = patches.map((patch) => nearestOf(patch, bank));
      const lengths = nearest.map(({ length }) => length);
      const farthest = lengths.indexOf(Math.max(...lengths));
      const closest = bank[nearest[farthest]!.index]!;
      const neighbors = [...bank].sort((a, b) => distance(a, closest) - distance(b, closest)).slice(0, count);
      const sum = neighbors.reduce((total, row) => total + Math.exp(distance(patches[farthest]!, row)), 0);
      const factor = 1 - Math.exp(lengths[farthest]!) / sum;
      return lengths.map((length) => length * factor);
    });
    expectClose((await scoresOf(model, TEST)).local!, wanted, tolerance);
    model.dispose();
  });

  test('re-weighting by one row is none', async () => {
    const [plain, weighted] = [await bankOf(ALL), await bankOf({ ...ALL, reweight: 1 })];
    expect(await scoresOf(weighted, TEST)).toEqual(await scoresOf(plain, TEST));
    plain.dispose();
    weighted.dispose();
  });

  test('positions count by their weight times the root mean square of the patches', async () => {
    const positionWeight = 0.5;
    const model = await bankOf({ ...ALL, positionWeight });
    const all = TRAINING.flatMap(patchesOf);
    const squares = all.reduce((sum, patch) => sum + distance(patch, new Float64Array(15)) ** 2, 0);
    const scale = positionWeight * Math.sqrt(squares / all.length);
    const placed = (image: Float32Array): Float64Array[] =>
      patchesOf(image).map((patch, place) =>
        Float64Array.of(...patch, (scale * Math.floor(place / 4)) / 3, (scale * (place % 4)) / 3),
      );
    const bank = TRAINING.flatMap(placed);
    const wanted = TEST.flatMap(placed).map((patch) => nearestOf(patch, bank).length);
    const { local } = await scoresOf(model, TEST);
    expectClose(local!, wanted, tolerance);
    const plain = TEST.flatMap(patchesOf).map((patch) => nearestOf(patch, all).length);
    expect(Math.max(...local!.map((value, at) => value - plain[at]!))).toBeGreaterThan(0.01);
    model.dispose();
  });

  test('the coreset is that of greedy k-center, from the patch that the seed draws', async () => {
    const model = await bankOf({ ...ALL, coreset: { count: 7 } });
    const all = await bankOf(ALL);
    const rowsOf = (from: AnomalyModel): number[][] => {
      const entry = from.state().tensors.get('local.rows')!;
      const values = [...toFloat32(entry)];
      return Array.from({ length: entry.shape[0]! }, (_, row) => values.slice(row * 15, (row + 1) * 15));
    };
    const chosen = rowsOf(model);
    const every = rowsOf(all);
    expect(every).toHaveLength(16 * TRAINING.length);
    const points = { data: Float32Array.from(every.flat()), count: every.length, width: 15 };
    const first = every.findIndex((row) => row.join() === chosen[0]!.join());
    const wanted = await kCenterCoreset(points, 7, { first });
    expect(chosen).toEqual(Array.from(wanted, (index) => every[index]));
    all.dispose();
    model.dispose();
  });

  test('the nearest patch of a place: image, area and distance', async () => {
    const model = await bankOf(ALL);
    const image = batchOf([TRAINING[2]!]);
    const nearest = await model.nearest!(image, [
      [0, 0],
      [8, 31.9],
      [31.9, 17],
    ]);
    image.dispose();
    const wanted = [
      { x: 0, y: 0 },
      { x: 24, y: 8 },
      { x: 16, y: 24 },
    ];
    for (const [index, { image: found, area, distance: length }] of nearest.entries()) {
      expect({ found, area }).toEqual({ found: 2, area: { ...wanted[index]!, width: 8, height: 8 } });
      expect(length).toBeLessThan(2e-6);
    }
    model.dispose();
  });
});
