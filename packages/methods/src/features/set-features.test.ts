import '@tensorflow/tfjs';
import { randomStream } from '@dskd/base';
import { useBackend } from '@dskd/test-support';
import { plans, fitted, imageScoresOf } from './tiny-models.test.util.js';
import { blockImage } from './pooling-teacher.test.util.js';
import { cropsOf, setFeatures, thresholdsOf } from './set-features.js';
import { meanNearestDistance, nearestDistance, whitenedNeighbors } from './squared-whitening.js';

beforeAll(() => useBackend('cpu'));

const exact = (_: string, values: Float32Array): Float32Array => values;

test("crops lie a quarter of a side apart, as the authors' 30 of an image", () => {
  const of = (side: number, ratio: number): string =>
    cropsOf(side, side, ratio)
      .map(({ top, left, height, width }) => `${top},${left} ${height}x${width}`)
      .join('; ');
  expect([0.25, 0.5, 0.7, 0.99].map((ratio) => cropsOf(32, 32, ratio).length)).toEqual([16, 9, 4, 1]);
  expect(of(32, 0.7)).toBe('0,0 22x22; 0,8 22x22; 8,0 22x22; 8,8 22x22');
  expect(of(2, 0.5)).toBe('0,0 1x1; 0,1 1x1; 1,0 1x1; 1,1 1x1');
  expect(cropsOf(4, 8, 0.5)).toHaveLength(9);
});

test('thresholds divide the range between two quantiles; features are the parts below them', () => {
  // Two directions; one counts from 0 to 100, the other falls. A map of 101 x 1 positions.
  const map = Float32Array.from({ length: 202 }, (_, i) => (i % 2 === 0 ? i / 2 : -(i - 1)));
  const crop = { top: 0, left: 0, height: 101, width: 1 };
  const thresholds = thresholdsOf([map], crop, 1, 2, 3);
  // Quantiles 1 and 99; -198 and -2.
  expect([...thresholds]).toEqual([25.5, 50, 74.5, -149, -100, -51]);
  const below = setFeatures(map, crop, 1, thresholds, 3);
  // A value that equals a threshold is not below it.
  expect([...below].map((part) => Math.round(101 * part))).toEqual([26, 50, 75, 26, 50, 75]);
  const part = setFeatures(map, { top: 50, left: 0, height: 2, width: 1 }, 1, thresholds, 3);
  expect([...part]).toEqual([0, 0, 1, 0, 0.5, 1]);
});

/** `(x - y)^T C^-2 (x - y)` from the definition, by Gauss elimination. */
function squaredDistance(
  vectors: readonly Float32Array[],
  shrinkage: number,
  x: Float32Array,
  y: Float32Array,
) {
  const size = x.length;
  const mean = Array.from(
    { length: size },
    (_, i) => vectors.reduce((sum, v) => sum + v[i]!, 0) / vectors.length,
  );
  const sample = mean.map((_, i) =>
    mean.map(
      (__, j) =>
        vectors.reduce((sum, v) => sum + (v[i]! - mean[i]!) * (v[j]! - mean[j]!), 0) / vectors.length,
    ),
  );
  const mu = sample.reduce((sum, row, i) => sum + row[i]!, 0) / size;
  const rows = sample.map((row, i) => [
    ...row.map((value, j) => (1 - shrinkage) * value + (i === j ? shrinkage * mu : 0)),
    x[i]! - y[i]!,
  ]);
  for (let k = 0; k < size; k++) {
    for (let i = 0; i < size; i++) {
      if (i === k) continue;
      const factor = rows[i]![k]! / rows[k]![k]!;
      for (let j = k; j <= size; j++) rows[i]![j]! -= factor * rows[k]![j]!;
    }
  }
  return rows.reduce((sum, row, i) => sum + (row[size]! / row[i]!) ** 2, 0);
}

test.each([
  [5, 12],
  [20, 6],
])('the distance to the nearest of %i vectors of %i numbers is that of the definition', (count, width) => {
  const random = randomStream(3, 'vectors', count);
  const draw = (): Float32Array => Float32Array.from({ length: width }, () => random.normal());
  const vectors = Array.from({ length: count }, draw);
  const learned = whitenedNeighbors(vectors, 0.1, exact);
  for (const query of [draw(), draw(), vectors[2]!]) {
    const wanted = Math.min(...vectors.map((vector) => squaredDistance(vectors, 0.1, query, vector)));
    expect(Math.abs(nearestDistance(query, learned) - wanted)).toBeLessThan(1e-4 * Math.max(1, wanted));
  }
  const others = vectors.map((one) =>
    Math.min(
      ...vectors.filter((other) => other !== one).map((other) => squaredDistance(vectors, 0.1, one, other)),
    ),
  );
  const mean = others.reduce((sum, distance) => sum + distance, 0) / count;
  expect(Math.abs(meanNearestDistance(learned) / mean - 1)).toBeLessThan(1e-4);
});

test('an image scores as much as others that it was trained with score among each other, and an odd one more', async () => {
  const training = Array.from({ length: 40 }, (_, index) => blockImage(index + 1));
  const model = await fitted(training, { global: plans.sets({ projections: 20 }) });
  const odd = blockImage(61).map((value) => 0.5 + 0.2 * value);
  const [first, second, strange] = await imageScoresOf(model, 'global', [
    blockImage(62),
    blockImage(63),
    odd,
  ]);
  expect(strange).toBeGreaterThan(2 * Math.max(first!, second!));
  // The thresholds are those of the training images: the score of an image does not depend on what else is scored.
  expect(await imageScoresOf(model, 'global', [odd])).toEqual([strange]);
  model.dispose();
});

test('too few images are refused', async () => {
  await expect(
    fitted([blockImage(1), blockImage(2)], { global: plans.sets({ projections: 4 }) }),
  ).rejects.toThrow(/Got 2 good images besides those that calibrate; wanted at least 3/);
});
