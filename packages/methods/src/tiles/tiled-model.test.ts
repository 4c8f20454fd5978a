import { expectClose, expectNoNewTensors, useBackend } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs';
import type { AnomalyModel, NearestPatch } from '../contract.js';
import { TileGrid } from './grid.js';
import { Shrink } from './shrink.js';
import { TiledModel } from './tiled-model.js';

const SIZE = [80, 72] as const;
const TILING = { size: 32, overlap: 8 };

beforeAll(() => useBackend('wasm'));

/** The mean of the colors as the map of the branch `name`, and how many images each pass had. */
function brightness(
  name: string,
  more: Partial<AnomalyModel> = {},
): AnomalyModel & { readonly passes: number[][] } {
  const passes: number[][] = [];
  return {
    passes,
    method: 'image',
    branches: [{ name, map: true }],
    score: (images) => {
      passes.push(images.shape);
      return Promise.resolve([{ name, map: tf.tidy(() => tf.mean<tf.Tensor3D>(images, 3)) }]);
    },
    state: () => ({
      config: { name },
      tensors: new Map([['x', { dtype: 'F32', shape: [1], data: Float32Array.of(1) }]]),
    }),
    dispose: () => undefined,
    ...more,
  };
}

/** The largest value of an image as its score, without a map. */
const largest: AnomalyModel = {
  ...brightness('largest'),
  branches: [{ name: 'largest', map: false }],
  score: async (images) => {
    const best = tf.tidy(() => tf.max(images, [1, 2, 3]));
    const scores = (await best.data()) as Float32Array;
    best.dispose();
    return [{ name: 'largest', map: null, scores }];
  },
};

function tiled(tile: AnomalyModel | null, whole: AnomalyModel | null): TiledModel {
  return new TiledModel({ tile, whole }, new TileGrid(TILING, SIZE), new Shrink(SIZE, TILING.size));
}

/** Gray `level` with one white pixel at `[row, column]`. */
function image(level: number, [row, column]: readonly [number, number]): Float32Array {
  const values = new Float32Array(SIZE[0] * SIZE[1] * 3).fill(level);
  values.fill(1, (row * SIZE[1] + column) * 3, (row * SIZE[1] + column) * 3 + 3);
  return values;
}

const batchOf = (...images: Float32Array[]): tf.Tensor4D =>
  tf.tensor4d(
    images.flatMap((values) => [...values]),
    [images.length, ...SIZE, 3],
  );

test('tiles see the full size, a few at a time, and their maps become one of the image; the rest sees it small', async () => {
  const [tile, whole] = [brightness('local'), brightness('global')];
  const model = tiled(tile, whole);
  expect(model.branches.map(({ name }) => name)).toEqual(['local', 'global']);
  const images = batchOf(image(0.25, [0, 0]), image(0.25, [71, 40]));
  const outputs = await expectNoNewTensors(async () => {
    const got = await model.score(images);
    const maps = await Promise.all(
      got.map(async ({ map }) => [map!.shape, await map!.data<'float32'>()] as const),
    );
    for (const { map } of got) map!.dispose();
    return maps;
  });
  const [[shape, local], [small, global]] = outputs as [(typeof outputs)[number], (typeof outputs)[number]];
  expect(shape).toEqual([2, ...SIZE]);
  expectClose(
    local,
    [...image(0.25, [0, 0]), ...image(0.25, [71, 40])].filter((_, i) => i % 3 === 0),
    {
      absolute: 1e-6,
    },
  );
  // 3 x 3 tiles of each image on its own: 8 and 1.
  expect(tile.passes.map(([count]) => count)).toEqual([8, 1, 8, 1]);
  expect(small).toEqual([2, 32, 32]);
  // Antialiased: the white pixel is not lost, only spread.
  const sum = global.reduce((total, value) => total + value - 0.25, 0);
  expectClose([sum], [2 * 0.75 * ((32 * 32) / (80 * 72))], { relative: 0.35 });
  images.dispose();
});

test('a result does not depend on the batch', async () => {
  const model = tiled(brightness('local'), largest);
  const parts = [image(0.1, [3, 3]), image(0.9, [40, 40])];
  const together = batchOf(...parts);
  const [all, scores] = await model.score(together);
  const maps = await all!.map!.data();
  for (const [index, part] of parts.entries()) {
    const alone = batchOf(part);
    const [one, score] = await model.score(alone);
    expect(await one!.map!.data()).toEqual(maps.slice(index * 80 * 72, (index + 1) * 80 * 72));
    expect(score!.scores![0]).toBe(scores!.scores![index]);
    tf.dispose([alone, one!.map!]);
  }
  tf.dispose([together, all!.map!]);
});

