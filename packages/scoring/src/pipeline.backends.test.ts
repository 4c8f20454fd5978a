import * as tf from '@tensorflow/tfjs';
import { gaussianBlur } from '@dskd/core';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  integerFill,
  readGolden,
} from '@dskd/test-support';
import {
  fuseBranches,
  fuseLevels,
  imageScores,
  MapStatistics,
  normalizeMap,
  type BranchNormalization,
} from './index.js';

const SIZE = [24, 20] as const;
const SIGMA = 1.5;
const LEVELS = [
  [12, 10],
  [6, 5],
  [3, 3],
] as const;
const SCALES = { local: [0.05, 0.2], global: [1e-4, 3e-4] } as const;
const BRANCHES = ['local', 'global'] as const;
type Branch = (typeof BRANCHES)[number];
const WEIGHTS = { local: 0.5, global: 2 };
const BOUND = { relative: 1e-5 };

/** As level_maps in tools/golden/scoring.py: the same float32 values. */
function levelMaps(branch: Branch, split: 'normal' | 'test', batch: number): tf.Tensor3D[] {
  const [scale, offset] = SCALES[branch].map(Math.fround) as [number, number];
  return LEVELS.map(([height, width]) => {
    const values = integerFill(`${branch}.${split}.${height}`, [batch, height, width]);
    return tf.tensor3d(
      values.map((value) => Math.fround(value * scale) + offset),
      [batch, height, width],
    );
  });
}

function fusedLevels(
  branch: Branch,
  split: 'normal' | 'test',
  batch: number,
  alignCorners: boolean,
): tf.Tensor3D {
  return tf.tidy(() => fuseLevels(levelMaps(branch, split, batch), SIZE, { alignCorners }));
}

async function statisticsOf(map: tf.Tensor3D): Promise<MapStatistics> {
  const statistics = new MapStatistics();
  statistics.add((await map.data()) as Float32Array);
  return statistics;
}

