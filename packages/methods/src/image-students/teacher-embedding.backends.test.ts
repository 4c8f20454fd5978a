import '@tensorflow/tfjs';
import type { FeatureExtractor } from '@dskd/core';
import { describeBackends, expectClose, expectNoNewTensors, TOLERANCES } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs-core';
import {
  batchOf,
  blockImage,
  fitOn,
  oracleFeatures,
  officialPatches,
  poolingTeacher,
  SIDE,
} from '../features/pooling-teacher.test.util.js';
import { planEmbedding, TeacherEmbedding } from './teacher-embedding.js';

const { extractor } = poolingTeacher();
// More than are read at once.
const IMAGES = Array.from({ length: 10 }, (_, index) => blockImage(index));
const { trainingImages } = fitOn(IMAGES);

/** The finest level of the pooling teacher alone. */
function oneLevel(): FeatureExtractor {
  return {
    ...extractor,
    name: 'one level',
    levels: extractor.levels.slice(0, 1),
    outputShapes: (size) => extractor.outputShapes(size).slice(0, 1),
    async extract(images) {
      const [first, ...others] = await extractor.extract(images);
      tf.dispose(others);
      return [first!];
    },
  };
}

/** Standardized by channel over all images, in float64. */
function standardized(vectors: readonly Float64Array[], channels: number): number[][] {
  const values = (channel: number): number[] =>
    vectors.flatMap((all) => [...all].filter((_, at) => at % channels === channel));
  const statistics = Array.from({ length: channels }, (_, channel) => {
    const own = values(channel);
    const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
    return [mean, Math.sqrt(own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / own.length)] as const;
  });
  return vectors.map((all) =>
    Array.from(all, (value, at) => (value - statistics[at % channels]![0]) / statistics[at % channels]![1]),
  );
}

async function extract(embedding: FeatureExtractor, indices: readonly number[]): Promise<number[]> {
  const images = batchOf(indices.map((index) => IMAGES[index]!));
  const [level, ...others] = await embedding.extract(images);
  expect(others).toEqual([]);
  expect(level!.shape).toEqual([indices.length, ...embedding.outputShapes([SIDE, SIDE])[0]!]);
  const values = [...(await level!.data())];
  tf.dispose([images, level!]);
  return values;
}

describeBackends('the embedding of a teacher', (backend) => {
  // Differences of close averages are divided by a small deviation.
  const tolerance = { absolute: 100 * TOLERANCES[backend].reduction };

  test('is the official one of all levels to so many channels, each of mean 0 and deviation 1', async () => {
    await expectNoNewTensors(async () => {
      const plan = planEmbedding(extractor, [SIDE, SIDE], 10);
      expect(plan).toMatchObject({ grid: [8, 8], channels: 10, patches: { levels: [0, 1, 2], width: 10 } });
      const embedding = await TeacherEmbedding.measure(extractor, plan, { images: trainingImages });
      const wanted = standardized(
        IMAGES.map((image) => officialPatches(image, [0, 1, 2], 8, 10).data),
        10,
      );
      const got = await extract(embedding, [3, 9]);
      expectClose(got, [...wanted[3]!, ...wanted[9]!], tolerance);
      expect(await extract(embedding, [9])).toEqual(got.slice(got.length / 2));

      // From what a file keeps of it: the same bits.
      const copy = new TeacherEmbedding(extractor, plan, embedding.statistics);
      expect(await extract(copy, [3, 9])).toEqual(got);
      embedding.dispose();
      copy.dispose();
    });
  });

  test('a teacher of one level is taken as it is', async () => {
    await expectNoNewTensors(async () => {
      const teacher = oneLevel();
      const plan = planEmbedding(teacher, [SIDE, SIDE]);
      expect(plan).toEqual({ grid: [8, 8], channels: 3, patches: null });
      const embedding = await TeacherEmbedding.measure(teacher, plan, { images: trainingImages });
      const wanted = standardized(
        IMAGES.map((image) => oracleFeatures(image)[0]!.data),
        3,
      );
      expectClose(await extract(embedding, [5]), wanted[5]!, tolerance);
      embedding.dispose();
    });
  });
});

test('without a level of stride 4 the grid has one position for each 4 pixels', () => {
  const deep = {
    ...extractor,
    levels: extractor.levels.slice(1),
    outputShapes: (size: readonly [number, number]) => extractor.outputShapes(size).slice(1),
  };
  expect(planEmbedding(deep, [SIDE, 2 * SIDE - 3])).toMatchObject({
    grid: [8, 16],
    channels: 384,
    patches: { embedding: 'official', levels: [0, 1] },
  });
});

test('a channel that never varies becomes 0, and statistics of other channels are refused', async () => {
  const black = { ...trainingImages, batch: () => Promise.resolve(tf.zeros<tf.Rank.R4>([2, SIDE, SIDE, 3])) };
  const plan = planEmbedding(extractor, [SIDE, SIDE], 4);
  const embedding = await TeacherEmbedding.measure(extractor, plan, { images: black });
  expect([...embedding.statistics.deviation]).toEqual([1, 1, 1, 1]);
  embedding.dispose();
  const statistics = { mean: new Float32Array(3), deviation: new Float32Array(4) };
  expect(() => new TeacherEmbedding(extractor, plan, statistics)).toThrow(/Got 3 means/);
});

test('an aborted measurement leaves no tensors', async () => {
  const signal = AbortSignal.abort();
  const plan = planEmbedding(extractor, [SIDE, SIDE], 4);
  await expectNoNewTensors(() =>
    expect(
      TeacherEmbedding.measure(extractor, plan, { images: trainingImages, signal }),
    ).rejects.toMatchObject({
      code: 'aborted',
    }),
  );
});
