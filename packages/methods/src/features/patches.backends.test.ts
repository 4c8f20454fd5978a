import '@tensorflow/tfjs';
import { describeBackends, expectClose, expectNoNewTensors, TOLERANCES } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs-core';
import { PatchEmbedder, planPatches, type Embedding } from './patches.js';
import {
  batchOf,
  blockImage,
  oracleConcatPatches,
  officialPatches,
  poolingTeacher,
  SIDE,
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
