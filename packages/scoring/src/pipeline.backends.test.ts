import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  integerFill,
  readGolden,
} from '@dskd/test-support';
import { fuseLevels, imageScores, scoreBranches, type BranchNormalization } from './index.js';
import { MapStatistics } from './normalization.js';
import { smoothMaps } from './smooth-maps.js';

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
      const normalizations = new Map<Branch, BranchNormalization>();
      for (const branch of BRANCHES) {
        const normals = fusedLevels(branch, 'normal', 3, alignCorners);
        const statistics = await statisticsOf(normals);
        const [mean, deviation] = wanted.array(`${mode}.${branch}.constants`).data;
        expectClose([statistics.mean], [mean!], BOUND);
        expectClose([statistics.standardDeviation], [deviation!], BOUND);
        normalizations.set(branch, { offset: statistics.mean, scale: statistics.standardDeviation });
        const map = fusedLevels(branch, 'test', 2, alignCorners);
        expectClose(await map.data(), wanted.array(`${mode}.${branch}.fused`).data, BOUND);
        maps.set(branch, map);
        normals.dispose();
      }
      for (const [name, weights] of [
        ['eq8', undefined],
        ['weighted', WEIGHTS],
      ] as const) {
        const sharp = scoreBranches(maps, normalizations, { sigma: 0, ...(weights && { weights }) });
        expectClose(await sharp.fused.data(), wanted.array(`${mode}.${name}`).data, BOUND);
        const scored = scoreBranches(maps, normalizations, { sigma: SIGMA, ...(weights && { weights }) });
        expectClose(await scored.fused.data(), wanted.array(`${mode}.${name}.smoothed`).data, BOUND);
        expectClose(await imageScores(scored.fused), wanted.array(`${mode}.${name}.scores`).data, BOUND);
        expect([...scored.branches.keys()]).toEqual(BRANCHES);
        for (const { fused, branches } of [sharp, scored]) tf.dispose([fused, ...branches.values()]);
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
      const normalization = { offset: 2, scale: 0.5 };
      const { fused, branches } = scoreBranches(
        { local: map },
        { local: normalization, unused: normalization },
        { sigma: 0 },
      );
      map.dispose();
      const local = branches.get('local')!;
      expectClose(await local.data(), [-2, 0, 2, 4], { relative: 1e-6 });
      expectClose(await fused.data(), [-2, 0, 2, 4], { relative: 1e-6 });
      fused.dispose();
      expectClose(await local.data(), [-2, 0, 2, 4], { relative: 1e-6 });
      local.dispose();
    });
  });

  test('the branches are smoothed over the pixels that count, and their sum is the fused map', async () => {
    await expectNoNewTensors(async () => {
      const ignored = [null, Uint8Array.of(0, 0, 1, 0, 0, 0, 0, 0, 1)];
      const maps = {
        local: tf.tensor3d(integerFill('local', [2, 3, 3]), [2, 3, 3]),
        global: tf.tensor3d(integerFill('global', [2, 3, 3]), [2, 3, 3]),
      };
      const normalizations = { local: { offset: 3, scale: 2 }, global: { offset: -1, scale: 0.25 } };
      const { fused, branches } = scoreBranches(maps, normalizations, { sigma: 0.8, ignored });
      for (const [name, map] of Object.entries(maps)) {
        const { offset, scale } = normalizations[name as Branch];
        const alone = tf.tidy(() => smoothMaps(tf.div(tf.sub(map, offset), scale), 0.8, { ignored }));
        expect([...(await branches.get(name)!.data())]).toEqual([...(await alone.data())]);
        alone.dispose();
      }
      const downloaded = await Promise.all(
        [...branches.values()].map(async (map) => (await map.data()) as Float32Array),
      );
      const values = (await fused.data()) as Float32Array;
      const [local, global] = downloaded;
      expect(local!.map((value, pixel) => value + global![pixel]!)).toEqual(values);
      const scores = await imageScores(fused);
      for (const image of [0, 1]) {
        const used = values.subarray(image * 9, image * 9 + 9).filter((_, at) => !ignored[image]?.[at]);
        expect(Math.max(...used)).toBe(scores[image]);
      }
      tf.dispose([fused, ...branches.values(), ...Object.values(maps)]);
    });
  });

  test('with a size each branch can have a map of its own size', async () => {
    await expectNoNewTensors(async () => {
      const maps = {
        local: tf.tensor3d(integerFill('local', [1, 4, 5]), [1, 4, 5]),
        global: tf.tensor3d(integerFill('global', [1, 2, 3]), [1, 2, 3]),
      };
      const same = { offset: 0, scale: 1 };
      const normalizations = { local: same, global: same };
      const wholes = {
        local: fuseLevels([maps.local], [8, 9], { alignCorners: false }),
        global: fuseLevels([maps.global], [8, 9], { alignCorners: false }),
      };
      const got = scoreBranches(maps, normalizations, { sigma: 1, size: [8, 9] });
      const wanted = scoreBranches(wholes, normalizations, { sigma: 1 });
      expectClose(await got.fused.data(), await wanted.fused.data(), { absolute: 1e-5, relative: 1e-5 });
      expect([...got.branches.values()].map(({ shape }) => shape)).toEqual([
        [1, 8, 9],
        [1, 8, 9],
      ]);
      for (const { fused, branches } of [got, wanted]) tf.dispose([fused, ...branches.values()]);
      tf.dispose([...Object.values(maps), ...Object.values(wholes)]);
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
      const score = (
        raw: Readonly<Record<string, tf.Tensor3D>>,
        normalizations: Readonly<Record<string, BranchNormalization>>,
        weights: Readonly<Record<string, number>> = {},
      ) => scoreBranches(raw, normalizations, { sigma: 1, weights });
      for (const bad of [
        { offset: 1, scale: 0 },
        { offset: 1, scale: 1e-9 },
        { offset: 1, scale: NaN },
        { offset: NaN, scale: 1 },
        { offset: 0, scale: -1 },
        { offset: NaN, scale: NaN },
      ]) {
        expect(() => score(maps, { local: good, global: bad })).toThrow(
          expect.objectContaining({
            code: 'numerical-instability',
            message: expect.stringContaining("'global'") as unknown,
          }) as Error,
        );
      }
      expect(() => score(maps, { local: good })).toThrow(/'global' has no normalization/);
      expect(() => score(maps, { local: good, global: good }, { globel: 2 })).toThrow(/'globel'/);
      expect(() => score(maps, { local: good, global: good }, { global: NaN })).toThrow(/weight NaN/);
      expect(() => score({ local: map, global: wide }, { local: good, global: good })).toThrow(/\[1, 2, 3\]/);
      expect(() => score({}, {})).toThrow(/no branches/);
      expect(() => fuseLevels([], [4, 4])).toThrow(/no maps/);
      expect(() => fuseLevels([map, double], [4, 4])).toThrow(/batches of 1, 2/);
      tf.dispose([map, wide, double]);
    });
  });
});
