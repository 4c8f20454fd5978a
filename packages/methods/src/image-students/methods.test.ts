import '@tensorflow/tfjs';
import { createImageStudent, type ImageStudentOptions, type Teacher } from '@dskd/models';
import { expectClose, expectNoNewTensors, useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import * as tf from '@tensorflow/tfjs-core';
import type { AnomalyModel, Fit, FitInput, Method } from '../contract.js';
import { tinyBatch, tinyInput, tinyTeacher } from '../dskd/tiny-fit.test.util.js';
import { createMethod } from '../registry.js';
import { atPixel, valuesOf } from './scores.test.util.js';
import { planEmbedding, TeacherEmbedding } from './teacher-embedding.js';

const LENGTH = { epochs: 3, batchSize: 4 };
const SMALL = { ...LENGTH, widths: [4, 6, 8], latent: 3, fadeEpochs: 2 };
/** Small enough for tests; the rate is for images of noise. */
const OPTIONS: Readonly<Record<string, object>> = {
  stfpm: { ...LENGTH, width: 0.1, learningRate: 0.05 },
  ae: SMALL,
  vae: SMALL,
  mkd: { ...LENGTH, width: 4, imageScore: 'max', learningRate: 0.01 },
  mnad: { ...LENGTH, widths: [4, 6, 8], items: 3, learningRate: 0.01 },
  gcad: {
    ...LENGTH,
    channels: 6,
    unetWidths: [4, 4, 6],
    widths: [4, 4],
    latent: 4,
    global: 3,
    bridge: 5,
    fadeEpochs: 2,
    globalFrom: 1,
    learningRate: 0.01,
  },
  fanogan: {
    ...LENGTH,
    width: 2,
    latent: 8,
    criticSteps: 2,
    encoderFrom: 1,
    learningRate: 1e-3,
    encoderLearningRate: 0.01,
  },
  'ae-ssim': { ...LENGTH, width: 6, latent: 12, learningRate: 0.01 },
  efficientad: { ...LENGTH, alteration: 0.2 },
  puad: LENGTH,
  us: { ...LENGTH, batchSize: 4, students: 2 },
};

const BRANCHES: Readonly<Record<string, readonly string[]>> = {
  stfpm: ['local'],
  mkd: ['local'],
  gcad: ['local', 'global'],
  ae: ['global'],
  vae: ['global'],
  'ae-ssim': ['global'],
  mnad: ['global'],
  fanogan: ['global'],
  efficientad: ['local', 'global'],
  puad: ['local', 'global', 'pooled'],
  us: ['local'],
};
const WITHOUT_TEACHER = ['ae', 'vae', 'ae-ssim', 'mnad', 'fanogan'];

let teacher: Teacher;
const methods = new Map<string, Method>();
const fits = new Map<string, Fit>();

function inputOf(name: string, changes: Partial<FitInput> = {}): FitInput {
  return { ...tinyInput(teacher), ...(WITHOUT_TEACHER.includes(name) && { teacher: undefined }), ...changes };
}

function fit(name: string, changes: Partial<FitInput> = {}, options = OPTIONS[name]): Promise<Fit> {
  const method = methods.get(name)!;
  return method.fit(inputOf(name, changes), method.options.parse(options));
}

/** The fit that tests of a method share, and leave as it is. */
async function fitOf(name: string): Promise<Fit> {
  const known = fits.get(name) ?? (await fit(name));
  fits.set(name, known);
  return known;
}

/** The maps of all branches, one after the other. */
async function mapsOf(model: AnomalyModel, indices: readonly number[]): Promise<number[][]> {
  const images = tinyBatch(indices);
  const outputs = await model.score(images);
  expect(outputs.map(({ name }) => name)).toEqual(model.branches.map(({ name }) => name));
  const maps = await Promise.all(
    outputs.map(async ({ map }) => {
      expect(map!.shape).toEqual([indices.length, 32, 32]);
      return [...(await map!.data())];
    }),
  );
  tf.dispose([images, ...outputs.map(({ map }) => map!)]);
  return maps;
}

async function mapOf(model: AnomalyModel, indices: readonly number[]): Promise<number[]> {
  return (await valuesOf(model, indices)).flat();
}

beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
  teacher = tinyTeacher();
  for (const name of Object.keys(OPTIONS)) methods.set(name, await createMethod(name));
});
afterAll(() => {
  for (const { model } of fits.values()) model.dispose();
  teacher.dispose();
});