test('the score of a branch without a map is that of its worst tile', async () => {
  const images = batchOf(image(0.25, [79, 71]));
  const [output] = await tiled(largest, null).score(images);
  expect(output).toEqual({ name: 'largest', map: null, scores: Float32Array.of(1) });
  images.dispose();
});

test('the config and the tensors of both models, under their names', () => {
  const { config, tensors } = tiled(brightness('local'), brightness('global')).state();
  expect(config).toEqual({ tile: { name: 'local' }, whole: { name: 'global' } });
  expect([...tensors.keys()]).toEqual(['tile.x', 'whole.x']);
  expect(tiled(null, brightness('global')).state().config).toEqual({ tile: null, whole: { name: 'global' } });
});

test('a nearest patch is told by image and place in it, not by tile', async () => {
  const asked: unknown[] = [];
  const area = { x: 4, y: 6, width: 8, height: 8 };
  // Tile 13 is the fifth tile, in the middle, of the second image.
  const nearest = (
    _: tf.Tensor4D,
    places: readonly (readonly [number, number])[],
  ): Promise<NearestPatch[]> => {
    asked.push(places);
    return Promise.resolve(places.map(() => ({ image: 13, area, distance: 2 })));
  };
  const model = tiled(
    brightness('local', { nearest }),
    brightness('global', { nearest: () => Promise.resolve([]) }),
  );
  const images = batchOf(image(0, [0, 0]));
  const found = await expectNoNewTensors(() =>
    model.nearest!(images, [
      [2, 3],
      [79, 71],
      [5, 1],
    ]),
  );
  expect(asked).toEqual([
    [
      [2, 3],
      [5, 1],
    ],
    [[31, 31]],
  ]);
  expect(found).toEqual(
    Array.from({ length: 3 }, () => ({ image: 1, area: { ...area, x: 28, y: 30 }, distance: 2 })),
  );
  images.dispose();
});

test('without places in tiles the whole image is asked, in its own pixels', async () => {
  const patch = { image: 4, area: { x: 16, y: 8, width: 8, height: 8 }, distance: 3 };
  const asked: unknown[] = [];
  const model = tiled(
    brightness('local'),
    brightness('global', {
      nearest: (image, places) => {
        asked.push([image.shape, places]);
        return Promise.resolve([patch]);
      },
    }),
  );
  const images = batchOf(image(0, [0, 0]));
  expect(await model.nearest!(images, [[40, 36]])).toEqual([
    { ...patch, area: { x: 36, y: 20, width: 18, height: 20 } },
  ]);
  expect(asked).toEqual([[[1, 32, 32, 3], [[16, 16]]]]);
  images.dispose();
  expect(tiled(brightness('local'), null).nearest).toBeUndefined();
  expect(model.keepsPatches).toBe(false);
  expect(tiled(brightness('local', { keepsPatches: true }), brightness('global')).keepsPatches).toBe(true);
});

describe('a lesson', () => {
  /** A model that counts the images it learned, and forgets. */
  function learner(name: string, fails = false): AnomalyModel & { readonly log: string[] } {
    const log: string[] = [];
    return {
      ...brightness(name),
      log,
      extend: async (images) => {
        for await (const batch of images) log.push(batch.shape.slice(0, 3).join('x'));
        if (fails) throw new Error('cannot');
      },
      forget: () => void log.push('forgot'),
    };
  }
  async function* given(...batches: tf.Tensor4D[]): AsyncGenerator<tf.Tensor4D> {
    for (const batch of batches) yield await Promise.resolve(batch);
  }

  test('is learned by both models, and forgotten by both', async () => {
    const [tile, whole] = [learner('local'), learner('global')];
    const model = tiled(tile, whole);
    const images = batchOf(image(0, [0, 0]), image(1, [0, 0]));
    await expectNoNewTensors(() => model.extend!(given(images)));
    model.forget!();
    expect(tile.log).toEqual(['8x32x32', '1x32x32', '8x32x32', '1x32x32', 'forgot']);
    expect(whole.log).toEqual(['2x32x32', 'forgot']);
    images.dispose();
  });

  test('that the second model cannot learn is forgotten by the first', async () => {
    const tile = learner('local');
    const images = batchOf(image(0, [0, 0]));
    await expectNoNewTensors(async () => {
      await expect(tiled(tile, learner('global', true)).extend!(given(images))).rejects.toThrow('cannot');
    });
    expect(tile.log.at(-1)).toBe('forgot');
    images.dispose();
  });

  test('is not offered where one of the models cannot', () => {
    const model = tiled(learner('local'), brightness('global'));
    expect(model.extend).toBeUndefined();
    expect(model.forget).toBeUndefined();
  });
});
