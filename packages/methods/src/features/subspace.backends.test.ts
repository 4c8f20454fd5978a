import '@tensorflow/tfjs';
import { describeBackends, expectClose, TOLERANCES } from '@dskd/test-support';
import { toFloat32 } from '@dskd/weights';
import { blockImage, distance, oracleConcatPatches, vectorsOf } from './pooling-teacher.test.util.js';
import type { SubspaceOptions } from './part-options.js';
import { fitted, plans, scoresOf } from './tiny-models.test.util.js';

/** Each of four images twice: of eight maps, six components can be kept, and the centered maps span three. */
const TRAINING = [1, 2, 3, 4, 1, 2, 3, 4].map(blockImage);
const TEST = [11, 12].map(blockImage);
const OPTIONS: Partial<SubspaceOptions> = { levels: [2, 3], gridLevel: 2, components: 6, storage: 'float32' };

function meanOf(vectors: readonly Float64Array[]): Float64Array {
  return Float64Array.from(
    { length: vectors[0]!.length },
    (_, at) => vectors.reduce((sum, vector) => sum + vector[at]!, 0) / vectors.length,
  );
}

function minus(vector: Float64Array, mean: Float64Array): Float64Array {
  return vector.map((value, at) => value - mean[at]!);
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, at) => sum + value * b[at]!, 0);
}

function without(vector: Float64Array, basis: readonly Float64Array[]): Float64Array {
  return basis.reduce((rest, direction) => {
    const along = dot(rest, direction);
    return rest.map((value, at) => value - along * direction[at]!);
  }, vector);
}

/** Gram-Schmidt in float64, twice for its rounding errors. */
function orthonormalBasis(vectors: readonly Float64Array[]): Float64Array[] {
  const basis: Float64Array[] = [];
  for (const vector of vectors) {
    const rest = without(without(vector, basis), basis);
    const length = Math.sqrt(dot(rest, rest));
    if (length > 1e-9) basis.push(rest.map((value) => value / length));
  }
  return basis;
}

/** The twelve channels of levels 2 and 3 at the positions of level 2. */
function patchesOf(image: Float32Array): Float64Array[] {
  return vectorsOf(oracleConcatPatches(image, [1, 2], 4, true));
}

/** What the centered maps of the training images do not span of the test images, position by position. */
function residualsOf(mapOf: (image: Float32Array) => Float64Array, channels: number): number[] {
  const maps = TRAINING.map(mapOf);
  const mean = meanOf(maps);
  const basis = orthonormalBasis(maps.map((map) => minus(map, mean)));
  expect(basis).toHaveLength(3);
  return TEST.flatMap((image) => {
    const data = without(minus(mapOf(image), mean), basis);
    return vectorsOf({ height: 4, width: 4, channels, data }).map((vector) => Math.sqrt(dot(vector, vector)));
  });
}

describeBackends('subspace', (backend) => {
  const tolerance = { relative: TOLERANCES[backend].reduction, absolute: 2e-6 };

  test('the map is what an orthonormal basis of the centered training maps leaves over', async () => {
    const model = await fitted(TRAINING, { global: plans.subspace(OPTIONS) });
    expect(model.state().tensors.get('global.components')!.shape).toEqual([3, 192]);
    const wanted = residualsOf(
      (image) => Float64Array.from(patchesOf(image).flatMap((patch) => [...patch])),
      12,
    );
    expectClose((await scoresOf(model, TEST)).global!, wanted, tolerance);
    const own = await scoresOf(model, TRAINING.slice(0, 4));
    expectClose(own.global!, new Array(64).fill(0), { absolute: 1e-5 });
    model.dispose();
  });

  test('channels are reduced to the principal axes of all patches first', async () => {
    const channels = 5;
    const model = await fitted(TRAINING, { global: plans.subspace({ ...OPTIONS, channels }) });
    const { tensors } = model.state();
    const data = Float64Array.from(toFloat32(tensors.get('global.axes.rows')!));
    const axes = vectorsOf({ height: 1, width: channels, channels: 12, data });
    for (const [i, a] of axes.entries()) {
      for (const [j, b] of axes.entries()) expect(dot(a, b)).toBeCloseTo(i === j ? 1 : 0, 5);
    }
    const patches = TRAINING.flatMap(patchesOf);
    const center = meanOf(patches);
    expectClose(toFloat32(tensors.get('global.axes.mean')!), center, tolerance);
    const reduced = (patch: Float64Array): number[] => axes.map((axis) => dot(minus(patch, center), axis));
    const variances = axes.map((_, axis) =>
      patches.reduce((sum, patch) => sum + reduced(patch)[axis]! ** 2, 0),
    );
    expect([...variances].sort((a, b) => b - a)).toEqual(variances);
    const wanted = residualsOf((image) => Float64Array.from(patchesOf(image).flatMap(reduced)), channels);
    expectClose((await scoresOf(model, TEST)).global!, wanted, tolerance);
    model.dispose();
  });

  test('where images are equal, or there is one, the map is the distance to the mean', async () => {
    const same = TRAINING[0]!;
    for (const images of [[same], [same, same, same]]) {
      const model = await fitted(images, { global: plans.subspace(OPTIONS) });
      expect([...model.state().tensors.keys()]).toEqual(['global.mean']);
      const center = patchesOf(same);
      const wanted = TEST.flatMap((image) =>
        patchesOf(image).map((patch, place) => distance(patch, center[place]!)),
      );
      expectClose((await scoresOf(model, TEST)).global!, wanted, tolerance);
      model.dispose();
    }
  });
});
