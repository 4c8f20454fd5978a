// How times grow: with the side of images, the rows of a bank, the number of training images, and worker threads. An exponent is the
// slope of a line through the logarithms.
import os from 'node:os';
import * as tf from '@tensorflow/tfjs';
import { kCenterCoreset, NeighborBank } from '@dskd/closed-form';
import { selectBackend } from '@dskd/core/backends';
import { preparePixels, sourceOf } from '@dskd/data';
import { trainDetector } from '@dskd/detector';
import { openEngine } from '@dskd/engine/node';
import { contextualAffinityMap } from '@dskd/losses';
import { loadTeacher } from '@dskd/models';
import { onnxTeacher } from '@dskd/onnx/runtime';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { withDrawnSource } from '../drawn-source.mjs';
import { median, timed } from './turns.mjs';

/** Least squares of log y by log x. */
function exponentOf(points) {
  const logs = points.map(({ x, cpuSeconds, seconds }) => [Math.log(x), Math.log(cpuSeconds ?? seconds)]);
  const mean = (axis) => logs.reduce((sum, point) => sum + point[axis], 0) / logs.length;
  const [mx, my] = [mean(0), mean(1)];
  const over = logs.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  return Number((over / logs.reduce((sum, [x]) => sum + (x - mx) ** 2, 0)).toFixed(2));
}

/** CPU seconds of `workOf(x)` for each x: round after round over all x, medians. The first round warms up. */
async function grown(what, { along, theory, rounds }, works) {
  const times = new Map([...works.keys()].map((x) => [x, []]));
  for (let round = rounds > 1 ? -1 : 0; round < rounds; round++) {
    for (const [x, work] of works) {
      const { cpuSeconds } = await timed(work);
      if (round >= 0) times.get(x).push(cpuSeconds);
    }
  }
  const points = [...times].map(([x, values]) => ({ x, cpuSeconds: Number(median(values).toPrecision(4)) }));
  return { what, along, theory, exponent: exponentOf(points), points };
}

const worksFor = async (xs, workOf) => new Map(await Promise.all(xs.map(async (x) => [x, await workOf(x)])));

/** Vectors in clusters, as features are. */
function clustered(count, width) {
  return tf.tidy(() => {
    const centers = tf.randomNormal([64, width], 0, 1, 'float32', 1);
    const of = tf.randomUniform([count], 0, 64, 'int32', 2);
    const data = tf
      .add(tf.gather(centers, of), tf.randomNormal([count, width], 0, 0.3, 'float32', 3))
      .dataSync();
    return { data: Float32Array.from(data), count, width };
  });
}

async function bySide(teacher, rounds) {
  const { extractor } = teacher;
  const features = await worksFor([64, 128, 256, 512, 1024], (side) => {
    const image = tf.randomUniform([1, side, side, 3], 0, 1, 'float32', 1);
    return async () => {
      const levels = await extractor.extract(image);
      await levels.at(-1).data();
      tf.dispose(levels);
    };
  });
  const affinity = await worksFor([64, 128, 256, 512], (side) => {
    const teacherMap = tf.randomNormal([1, side / 4, side / 4, 40], 0, 1, 'float32', 1);
    const student = tf.add(teacherMap, 0.1);
    return async () => {
      const map = contextualAffinityMap(teacherMap, student);
      await map.data();
      map.dispose();
    };
  });
  const pixels = { data: new Uint8Array(4096 * 4096 * 3).fill(77), width: 4096, height: 4096, channels: 3 };
  const preparation = await worksFor([64, 128, 256, 512, 1024], (side) => {
    const large = {
      ...pixels,
      width: 2 * side,
      height: 2 * side,
      data: pixels.data.subarray(0, 12 * side * side),
    };
    return () => preparePixels(large, { height: side, width: side, fit: 'stretch' });
  });
  const along = 'side of the image, px';
  return [
    await grown('features of the embedded teacher, wasm', { along, theory: 2, rounds }, features),
    await grown('map of contextual affinity at stride 4, wasm', { along, theory: 4, rounds }, affinity),
    await grown('resize from twice the side', { along, theory: 2, rounds }, preparation),
  ];
}

async function byRows(rounds) {
  const queries = tf.tensor2d(clustered(1024, 280).data, [1024, 280]);
  const search = await worksFor([300, 600, 1200, 2400, 4800, 9600], (rows) => {
    const bank = new NeighborBank(clustered(rows, 280));
    return () => bank.nearest(queries);
  });
  const coreset = await worksFor([10_000, 20_000, 40_000, 80_000], (count) => {
    const points = clustered(count, 64);
    return () => kCenterCoreset(points, count / 100, { first: 0 });
  });
  return [
    await grown(
      'nearest bank row of 1024 patches, wasm',
      { along: 'rows of the bank', theory: 1, rounds },
      search,
    ),
    await grown('coreset of 1 %', { along: 'patches', theory: 2, rounds: 1 }, coreset),
  ];
}

async function byImages(teacher, source) {
  const train = source.samples.filter(({ split }) => split === 'train');
  const fast = await onnxTeacher(teacher, { session: { intraOpNumThreads: 1, interOpNumThreads: 1 } });
  const fits = await worksFor([20, 40, 80, 160], (count) => async () => {
    const detector = await trainDetector({
      source: sourceOf('some', train.slice(0, count)),
      teacher: fast,
      method: 'instant',
      seed: 1,
      input: { size: [256, 256] },
    });
    detector.dispose();
  });
  return grown('fit of instant, 256 px', { along: 'training images', theory: 1, rounds: 1 }, fits);
}

/** Wall time: what workers are for. Bounded by the cores. */
async function byWorkers(teacher, source, rounds) {
  const detector = await trainDetector({
    source,
    teacher,
    method: 'instant',
    seed: 1,
    input: { size: [256, 256] },
  });
  const bytes = detector.save();
  detector.dispose();
  const image = preparePixels(await source.samples[0].load(), { height: 256, width: 256, fit: 'stretch' });
  const images = Array.from({ length: 40 }, () => image);
  const engines = new Map();
  for (const workers of [1, 2, 4])
    engines.set(workers, await openEngine(bytes, { engine: 'onnx', workers, threads: 1 }));
  const times = new Map([...engines.keys()].map((workers) => [workers, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [workers, engine] of engines) {
      const { seconds } = await timed(async () => {
        for await (const { score } of engine.predictEach(images))
          if (!Number.isFinite(score)) throw new Error('no score');
      });
      if (round >= 0) times.get(workers).push(seconds);
    }
  }
  for (const engine of engines.values()) await engine.dispose();
  const points = [...times].map(([x, values]) => ({ x, seconds: Number(median(values).toPrecision(4)) }));
  const what = `40 decoded images by an engine, wall time, ${os.availableParallelism()} cores`;
  return { what, along: 'workers', theory: -1, exponent: exponentOf(points), points };
}

export async function measure(rounds = 5) {
  await selectBackend('wasm');
  registerWasmGradients();
  const { name, load } = teacherTiny();
  const teacher = await loadTeacher(name, await load());
  const growth = [...(await bySide(teacher, rounds)), ...(await byRows(rounds))];
  await withDrawnSource(
    'tray',
    { train: 160, validation: 4, test: 1, size: 256, seed: 101 },
    async (source) => {
      growth.push(await byImages(teacher, source), await byWorkers(teacher, source, rounds));
    },
  );
  return { growth };
}
