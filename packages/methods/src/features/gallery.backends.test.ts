import '@tensorflow/tfjs';
import { describeBackends, expectClose, TOLERANCES } from '@dskd/test-support';
import {
  blockImage,
  distance,
  oracleConcat,
  oracleFeatures,
  oracleMap,
  oracleResize,
  SIDE,
  valueOf,
  vectorsOf,
  type OracleMap,
} from './pooling-teacher.test.util.js';
import { fitted, plans, scoresOf } from './tiny-models.test.util.js';

const TRAINING = Array.from({ length: 9 }, (_, index) => blockImage(index + 1));
const TEST = [21, 22, 23].map(blockImage);

/** The mean over all positions of the deepest level. */
function pooledOf(image: Float32Array): Float64Array {
  const vectors = vectorsOf(oracleFeatures(image)[2]!);
  return vectors[0]!.map(
    (_, channel) => vectors.reduce((sum, vector) => sum + vector[channel]!, 0) / vectors.length,
  );
}

/** The `count` training images nearest to an image, with their distances. */
function nearestTo(image: Float32Array, count: number): { image: Float32Array; distance: number }[] {
  return TRAINING.map((each) => ({ image: each, distance: distance(pooledOf(image), pooledOf(each)) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count);
}

/** At each position the distance to the nearest vector of the maps `known`. */
function nearestDistances(map: OracleMap, known: readonly OracleMap[]): OracleMap {
  const vectors = known.flatMap(vectorsOf);
  const own = vectorsOf(map);
  return oracleMap(map.height, map.width, 1, (row, column) =>
    vectors.reduce(
      (least, vector) => Math.min(least, distance(own[row * map.width + column]!, vector)),
      Infinity,
    ),
  );
}

/** SPADE's map of one image: each level's distances brought to the input's size, then averaged. */
function meanMap(image: Float32Array, levels: readonly number[], count: number): Float64Array {
  const nearest = nearestTo(image, count).map((each) => oracleFeatures(each.image));
  const own = oracleFeatures(image);
  const maps = levels.map((level) =>
    oracleResize(
      nearestDistances(
        own[level]!,
        nearest.map((features) => features[level]!),
      ),
      SIDE,
      SIDE,
    ),
  );
  return oracleMap(SIDE, SIDE, 1, (row, column) =>
    maps.reduce((sum, map) => sum + valueOf(map, row, column, 0) / maps.length, 0),
  ).data;
}

/** The same of vectors of all levels, on the grid of the shallowest. */
function jointMap(image: Float32Array, levels: readonly number[], count: number): Float64Array {
  const joined = (each: Float32Array): OracleMap => {
    const features = oracleFeatures(each);
    const { height, width } = features[levels[0]!]!;
    return oracleConcat(levels.map((level) => oracleResize(features[level]!, height, width)));
  };
  const known = nearestTo(image, count).map((each) => joined(each.image));
  return nearestDistances(joined(image), known).data;
}

describeBackends('gallery of training images', (backend) => {
  const tolerance = { relative: TOLERANCES[backend].reduction };

  test.each([
    [undefined, 3],
    [[1, 2, 3], 2],
    [[3], 1],
    [[2, 1], 100],
  ])('levels %p of %p images agree with float64: mean', async (levels, neighbors) => {
    const indexes = [...(levels ?? [2, 3])].sort().map((level) => level - 1);
    const model = await fitted(TRAINING, {
      local: plans.gallery({ ...(levels && { levels }), neighbors, storage: 'float32' }),
    });
    const { local } = await scoresOf(model, TEST);
    const size = SIDE * SIDE;
    expect(local).toHaveLength(TEST.length * size);
    TEST.forEach((image, index) =>
      expectClose(
        local!.subarray(index * size, (index + 1) * size),
        meanMap(image, indexes, neighbors),
        tolerance,
      ),
    );
    model.dispose();
  });

  test.each([
    [[1, 2, 3], 2],
    [[2, 3], 4],
    [[2], 3],
  ])('levels %p of %p images agree with float64: concat', async (levels, neighbors) => {
    const model = await fitted(TRAINING, {
      local: plans.gallery({ levels, neighbors, combine: 'concat', storage: 'float32' }),
    });
    const { local } = await scoresOf(model, TEST);
    const size = local!.length / TEST.length;
    TEST.forEach((image, index) =>
      expectClose(
        local!.subarray(index * size, (index + 1) * size),
        jointMap(
          image,
          levels.map((level) => level - 1),
          neighbors,
        ),
        tolerance,
      ),
    );
    model.dispose();
  });

  test.each([1, 3, 100])(
    'the score without a map is the mean distance of the %p nearest images',
    async (neighbors) => {
      const model = await fitted(TRAINING, { global: plans.nearestImages({ neighbors }) });
      const { global } = await scoresOf(model, TEST);
      const wanted = TEST.map((image) => {
        const nearest = nearestTo(image, neighbors);
        return nearest.reduce((sum, each) => sum + each.distance, 0) / nearest.length;
      });
      expectClose(global!, wanted, tolerance);
      model.dispose();
    },
  );

  test('a training image has distance 0 to itself, with either storage', async () => {
    for (const storage of ['float32', 'float16'] as const) {
      const model = await fitted(TRAINING, { local: plans.gallery({ neighbors: 2, storage }) });
      const { local } = await scoresOf(model, [TRAINING[4]!]);
      const most = Math.max(...local!);
      if (storage === 'float32') expect(most).toBe(0);
      else expect(most).toBeLessThan(2e-3);
      model.dispose();
    }
  });
});