// The slow tier has all of them: methods.slow.test.ts.
const NAMES = process.env.DSKD_TEST_TIER === 'slow' ? Object.keys(OPTIONS) : ['stfpm', 'puad'];

describe.each(NAMES)('%s', (name) => {
  test('says what it is and what it learned', async () => {
    const { model, record, batchSize } = await fitOf(name);
    expect(methods.get(name)!.needs).toEqual({
      teacher: !WITHOUT_TEACHER.includes(name),
      validation: false,
    });
    expect(model.method).toBe(name);
    expect(model.branches).toEqual(
      BRANCHES[name]!.map((branch) => ({ name: branch, map: branch !== 'pooled' })),
    );
    expect(JSON.parse(JSON.stringify(record))).toEqual(record);
    expect(record).toMatchObject({ epochs: 3, batchSize: 4, steps: 6 });
    expect(batchSize).toBe(4);
    const names = [...model.state().tensors.keys()];
    expect(names.filter((key) => !/^(network|networks|embedding|pooled)\./.test(key))).toEqual([]);
    expect(names.filter((key) => key.includes('skips'))).toEqual([]);
  });

  test('the same fit again gives the same bytes, another seed gives others', async () => {
    const again = await fit(name);
    expect(again.model.state()).toEqual((await fitOf(name)).model.state());
    expect(again.record).toEqual((await fitOf(name)).record);
    const other = await fit(name, { seed: 4 });
    expect(other.model.state().tensors).not.toEqual(again.model.state().tensors);
    again.model.dispose();
    other.model.dispose();
  });

  test('a restored model gives the same maps bit for bit, whatever the batch, and leaves no tensors', async () => {
    const { model } = await fitOf(name);
    const { config, tensors } = model.state();
    await expectNoNewTensors(async () => {
      const restored = await methods
        .get(name)!
        .restore(
          { config: JSON.parse(JSON.stringify(config)) as typeof config, tensors },
          { inputSize: [32, 32], teacher },
        );
      const together = await valuesOf(restored, [20, 21, 22]);
      expect(together).toEqual(await valuesOf(model, [20, 21, 22]));
      expect([together[1]]).toEqual(await valuesOf(restored, [21]));
      // The maps of us are around 0.
      const least = name === 'us' ? -Infinity : 0;
      expect(together.flat().every((value) => value >= least && Number.isFinite(value))).toBe(true);
      expect(restored.state()).toEqual(model.state());
      restored.dispose();
    });
  });

  test('estimates what it takes, and what does not fit', () => {
    const method = methods.get(name)!;
    const options = method.options.parse(OPTIONS[name]);
    const { bytes, memory, steps } = method.estimate(inputOf(name), options);
    expect(steps).toBe(6);
    expect(bytes).toBeGreaterThan(0);
    expect(memory.exceeded).toEqual([]);
    const paper = method.profiles.paper;
    const large = method.estimate(inputOf(name, { inputSize: [2048, 2048], images: 400 }), paper);
    expect(large.memory.exceeded).toEqual([expect.stringContaining("the heap 'main' needs") as string]);
    const minutes = method.estimate(inputOf(name), method.options.parse({ minutes: 2 }));
    expect(minutes.timeLimit).toBe(120);
  });

  test('every profile is what its own schema gives for it, and lite the default', () => {
    const { profiles, options } = methods.get(name)!;
    expect(Object.keys(profiles)).toEqual(['paper', 'lite']);
    for (const profile of Object.values(profiles)) expect(options.parse(profile)).toEqual(profile);
    expect(profiles.lite).toEqual(options.parse({}));
    for (const wrong of [
      { epochs: 0 },
      { minutes: 0 },
      { batchSize: 1.5 },
      { learningRate: 0 },
      { width: -1 },
      { latent: 0 },
    ]) {
      expect(options.safeParse(wrong).success).toBe(false);
    }
  });

  test('refuses another size, foreign tensors, missing weights and a config that makes no sense', async () => {
    const method = methods.get(name)!;
    const saved = (await fitOf(name)).model.state();
    const context = { inputSize: [32, 32] as const, teacher };
    const refusal = async (changes: object, where: object = {}): Promise<unknown> =>
      expectNoNewTensors(() =>
        method.restore({ ...saved, ...changes }, { ...context, ...where }).catch((error: unknown) => error),
      );
    expect(await refusal({}, { inputSize: [64, 64] })).toMatchObject({ code: 'input-size-mismatch' });
    const [first, ...rest] = saved.tensors;
    expect(await refusal({ tensors: new Map(rest) })).toMatchObject({ code: 'weights-mismatch' });
    const more = new Map([...saved.tensors, ['other', first![1]] as const]);
    expect(await refusal({ tensors: more })).toMatchObject({
      code: 'weights-mismatch',
      message: expect.stringContaining('other') as string,
    });
    const renamed = new Map([...rest, ['network.other', first![1]] as const]);
    expect(await refusal({ tensors: renamed })).toMatchObject({ code: 'weights-mismatch' });
    expect(await refusal({ config: { ...saved.config, branch: 'middle' } })).toMatchObject({
      code: 'artifact-invalid',
    });
  });

  // The training of puad is that of efficientad.
  if (name === 'puad') return;

  test('an interrupted fit goes on to the same bytes; a checkpoint of other options is refused', async () => {
    const controller = new AbortController();
    const saved: Uint8Array[] = [];
    const checkpoint = {
      everyEpochs: 1,
      save: (bytes: Uint8Array) => {
        saved.push(bytes);
        if (saved.length === 2) controller.abort();
        return Promise.resolve();
      },
    };
    await expectNoNewTensors(() =>
      expect(fit(name, { checkpoint, signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' }),
    );
    const resumeFrom = saved[1]!;
    const resumed = await fit(name, { resumeFrom });
    expect(resumed.model.state()).toEqual((await fitOf(name)).model.state());
    expect(resumed.record).toEqual((await fitOf(name)).record);
    resumed.model.dispose();
    const other = { ...OPTIONS[name], learningRate: 0.25 };
    await expect(fit(name, { resumeFrom }, other)).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  test('learns: its loss falls', async () => {
    const losses: number[] = [];
    const epochs = ['efficientad', 'puad', 'us'].includes(name) ? 4 : 12;
    const { model } = await fit(
      name,
      {
        onEvent: (event) => {
          if (event.type !== 'epoch-end') return;
          losses.push(Object.values(event.losses).reduce((sum, loss) => sum + loss, 0));
        },
      },
      { ...OPTIONS[name], epochs },
    );
    expect(losses).toHaveLength(epochs);
    // In the first epoch of fanogan its critic is trained.
    const first = name === 'fanogan' ? 1 : 0;
    expect(losses.at(-1)!).toBeLessThan(0.9 * losses[first]!);
    model.dispose();
  });
});

test('stfpm without a teacher, or with one whose strides a student does not have, is refused', async () => {
  const method = methods.get('stfpm')!;
  const options = method.options.parse(OPTIONS.stfpm);
  const without = inputOf('stfpm', { teacher: undefined });
  expect(() => method.estimate(without, options)).toThrow(/needs a teacher/);
  await expect(method.fit(without, options)).rejects.toMatchObject({ code: 'invalid-argument' });
  const saved = (await fitOf('stfpm')).model.state();
  await expect(method.restore(saved, { inputSize: [32, 32] })).rejects.toMatchObject({
    code: 'invalid-argument',
  });
  const { extractor } = teacher;
  const shapes = (size: readonly [number, number]) => extractor.outputShapes(size);
  const levels = extractor.levels.map((level) => ({ ...level, stride: 3 * level.stride }));
  const odd = { ...teacher, extractor: { ...extractor, levels, outputShapes: shapes } };
  expect(() => method.estimate(inputOf('stfpm', { teacher: odd }), options)).toThrow(/no level of stride 12/);
  const mkd = methods.get('mkd')!;
  const cloner = mkd.options.parse(OPTIONS.mkd);
  expect(() => mkd.estimate(inputOf('mkd', { teacher: undefined }), cloner)).toThrow(/needs a teacher/);
  expect(() => mkd.estimate(inputOf('mkd', { teacher: odd }), cloner)).toThrow(/stride 1 to stride 12/);
});

test('the map of stfpm is the product over levels of the squared distance of unit vectors, in float64', async () => {
  const { model } = await fitOf('stfpm');
  const { config, tensors } = model.state();
  const student = createImageStudent(config.student as unknown as ImageStudentOptions);
  student.loadStateDict(new Map([...tensors].map(([key, entry]) => [key.replace('network.', ''), entry])));
  const images = tinyBatch([20]);
  const features = await teacher.extractor.extract(images);
  const predictions = student.forward([images], { training: false });
  const distances = features.map((feature, level) => {
    const [, height, width, channels] = feature.shape;
    const [t, s] = [feature.dataSync(), predictions[level]!.dataSync()];
    const norm = (v: ArrayLike<number>, at: number): number => {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += v[at + c]! ** 2;
      return Math.sqrt(sum);
    };
    const values = Array.from({ length: height * width }, (_, position) => {
      const at = position * channels;
      const [nt, ns] = [norm(t, at), norm(s, at)];
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += (t[at + c]! / nt - s[at + c]! / ns) ** 2;
      return sum;
    });
    return { values, size: [height, width] as const };
  });
  const wanted = Array.from({ length: 32 * 32 }, (_, i) =>
    distances.reduce(
      (product, { values, size }) => product * atPixel(values, size, Math.floor(i / 32), i % 32),
      1,
    ),
  );
  expectClose(await mapOf(model, [20]), wanted, { relative: 1e-4 });
  tf.dispose([images, ...features, ...predictions]);
  student.dispose();
});

test('the map of ae is the squared error of the standardized image, summed over channels', async () => {
  const { model } = await fitOf('ae');
  const { config, tensors } = model.state();
  const { mean, standardDeviation } = config.input as unknown as Record<
    'mean' | 'standardDeviation',
    number[]
  >;
  const training = tinyBatch([0, 1, 2, 3, 4, 5, 6, 7]);
  const pixels = training.dataSync();
  for (const channel of [0, 1, 2]) {
    const values = Array.from(pixels).filter((_, i) => i % 3 === channel);
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - average) ** 2, 0) / values.length;
    expect(mean[channel]).toBeCloseTo(average, 10);
    expect(standardDeviation[channel]).toBeCloseTo(Math.sqrt(variance), 10);
  }
  const student = createImageStudent(config.student as unknown as ImageStudentOptions);
  student.loadStateDict(new Map([...tensors].map(([key, entry]) => [key.replace('network.', ''), entry])));
  const image = tinyBatch([20]);
  const standardized = Array.from(
    image.dataSync(),
    (value, i) => (value - mean[i % 3]!) / standardDeviation[i % 3]!,
  );
  const input = tf.tensor4d(standardized, [1, 32, 32, 3]);
  const [output] = student.forward([input], { training: false });
  const reconstruction = output!.dataSync();
  const wanted = Array.from({ length: 32 * 32 }, (_, i) =>
    [0, 1, 2].reduce((sum, c) => sum + (reconstruction[3 * i + c]! - standardized[3 * i + c]!) ** 2, 0),
  );
  expectClose(await mapOf(model, [20]), wanted, { relative: 1e-5 });
  tf.dispose([training, image, input, output!]);
  student.dispose();
});

test('the image score of mkd is the flattened cosine distance plus lambda times the squared error, in float64', async () => {
  const lambda = 0.7;
  const { model } = await fit('mkd', {}, { ...OPTIONS.mkd, imageScore: 'loss', lambda });
  expect(model.branches).toEqual([
    { name: 'local', map: true },
    { name: 'global', map: false },
  ]);
  const { config, tensors } = model.state();
  const student = createImageStudent(config.student as unknown as ImageStudentOptions);
  student.loadStateDict(new Map([...tensors].map(([key, entry]) => [key.replace('network.', ''), entry])));
  const images = tinyBatch([20, 21]);
  const features = await teacher.extractor.extract(images);
  const predictions = student.forward([images], { training: false });
  const wanted = [0, 0];
  for (const [level, feature] of features.entries()) {
    const [t, s] = [await feature.data(), await predictions[level]!.data()];
    const length = t.length / 2;
    for (const image of [0, 1]) {
      let [tt, ss, ts, error] = [0, 0, 0, 0];
      for (let i = image * length; i < (image + 1) * length; i++) {
        tt += t[i]! ** 2;
        ss += s[i]! ** 2;
        ts += t[i]! * s[i]!;
        error += (t[i]! - s[i]!) ** 2;
      }
      wanted[image]! += 1 - ts / Math.sqrt(tt * ss) + (lambda * error) / length;
    }
  }
  const [local, global] = await model.score(images);
  expect([global!.name, global!.map]).toEqual(['global', null]);
  expectClose(global!.scores!, wanted, { relative: 1e-5 });
  const second = tinyBatch([21]);
  const alone = await model.score(second);
  expect(alone[1]!.scores![0]).toBe(global!.scores![1]);
  tf.dispose([images, second, ...features, ...predictions, local!.map!, alone[0]!.map!]);
  student.dispose();
  model.dispose();
});

test('ae-ssim sees the luma of an image alone, unless it is told to see colors', async () => {
  const [color, gray] = await Promise.all(
    [20, 20].map(async (index, i) => {
      const image = tinyBatch([index]);
      const values = Array.from(await image.data());
      image.dispose();
      if (i === 0) return values;
      const luma = (at: number): number =>
        0.299 * values[at]! + 0.587 * values[at + 1]! + 0.114 * values[at + 2]!;
      return values.map((_, at) => luma(at - (at % 3)));
    }),
  );
  const mapsOf = async (model: AnomalyModel): Promise<number[][]> =>
    Promise.all(
      [color!, gray!].map(async (values) => {
        const image = tf.tensor4d(values, [1, 32, 32, 3]);
        const [output] = await model.score(image);
        const map = Array.from(await output!.map!.data());
        tf.dispose([image, output!.map!]);
        return map;
      }),
    );
  const [one, other] = await mapsOf((await fitOf('ae-ssim')).model);
  expectClose(one!, other!, { relative: 1e-4 });
  const { model } = await fit('ae-ssim', {}, { ...OPTIONS['ae-ssim'], epochs: 1, gray: false });
  const [colorMap, grayMap] = await mapsOf(model);
  expect(Math.max(...colorMap!.map((value, i) => Math.abs(value - grayMap![i]!)))).toBeGreaterThan(0.05);
  model.dispose();
});

test('the maps of gcad are distances from the standardized embedding and from the few channels, in float64', async () => {
  const { model } = await fitOf('gcad');
  const { config, tensors } = model.state();
  const student = createImageStudent(config.student as unknown as ImageStudentOptions);
  const weights = [...tensors].filter(([key]) => key.startsWith('network.'));
  student.loadStateDict(new Map(weights.map(([key, entry]) => [key.replace('network.', ''), entry])));
  const statistics = {
    mean: tensors.get('embedding.mean')!.data as Float32Array,
    deviation: tensors.get('embedding.deviation')!.data as Float32Array,
  };
  const embedding = new TeacherEmbedding(
    teacher.extractor,
    planEmbedding(teacher.extractor, [32, 32], 6),
    statistics,
  );
  const { mean, standardDeviation } = config.input as unknown as Record<
    'mean' | 'standardDeviation',
    number[]
  >;
  const images = tinyBatch([20]);
  const input = tf.tidy(() =>
    tf.div<tf.Tensor4D>(tf.sub(images, tf.tensor1d(mean)), tf.tensor1d(standardDeviation)),
  );
  const [target] = await embedding.extract(images);
  const outputs = student.forward([input], { training: false });
  const [local, , encoded, predicted] = outputs;
  const distances = async (from: tf.Tensor, to: tf.Tensor): Promise<number[]> => {
    const [a, b] = [await from.data(), await to.data()];
    const channels = from.shape[3]!;
    const at = (position: number): number =>
      Math.hypot(
        ...Array.from(
          { length: channels },
          (_, c) => a[position * channels + c]! - b[position * channels + c]!,
        ),
      );
    const grid = Array.from({ length: 64 }, (_, position) => at(position));
    return Array.from({ length: 32 * 32 }, (_, i) => atPixel(grid, [8, 8], Math.floor(i / 32), i % 32));
  };
  const wanted = [await distances(target!, local!), await distances(encoded!, predicted!)];
  for (const [branch, map] of (await mapsOf(model, [20])).entries()) {
    expectClose(map, wanted[branch]!, { relative: 1e-4 });
  }
  tf.dispose([images, input, target!, ...outputs]);
  embedding.dispose();
  student.dispose();
});

test('gcad refuses to train without a teacher or for too few epochs, and a file without its embedding', async () => {
  const method = methods.get('gcad')!;
  const options = method.options.parse(OPTIONS.gcad);
  expect(() => method.estimate(inputOf('gcad', { teacher: undefined }), options)).toThrow(/needs a teacher/);
  for (const wrong of [{ fadeEpochs: 3 }, { globalFrom: 3 }]) {
    const short = method.options.parse({ ...OPTIONS.gcad, ...wrong });
    expect(() => method.estimate(inputOf('gcad'), short)).toThrow(/3 epochs of training; wanted fewer/);
  }
  const { config, tensors } = (await fitOf('gcad')).model.state();
  const context = { inputSize: [32, 32] as const, teacher };
  for (const name of ['embedding.mean', 'embedding.deviation']) {
    const fewer = new Map([...tensors].filter(([key]) => key !== name));
    await expect(method.restore({ config, tensors: fewer }, context)).rejects.toMatchObject({
      code: 'weights-mismatch',
    });
  }
  await expect(method.restore({ config, tensors }, { inputSize: [32, 32] })).rejects.toMatchObject({
    code: 'invalid-argument',
  });
});

test('skips that do not fade within the training are refused', async () => {
  const method = methods.get('ae')!;
  const options = method.options.parse({ ...SMALL, fadeEpochs: 3 });
  expect(() => method.estimate(inputOf('ae'), options)).toThrow(/fade/);
  await expect(method.fit(inputOf('ae'), options)).rejects.toMatchObject({ code: 'invalid-config' });
});

test('a training that time ends before its skips have faded says so', async () => {
  const warnings: string[] = [];
  const onEvent: FitInput['onEvent'] = (event) => {
    if (event.type === 'warning' && event.message.includes('skip')) warnings.push(event.message);
  };
  const { epochs, ...others } = SMALL;
  const { model, record } = await fit('ae', { onEvent }, { ...others, minutes: 1e-6, fadeEpochs: epochs });
  expect(record.epochs).toBe(1);
  expect(warnings).toEqual([
    expect.stringContaining('after 1 epochs, before its skip connections had faded (3)'),
  ]);
  model.dispose();
  (await fit('ae', { onEvent })).model.dispose();
  expect(warnings).toHaveLength(1);
});
