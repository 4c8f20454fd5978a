import '@tensorflow/tfjs';
import { randomStream } from '@dskd/base';
import type { Rows } from '@dskd/closed-form';
import { describeBackends, expectClose, expectNoNewTensors, useBackend } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs-core';
import type { AnomalyModel, FitInput } from '../contract.js';
import { restoreFeatureModel, type PartPlans } from './feature-model.js';
import { findPieces, pieceTensors } from './pieces.js';
import { fitOn, poolingTeacher, SIDE } from './pooling-teacher.test.util.js';
import { fitted, imageScoresOf, plans, teach } from './tiny-models.test.util.js';

type Piece = readonly [size: number, color: readonly [number, number, number]];

const BACKGROUND = [0.2, 0.2, 0.4] as const;
const STEEL = [0.6, 0.6, 0.8] as const;
/** Three small pieces and two large ones. */
const GOOD: readonly Piece[] = [
  [2, STEEL],
  [2, STEEL],
  [2, STEEL],
  [5, STEEL],
  [5, STEEL],
];

/** Squares on free places of a grid of 4 by 4, with noise of less than half a level of 8 bits. */
function scene(seed: number, pieces: readonly Piece[]): Float32Array {
  const random = randomStream(seed, 'scene');
  const places = random.shuffle(Array.from({ length: 16 }, (_, place) => place));
  const image = new Float32Array(SIDE * SIDE * 3);
  const noise = (): number => (random.uniform() - 0.5) / 600;
  for (let at = 0; at < image.length; at++) image[at] = BACKGROUND[at % 3]! + noise();
  pieces.forEach(([size, color], index) => {
    const [top, left] = [8 * Math.floor(places[index]! / 4) + 1, 8 * (places[index]! % 4) + 1];
    for (let y = top; y < top + size; y++) {
      for (let x = left; x < left + size; x++) {
        for (let channel = 0; channel < 3; channel++) {
          image[(y * SIDE + x) * 3 + channel] = color[channel]! + noise();
        }
      }
    }
  });
  return image;
}

const TRAINING = Array.from({ length: 24 }, (_, index) => scene(index + 1, GOOD));
const PLANS: PartPlans = { pooled: plans.pooled(), pieces: plans.pieces({ types: [3, 4] }) };
const scoresOf = (model: AnomalyModel, images: readonly Float32Array[]): Promise<number[]> =>
  imageScoresOf(model, 'pieces', images);

test('a piece is described by the root of its area, its deviations along and across, and its color', () => {
  // A bar of 4 x 2 pixels in an image of 6 x 5, and a single pixel that touches it at a corner.
  const size = [6, 5] as const;
  const colors = new Uint8Array(6 * 5 * 3);
  const paint = (y: number, x: number): void => colors.set([255, 0, 51], 3 * (y * size[1] + x));
  for (let y = 1; y < 5; y++) for (let x = 1; x < 3; x++) paint(y, x);
  const palette = { data: Float32Array.of(0, 0, 0, 255, 0, 51), count: 2, width: 3 };
  const { data, count } = findPieces(colors, size, palette);
  expect(count).toBe(2);
  const [background, bar] = [data.subarray(0, 6), [...data.subarray(6)]];
  expect(background[0]).toBeCloseTo(Math.sqrt(22), 6);
  const expected = [Math.sqrt(8), 0.5, Math.sqrt(1.25), 1, 0, 0.2];
  bar.forEach((value, index) => expect(value).toBeCloseTo(expected[index]!, 6));
  paint(0, 3);
  expect(findPieces(colors, size, palette).count).toBe(2);
});

/** The rows that are pieces, sorted. */
async function piecesByTensors(
  colors: Uint8Array,
  size: readonly [number, number],
  palette: Rows,
): Promise<number[][]> {
  const { pieces, are } = tf.tidy(() =>
    pieceTensors(tf.tensor2d(Float32Array.from(colors), [size[0] * size[1], 3]), size, palette),
  );
  const [rows, flags] = [await pieces.array(), await are.array()];
  tf.dispose([pieces, are]);
  return rows.filter((_, index) => flags[index]![0] === 1);
}

const sorted = (rows: readonly (readonly number[])[]): number[] =>
  [...rows].sort((a, b) => a[0]! - b[0]! || a[5]! - b[5]! || a[1]! - b[1]!).flat();

// By tensors it is recorded only, where tfjs's loops over segments do not count: one backend is enough to tell what it computes.
test('by tensor operations the pieces are the same, also those that wind', async () => {
  await useBackend('cpu');
  const palette = { data: Float32Array.of(0, 0, 0, 255, 255, 255), count: 2, width: 3 };
  for (const seed of [1, 2]) {
    const size = [13, 15] as const;
    const random = randomStream(seed, 'maze');
    const colors = new Uint8Array(size[0] * size[1] * 3);
    for (let y = 0; y < size[0]; y++) {
      for (let x = 0; x < size[1]; x++) {
        // Walls with a gap at alternating ends: one long way; of other seeds noise.
        const isWall =
          seed === 1 ? y % 4 === 0 && x !== (y % 8 === 0 ? 0 : size[1] - 1) : random.uniform() < 0.45;
        colors.fill(isWall ? 255 : 0, 3 * (y * size[1] + x), 3 * (y * size[1] + x) + 3);
      }
    }
    const { data, count } = findPieces(colors, size, palette);
    const wanted = Array.from({ length: count }, (_, row) => [...data.subarray(6 * row, 6 * row + 6)]);
    const got = await piecesByTensors(colors, size, palette);
    expect(got).toHaveLength(count);
    expectClose(sorted(got), sorted(wanted), { relative: 1e-4 });
  }
});

