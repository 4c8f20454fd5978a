import '@tensorflow/tfjs';
import { randomStream } from '@dskd/base';
import { describeBackends, expectClose, TOLERANCES } from '@dskd/test-support';
import { toFloat32 } from '@dskd/weights';
import { blockImage, oracleConcatPatches, oracleFeatures, vectorsOf } from './pooling-teacher.test.util.js';
import { fitted, plans, scoresOf } from './tiny-models.test.util.js';

const TRAINING = Array.from({ length: 12 }, (_, index) => blockImage(index + 1));
const TEST = [21, 22, 23].map(blockImage);

function meanOf(vectors: readonly Float64Array[]): Float64Array {
  return Float64Array.from(
    { length: vectors[0]!.length },
    (_, at) => vectors.reduce((sum, vector) => sum + vector[at]!, 0) / vectors.length,
  );
}

/** Covariance with a divisor, as rows. */
function covarianceOf(vectors: readonly Float64Array[], divisor: number): number[][] {
  const mean = meanOf(vectors);
  return Array.from(mean, (_, i) =>
    Array.from(
      mean,
      (__, j) => vectors.reduce((sum, x) => sum + (x[i]! - mean[i]!) * (x[j]! - mean[j]!), 0) / divisor,
    ),
  );
}

/** x of A x = b: Gauss elimination with pivots. */
function solve(matrix: readonly (readonly number[])[], right: Float64Array): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  const size = rows.length;
  for (let column = 0; column < size; column++) {
    const pivot = rows
      .slice(column)
      .reduce(
        (best, row, at) => (Math.abs(row[column]!) > Math.abs(rows[best]![column]!) ? column + at : best),
        column,
      );
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    for (let row = column + 1; row < size; row++) {
      const factor = rows[row]![column]! / rows[column]![column]!;
      for (let k = column; k <= size; k++) rows[row]![k]! -= factor * rows[column]![k]!;
    }
  }
  const x = new Array<number>(size).fill(0);
  for (let row = size - 1; row >= 0; row--) {
    const known = x.reduce((sum, value, k) => (k > row ? sum + value * rows[row]![k]! : sum), 0);
    x[row] = (rows[row]![size]! - known) / rows[row]![row]!;
  }
  return x;
}

/** The root of `(x - mean)^T covariance^-1 (x - mean)`. */
function mahalanobis(x: Float64Array, mean: Float64Array, covariance: number[][]): number {
  const deviation = x.map((value, at) => value - mean[at]!);
  return Math.sqrt(solve(covariance, deviation).reduce((sum, value, at) => sum + value * deviation[at]!, 0));
}

/** Ledoit and Wolf's covariance, from the definition: every term is a sum over all pairs of columns. */
function shrunkCovariance(vectors: readonly Float64Array[]): number[][] {
  const n = vectors.length;
  const mean = meanOf(vectors);
  const sample = covarianceOf(vectors, n);
  const size = mean.length;
  const mu = sample.reduce((sum, row, i) => sum + row[i]!, 0) / size;
  const squares = (valueAt: (i: number, j: number) => number): number => {
    let sum = 0;
    for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) sum += valueAt(i, j) ** 2;
    return sum;
  };
  const delta = squares((i, j) => sample[i]![j]! - (i === j ? mu : 0));
  const spread = vectors.reduce(
    (sum, x) => sum + squares((i, j) => (x[i]! - mean[i]!) * (x[j]! - mean[j]!) - sample[i]![j]!),
    0,
  );
  const part = Math.min(delta, spread / n ** 2) / delta;
  return sample.map((row, i) => row.map((value, j) => (1 - part) * value + (i === j ? part * mu : 0)));
}

/** Means of each channel over all positions, of each level, then the standard deviations where these are wanted. */
function pooledOf(image: Float32Array, levels: readonly number[], withDeviation: boolean): Float64Array {
  const features = oracleFeatures(image);
  return Float64Array.from(
    levels.flatMap((level) => {
      const positions = vectorsOf(features[level]!);
      const mean = [...meanOf(positions)];
      const deviation = mean.map((center, channel) =>
        Math.sqrt(
          positions.reduce((sum, position) => sum + (position[channel]! - center) ** 2, 0) /
            (positions.length - 1),
        ),
      );
      return withDeviation ? [...mean, ...deviation] : mean;
    }),
  );
}

describeBackends('Gaussians', (backend) => {
  const relative = TOLERANCES[backend].network;

  test.each([
    { pooling: 'mean-and-deviation', levels: [1, 2] },
    { pooling: 'mean', levels: [2, 3] },
  ] as const)('pooled: Mahalanobis distances of $pooling of levels $levels', async ({ pooling, levels }) => {
    const model = await fitted(TRAINING, { global: plans.pooled({ pooling, levels: [...levels] }) });
    const indexes = levels.map((level) => level - 1);
    const pooled = (image: Float32Array): Float64Array =>
      pooledOf(image, indexes, pooling === 'mean-and-deviation');
    const vectors = TRAINING.map(pooled);
    expectClose(toFloat32(model.state().tensors.get('global.mean')!), meanOf(vectors), { relative });
    const covariance = shrunkCovariance(vectors);
    const wanted = TEST.map((image) => mahalanobis(pooled(image), meanOf(vectors), covariance));
    expectClose((await scoresOf(model, TEST)).global!, wanted, { relative });
    model.dispose();
  });

  test.each([
    { channels: 100, ridge: 0.01 },
    { channels: 5, ridge: 0.001 },
  ])('of positions: $channels channels, ridge $ridge', async ({ channels, ridge }) => {
    const options = { channels, ridge, levels: [2, 3] };
    const model = await fitted(TRAINING, { local: plans.positions(options) });
    const all = Int32Array.from({ length: 12 }, (_, channel) => channel);
    const kept = randomStream(3, 'channels', 'local').shuffle(all).slice(0, channels).sort();
    const patchesOf = (image: Float32Array): Float64Array[] =>
      vectorsOf(oracleConcatPatches(image, [1, 2], 4)).map((patch) =>
        Float64Array.from(kept, (channel) => patch[channel]!),
      );
    const training = TRAINING.map(patchesOf);
    const gaussians = training[0]!.map((_, position) => {
      const vectors = training.map((patches) => patches[position]!);
      const covariance = covarianceOf(vectors, TRAINING.length - 1);
      covariance.forEach((row, i) => (row[i]! += ridge));
      return { mean: meanOf(vectors), covariance };
    });
    const wanted = TEST.flatMap((image) =>
      patchesOf(image).map((patch, position) => {
        const { mean, covariance } = gaussians[position]!;
        return mahalanobis(patch, mean, covariance);
      }),
    );
    expectClose((await scoresOf(model, TEST)).local!, wanted, { relative });
    model.dispose();
  });

  test('of positions, of one image: the distance to it by the ridge', async () => {
    const model = await fitted([TRAINING[0]!], { local: plans.positions({ levels: [2], ridge: 0.25 }) });
    const patchesOf = (image: Float32Array): Float64Array[] => vectorsOf(oracleConcatPatches(image, [1], 4));
    const center = patchesOf(TRAINING[0]!);
    const wanted = TEST.flatMap((image) =>
      patchesOf(image).map((patch, position) =>
        Math.sqrt(patch.reduce((sum, value, i) => sum + (value - center[position]![i]!) ** 2, 0) / 0.25),
      ),
    );
    expectClose((await scoresOf(model, TEST)).local!, wanted, { relative });
    model.dispose();
  });
});
