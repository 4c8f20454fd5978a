import '@tensorflow/tfjs';
import { expectClose, expectNoNewTensors, useBackend } from '@dskd/test-support';
import type { ImageSet } from '@dskd/training';
import * as tf from '@tensorflow/tfjs-core';
import { tinyBatch } from '../dskd/tiny-fit.test.util.js';
import { poolingTeacher } from '../features/pooling-teacher.test.util.js';
import { IMAGE_AS_IT_IS } from '../image-students/image-extractor.js';
import { planEmbedding, TeacherEmbedding } from '../image-students/teacher-embedding.js';
import { alterationOf, imagePairs } from './image-pairs.js';
import { targetExtractor } from './target-extractor.js';

beforeAll(() => useBackend('wasm'));

const images: ImageSet = {
  length: 40,
  changesEachEpoch: false,
  batch: (indices) => Promise.resolve(tinyBatch(indices)),
};
const PIXELS = 32 * 32;

/** torchvision's brightness, contrast or saturation in float64. */
function alteredByHand(image: ArrayLike<number>, kind: string, factor: number): number[] {
  const gray = Array.from(
    { length: PIXELS },
    (_, i) => 0.299 * image[3 * i]! + 0.587 * image[3 * i + 1]! + 0.114 * image[3 * i + 2]!,
  );
  const average = gray.reduce((sum, value) => sum + value, 0) / PIXELS;
  return Array.from(image, (value, at) => {
    const other = { brightness: 0, contrast: average, saturation: gray[Math.floor(at / 3)]! }[kind]!;
    return Math.min(1, Math.max(0, factor * value + (1 - factor) * other));
  });
}

function kindOf({ gray, average }: ReturnType<typeof alterationOf>): string {
  return gray !== 0 ? 'saturation' : average !== 0 ? 'contrast' : 'brightness';
}

test('each image is above itself with another brightness, contrast or saturation', async () => {
  await expectNoNewTensors(async () => {
    const pairs = imagePairs(images, 0.2, 7);
    expect(pairs).toMatchObject({ length: 40, changesEachEpoch: true });
    const indices = Array.from({ length: 12 }, (_, index) => index);
    const [got, own] = [await pairs.batch(indices, 3), tinyBatch(indices)];
    expect(got.shape).toEqual([12, 64, 32, 3]);
    const [values, originals] = [await got.data(), await own.data()];
    const kinds = new Set<string>();
    for (const index of indices) {
      const original = originals.slice(index * 3 * PIXELS, (index + 1) * 3 * PIXELS);
      const pair = values.slice(index * 6 * PIXELS, (index + 1) * 6 * PIXELS);
      expect(pair.slice(0, 3 * PIXELS)).toEqual(original);
      const alteration = alterationOf(0.2, 7, 3, index);
      expect(Math.abs(alteration.own - 1)).toBeLessThan(0.2);
      const kind = kindOf(alteration);
      kinds.add(kind);
      expectClose(pair.slice(3 * PIXELS), alteredByHand(original, kind, alteration.own), { absolute: 1e-6 });
    }
    expect(kinds.size).toBe(3);
    tf.dispose([got, own]);
  });
});

test('it depends on seed, epoch and image, not on the batch', async () => {
  const values = async (seed: number, indices: number[], epoch: number): Promise<number[]> => {
    const batch = await imagePairs(images, 0.2, seed).batch(indices, epoch);
    const all = [...(await batch.data())];
    batch.dispose();
    return all;
  };
  const [one, both] = [await values(7, [5], 3), await values(7, [2, 5], 3)];
  expect(both.slice(one.length)).toEqual(one);
  expect(await values(7, [5], 4)).not.toEqual(one);
  expect(await values(8, [5], 3)).not.toEqual(one);
});

test('of a pair the target is that of the image above that of the altered image', async () => {
  await expectNoNewTensors(async () => {
    const { extractor } = poolingTeacher();
    const plan = planEmbedding(extractor, [32, 32], 5);
    const embedding = await TeacherEmbedding.measure(extractor, plan, { images });
    const target = targetExtractor(IMAGE_AS_IT_IS, embedding, [32, 32]);
    const pair = await imagePairs(images, 0.2, 7).batch([3, 4], 0);
    const [above, below] = tf.split(pair, 2, 1) as [tf.Tensor4D, tf.Tensor4D];
    const [image, together] = await target.extract(pair);
    const [upper] = await embedding.extract(above);
    const [lower] = await embedding.extract(below);
    expect(together!.shape).toEqual([2, 16, 8, 5]);
    expect([...(await image!.data())]).toEqual([...(await pair.data())]);
    const wanted = tf.concat([upper!, lower!], 1);
    expect([...(await together!.data())]).toEqual([...(await wanted.data())]);
    tf.dispose([pair, above, below, image!, together!, upper!, lower!, wanted]);
    embedding.dispose();
  });
});