describeBackends('pieces', () => {
  test('what is missing, added, of another size is seen wherever it lies', async () => {
    await expectNoNewTensors(async () => {
      const model = await fitted(TRAINING, PLANS);
      expect(model.branches.map(({ name }) => name)).toEqual(['pooled', 'pieces']);
      const good = await scoresOf(
        model,
        [31, 32, 33].map((seed) => scene(seed, GOOD)),
      );
      const bad = await scoresOf(model, [
        scene(41, GOOD.slice(1)),
        scene(42, [...GOOD, GOOD[0]!]),
        scene(43, GOOD.slice(0, -1)),
        scene(44, [...GOOD.slice(0, -1), [2, STEEL]]),
      ]);
      expect(Math.min(...bad)).toBeGreaterThan(2 * Math.max(...good));
      model.dispose();
    });
  });

  test('the same after it was saved, whatever else is in the batch, and again for the same seed', async () => {
    const [model, again] = [await fitted(TRAINING, PLANS), await fitted(TRAINING, PLANS)];
    const images = [scene(51, GOOD), scene(52, GOOD.slice(2)), scene(53, GOOD)];
    const saved = model.state();
    expect(again.state()).toEqual(saved);
    const restored = restoreFeatureModel('tiny', saved, {
      inputSize: [SIDE, SIDE],
      teacher: poolingTeacher(),
    });
    const scores = await scoresOf(model, images);
    expect(await scoresOf(restored, images)).toEqual(scores);
    expect(await scoresOf(model, images.slice(1, 2))).toEqual(scores.slice(1, 2));
    for (const each of [model, again, restored]) each.dispose();
  });

  test('a lesson makes another number of pieces normal, until it is forgotten', async () => {
    const model = await fitted(TRAINING, { pieces: plans.pieces({ types: [3, 4] }) });
    const fewer = [scene(61, GOOD.slice(1)), scene(62, GOOD.slice(1))];
    const [before] = await scoresOf(model, fewer);
    await teach(model, fewer.slice(1));
    const [after] = await scoresOf(model, fewer);
    expect(after).toBeLessThan(0.1 * before!);
    model.forget!();
    expect((await scoresOf(model, fewer))[0]).toBe(before);
    model.dispose();
  });
});

/** Two pieces are missing in every eighth image: a relative deviation of 0.115, with a standard error of 0.017. */
const VARIED = TRAINING.map((image, index) => (index % 8 === 0 ? scene(index + 1, GOOD.slice(2)) : image));

test.each<[string, readonly Float32Array[], Partial<FitInput['trainingImages']>]>([
  ['their number varies', TRAINING.map((_, index) => scene(index + 1, GOOD.slice(index % 4))), {}],
  ['their number may vary too much, as far as so few images can say', VARIED, {}],
  ['there is one object on its background', TRAINING.map((_, index) => scene(index + 1, GOOD.slice(-1))), {}],
  ['there are few images', TRAINING.slice(1), {}],
  ['there are few images, and altered copies of them', TRAINING, { originals: 23 }],
])('no branch where %s, which is told', async (_, images, changes) => {
  const leftOut: string[] = [];
  const model = await fitted(images, PLANS, {
    trainingImages: { ...fitOn(images).trainingImages, ...changes },
    onEvent: (event) => event.type === 'branch-left-out' && leftOut.push(event.branch),
  });
  expect(model.branches.map(({ name }) => name)).toEqual(['pooled']);
  expect(leftOut).toEqual(['pieces']);
  model.dispose();
});

test('a branch where a number that varies is allowed', async () => {
  const model = await fitted(VARIED, {
    ...PLANS,
    pieces: plans.pieces({ types: [3, 4], mostVariation: 0.14 }),
  });
  expect(model.branches.map(({ name }) => name)).toEqual(['pooled', 'pieces']);
  model.dispose();
});

test('a file without its tensors is refused', async () => {
  const model = await fitted(TRAINING, { pieces: plans.pieces({ types: [3, 4] }) });
  const { config, tensors } = model.state();
  const context = { inputSize: [SIDE, SIDE] as const, teacher: fitOn(TRAINING).teacher };
  for (const name of ['palette', 'scale', 'types.2', 'variances']) {
    const fewer = new Map([...tensors].filter(([key]) => key !== `pieces.${name}`));
    expect(() => restoreFeatureModel('tiny', { config, tensors: fewer }, context)).toThrow(
      expect.objectContaining({ code: 'weights-mismatch' }) as Error,
    );
  }
  model.dispose();
});