describeBackends('Eq. 8 from level maps to image scores', () => {
  const golden = readGolden(new URL('../test/fixtures/scoring.safetensors', import.meta.url));

  test.each([
    ['aligned', true],
    ['half-pixel', false],
  ] as const)('agrees with torch and scipy, %s corners', async (mode, alignCorners) => {
    const wanted = await golden;
    await expectNoNewTensors(async () => {
      const maps = new Map<Branch, tf.Tensor3D>();
      const constants = new Map<Branch, BranchNormalization>();
      for (const branch of BRANCHES) {
        const normals = fusedLevels(branch, 'normal', 3, alignCorners);
        const statistics = await statisticsOf(normals);
        const [mean, deviation] = wanted.array(`${mode}.${branch}.constants`).data;
        expectClose([statistics.mean], [mean!], BOUND);
        expectClose([statistics.standardDeviation], [deviation!], BOUND);
        constants.set(branch, { offset: statistics.mean, scale: statistics.standardDeviation });
        const map = fusedLevels(branch, 'test', 2, alignCorners);
        expectClose(await map.data(), wanted.array(`${mode}.${branch}.fused`).data, BOUND);
        maps.set(branch, map);
        normals.dispose();
      }
      for (const [name, weights] of [
        ['eq8', undefined],
        ['weighted', WEIGHTS],
      ] as const) {
        const fused = fuseBranches(maps, constants, weights);
        expectClose(await fused.data(), wanted.array(`${mode}.${name}`).data, BOUND);
        const smoothed = gaussianBlur(fused, SIGMA);
        expectClose(await smoothed.data(), wanted.array(`${mode}.${name}.smoothed`).data, BOUND);
        expectClose(await imageScores(smoothed), wanted.array(`${mode}.${name}.scores`).data, BOUND);
        tf.dispose([fused, smoothed]);
      }
      tf.dispose([...maps.values()]);
    });
  });

  test('levels already at the size are summed as they are, in a new tensor', async () => {
    await expectNoNewTensors(async () => {
      const map = tf.tensor3d([1, 2, 3, 4, 5, 6], [1, 2, 3]);
      const alone = fuseLevels([map], [2, 3]);
      const twice = fuseLevels([map, map], [2, 3]);
      map.dispose();
      expectClose(await alone.data(), [1, 2, 3, 4, 5, 6], { relative: 1e-6 });
      expectClose(await twice.data(), [2, 4, 6, 8, 10, 12], { relative: 1e-6 });
      tf.dispose([alone, twice]);
    });
  });

  test('one branch alone is its normalized map; records do as well as maps', async () => {
    await expectNoNewTensors(async () => {
      const map = tf.tensor3d([1, 2, 3, 4], [1, 2, 2]);
      const constants = { offset: 2, scale: 0.5 };
      const normalized = normalizeMap(map, constants);
      const fused = fuseBranches({ local: map }, { local: constants, unused: constants });
      expectClose(await normalized.data(), [-2, 0, 2, 4], { relative: 1e-6 });
      expectClose(await fused.data(), [-2, 0, 2, 4], { relative: 1e-6 });
      tf.dispose([map, normalized, fused]);
    });
  });

  test('image scores are maxima, without the ignored pixels', async () => {
    await expectNoNewTensors(async () => {
      const maps = tf.tensor3d([1, 9, 3, 4, -5, -6, -7, -8], [2, 2, 2]);
      expect([...(await imageScores(maps))]).toEqual([9, -5]);
      expect([...(await imageScores(maps, { ignored: Uint8Array.of(255, 1, 0, 0) }))]).toEqual([4, -7]);
      expect([...(await imageScores(maps, { ignored: new Uint8Array(4) }))]).toEqual([9, -5]);
      maps.dispose();
    });
  });

  test('a NaN or infinity in a map is an error that names the image, unless ignored', async () => {
    await expectNoNewTensors(async () => {
      for (const bad of [NaN, Infinity, -Infinity]) {
        const maps = tf.tensor3d([1, 9, 3, 4, bad, -6, -7, -8], [2, 2, 2]);
        await expect(imageScores(maps)).rejects.toMatchObject({
          code: 'numerical-instability',
          message: expect.stringContaining('image 1') as unknown,
        });
        expect([...(await imageScores(maps, { ignored: Uint8Array.of(1, 0, 0, 0) }))]).toEqual([9, -6]);
        maps.dispose();
      }
    });
  });

  test('masks of another size, or that leave nothing, are refused', async () => {
    await expectNoNewTensors(async () => {
      const maps = tf.zeros<tf.Rank.R3>([1, 2, 2]);
      await expect(imageScores(maps, { ignored: new Uint8Array(3) })).rejects.toMatchObject({
        code: 'shape-mismatch',
      });
      await expect(imageScores(maps, { ignored: new Uint8Array(4).fill(1) })).rejects.toMatchObject({
        code: 'invalid-argument',
      });
      maps.dispose();
    });
  });

  test('what cannot be fused is refused by name and leaves no tensors', async () => {
    await expectNoNewTensors(() => {
      const map = tf.ones<tf.Rank.R3>([1, 2, 2]);
      const wide = tf.ones<tf.Rank.R3>([1, 2, 3]);
      const double = tf.ones<tf.Rank.R3>([2, 2, 2]);
      const good = { offset: 1, scale: 1 };
      const maps = { local: map, global: map };
      for (const bad of [
        { offset: 1, scale: 0 },
        { offset: 1, scale: 1e-9 },
        { offset: 1, scale: NaN },
        { offset: NaN, scale: 1 },
        { offset: 0, scale: -1 },
        { offset: NaN, scale: NaN },
      ]) {
        expect(() => fuseBranches(maps, { local: good, global: bad })).toThrow(
          expect.objectContaining({
            code: 'numerical-instability',
            message: expect.stringContaining("'global'") as unknown,
          }) as Error,
        );
      }
      expect(() => fuseBranches(maps, { local: good })).toThrow(/'global' has no constants/);
      expect(() => fuseBranches(maps, { local: good, global: good }, { globel: 2 })).toThrow(/'globel'/);
      expect(() => fuseBranches(maps, { local: good, global: good }, { global: NaN })).toThrow(/weight NaN/);
      expect(() => fuseBranches({ local: map, global: wide }, { local: good, global: good })).toThrow(
        /\[1, 2, 3\]/,
      );
      expect(() => fuseBranches({}, {})).toThrow(/no branches/);
      expect(() => fuseLevels([], [4, 4])).toThrow(/no maps/);
      expect(() => fuseLevels([map, double], [4, 4])).toThrow(/batches of 1, 2/);
      tf.dispose([map, wide, double]);
    });
  });
});
