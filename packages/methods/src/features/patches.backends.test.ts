import '@tensorflow/tfjs';
import { describeBackends, expectClose, expectNoNewTensors, TOLERANCES } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs-core';
import { PatchEmbedder, planPatches, type Embedding } from './patches.js';
import {
  batchOf,
  blockImage,
  oracleConcatPatches,
  oracleFeatures,
  oracleMap,
  oracleResize,
  poolingTeacher,
  SIDE,
  valueOf,
  type OracleMap,
} from './pooling-teacher.test.util.js';

const { extractor } = poolingTeacher();

/** Patches of the images 1 and 2, one after another. */
async function patchesOf(options: {
  levels: number[];
  gridLevel: number;
  embedding?: Embedding;
  gridFirst?: boolean;
}): Promise<{ values: number[]; shape: number[]; width: number }> {
  const plan = planPatches(extractor, [SIDE, SIDE], options);
  const embedder = new PatchEmbedder(plan, extractor);
  const images = batchOf([blockImage(1), blockImage(2)]);
  const features = await extractor.extract(images);
  const patches = embedder.embed(features);
  const result = { values: [...(await patches.data())], shape: patches.shape, width: plan.width };
  tf.dispose([images, features, patches]);
  embedder.dispose();
  return result;
}

function bothImages(oracle: (image: Float32Array) => OracleMap): number[] {
  return [1, 2].flatMap((index) => [...oracle(blockImage(index)).data]);
}

/** torch's `adaptive_avg_pool1d`. */
function adaptiveAverages(values: ArrayLike<number>, outputs: number): Float64Array {
  return Float64Array.from({ length: outputs }, (_, output) => {
    const from = Math.floor((output * values.length) / outputs);
    const to = Math.ceil(((output + 1) * values.length) / outputs);
    let sum = 0;
    for (let at = from; at < to; at++) sum += values[at]!;
    return sum / (to - from);
  });
}

/** The 3x3 patches of a level, flattened as (channel, row, column), zeros outside. */
function unfolded(map: OracleMap): OracleMap {
  return oracleMap(map.height, map.width, 9 * map.channels, (row, column, at) =>
    valueOf(map, row + (Math.floor(at / 3) % 3) - 1, column + (at % 3) - 1, Math.floor(at / 9)),
  );
}

/** Word by word as patchcore-inspection: unfold, interpolate, average to 1024, stack the levels, average to 1024. */
function officialPatches(image: Float32Array, levels: readonly number[], side: number): OracleMap {
  const features = oracleFeatures(image);
  const patches = levels.map((level) => oracleResize(unfolded(features[level]!), side, side));
  const vectors = Array.from({ length: side * side }, (_, place) => {
    const averages = patches.map(({ channels, data }) =>
      adaptiveAverages(data.subarray(place * channels, (place + 1) * channels), 1024),
    );
    return adaptiveAverages(
      averages.flatMap((values) => [...values]),
      1024,
    );
  });
  return oracleMap(side, side, 1024, (row, column, channel) => vectors[row * side + column]![channel]!);
}

describeBackends('patches', (backend) => {
  const relative = TOLERANCES[backend].reduction;

  test.each([
    { levels: [1, 2, 3], gridLevel: 2, side: 4 },
    { levels: [2, 3], gridLevel: 2, side: 4 },
    { levels: [1, 3], gridLevel: 1, side: 8 },
    { levels: [1, 2], gridLevel: 3, side: 2 },
    { levels: [1], gridLevel: 1, side: 8 },
  ])('concat of levels $levels on the grid of level $gridLevel, in both orders', async (given) => {
    const indexes = given.levels.map((level) => level - 1);
    for (const gridFirst of [false, true]) {
      const got = await expectNoNewTensors(() => patchesOf({ ...given, gridFirst }));
      expect(got.shape).toEqual([2, given.side, given.side, got.width]);
      const wanted = bothImages((image) => oracleConcatPatches(image, indexes, given.side, gridFirst));
      expectClose(got.values, wanted, { relative });
    }
  });

  test.each([{ levels: [2, 3] }, { levels: [1, 2, 3] }, { levels: [3] }])(
    'official of levels $levels: the definition, word by word',
    async ({ levels }) => {
      const got = await expectNoNewTensors(() => patchesOf({ levels, gridLevel: 2, embedding: 'official' }));
      expect(got.shape).toEqual([2, 4, 4, 1024]);
      const indexes = levels.map((level) => level - 1);
      expectClose(
        got.values,
        bothImages((image) => officialPatches(image, indexes, 4)),
        { relative },
      );
    },
  );
});
