import '@tensorflow/tfjs';
import { randomStream } from '@dskd/base';
import type { InputTransform } from '@dskd/core';
import { createImageStudent, type ImageStudentOptions, type Teacher } from '@dskd/models';
import { expectClose, useBackend } from '@dskd/test-support';
import type { ImageSet } from '@dskd/training';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import * as tf from '@tensorflow/tfjs-core';
import type { AnomalyModel, Fit, FitInput, Method } from '../contract.js';
import { tinyBatch, tinyInput, tinyTeacher } from '../dskd/tiny-fit.test.util.js';
import { imageExtractor } from '../image-students/image-extractor.js';
import { atPixel, valuesOf } from '../image-students/scores.test.util.js';
import { planEmbedding, TeacherEmbedding } from '../image-students/teacher-embedding.js';
import { createMethod } from '../registry.js';

// What the methods have in common is in image-students/methods.test.ts.
const OPTIONS = { epochs: 1, batchSize: 8 };

let teacher: Teacher;
const methods = new Map<string, Method>();
const fits = new Map<string, Fit>();

function inputOf(changes: Partial<FitInput> = {}): FitInput {
  return { ...tinyInput(teacher), ...changes };
}

function fit(name: string, changes: Partial<FitInput>, options: object): Promise<Fit> {
  const method = methods.get(name)!;
  return method.fit(inputOf(changes), method.options.parse(options));
}

async function mapOf(model: AnomalyModel, indices: readonly number[]): Promise<number[]> {
  return (await valuesOf(model, indices)).flat();
}

beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
  teacher = tinyTeacher();
  for (const name of ['efficientad', 'puad', 'us']) {
    methods.set(name, await createMethod(name));
    fits.set(name, await fit(name, {}, name === 'us' ? { ...OPTIONS, students: 2 } : OPTIONS));
  }
});
afterAll(() => {
  for (const { model } of fits.values()) model.dispose();
  teacher.dispose();
});

/** Networks and standardized target of a fitted model of EfficientAD, for the image 20: teacher, student, autoencoder. */
async function networksOf(name: string): Promise<{ values: Float32Array[]; shape: number[] }> {
  const { config, tensors } = fits.get(name)!.model.state();
  const [{ student: options }] = config.students as unknown as [{ student: ImageStudentOptions }];
  const student = createImageStudent(options);
  const own = [...tensors].filter(([key]) => key.startsWith('networks.network.'));
  student.loadStateDict(new Map(own.map(([key, entry]) => [key.replace('networks.network.', ''), entry])));
  const statistics = {
    mean: tensors.get('embedding.mean')!.data as Float32Array,
    deviation: tensors.get('embedding.deviation')!.data as Float32Array,
  };
  const plan = planEmbedding(teacher.extractor, [32, 32], statistics.mean.length);
  const embedding = new TeacherEmbedding(teacher.extractor, plan, statistics);
  const image = tinyBatch([20]);
  const all = [...(await embedding.extract(image)), ...student.forward([image], { training: false })];
  const values = await Promise.all(all.map((tensor) => tensor.data<'float32'>()));
  const { shape } = all[0]!;
  tf.dispose([image, ...all]);
  student.dispose();
  embedding.dispose();
  return { values, shape };
}

test('the maps of efficientad are squared errors, mean over channels, in float64', async () => {
  const { values, shape } = await networksOf('efficientad');
  const [target, student, autoencoder, ofAutoencoder] = values as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const [, height, width, channels] = shape as [number, number, number, number];
  expect([height, width, channels]).toEqual([8, 8, 64]);
  const wanted = [
    [target, student],
    [autoencoder, ofAutoencoder],
  ].flatMap(([one, other]) => {
    const errors = Array.from({ length: height * width }, (_, position) => {
      let sum = 0;
      for (let c = 0; c < channels; c++)
        sum += (one![position * channels + c]! - other![position * channels + c]!) ** 2;
      return sum / channels;
    });
    return Array.from({ length: 32 * 32 }, (_, i) =>
      atPixel(errors, [height, width], Math.floor(i / 32), i % 32),
    );
  });
  expectClose(await mapOf(fits.get('efficientad')!.model, [20]), wanted, { relative: 1e-4 });
});

test('the score of puad is the Mahalanobis distance of the mean of what its student says of the teacher', async () => {
  const { model } = fits.get('puad')!;
  const { values, shape } = await networksOf('puad');
  const channels = shape[3]!;
  const positions = values[1]!.length / channels;
  const mean = Float64Array.from({ length: channels }, (_, c) => {
    let sum = 0;
    for (let position = 0; position < positions; position++) sum += values[1]![position * channels + c]!;
    return sum / positions;
  });
  const { tensors } = model.state();
  const [center, axes, variances] = ['mean', 'axes', 'variances'].map(
    (key) => tensors.get(`pooled.${key}`)!.data as Float32Array,
  ) as [Float32Array, Float32Array, Float32Array];
  // Along the axes by their variances, the rest by that of all other directions.
  const difference = mean.map((value, c) => value - center[c]!);
  let rest = difference.reduce((sum, value) => sum + value * value, 0);
  let square = 0;
  for (let axis = 0; axis < variances.length - 1; axis++) {
    const along = difference.reduce((sum, value, c) => sum + value * axes[axis * channels + c]!, 0);
    square += along ** 2 / variances[axis]!;
    rest -= along ** 2;
  }
  square += rest / variances.at(-1)!;
  const score = (await mapOf(model, [20])).at(-1)!;
  expectClose([score], [Math.sqrt(square)], { relative: 1e-3 });
});

test('puad refuses two images, efficientad a teacher whose positions are not its own', async () => {
  const method = methods.get('puad')!;
  const { trainingImages } = inputOf();
  const few = inputOf({ images: 2, trainingImages: { ...trainingImages, length: 2 } });
  await expect(method.fit(few, method.options.parse(OPTIONS))).rejects.toMatchObject({
    code: 'dataset-invalid',
  });
  const { extractor } = teacher;
  const odd: Teacher = {
    ...teacher,
    extractor: {
      ...extractor,
      levels: [{ name: 'odd', channels: 5, stride: 4 }],
      outputShapes: () => [[7, 7, 5]],
    },
  };
  expect(() =>
    methods
      .get('efficientad')!
      .estimate(inputOf({ teacher: odd, inputSize: [64, 64] }), method.options.parse({})),
  ).toThrow(/has 7x7 positions/);
});

test('with a patch network as teacher, positions are those within the image, and the border has what is beside it', async () => {
  // As pdn-small: 64 pixels give 8 positions, the first centered at pixel 16.
  const side = 64;
  const patches: Teacher = {
    ...teacher,
    extractor: {
      ...teacher.extractor,
      name: 'patches',
      levels: [{ name: 'patches', channels: 3, stride: 4 }],
      outputShapes: () => [[8, 8, 3]],
      extract: (images) =>
        Promise.resolve([
          tf.tidy(() =>
            tf.avgPool(tf.slice(images, [0, 16, 16, 0], [images.shape[0], 32, 32, 3]), 4, 4, 'valid'),
          ),
        ]),
    },
  };
  const trainingImages: ImageSet = {
    length: 4,
    changesEachEpoch: false,
    batch: (indices) =>
      Promise.resolve(
        tf.tidy(() => {
          const images = tinyBatch(indices);
          return tf.tile(images, [1, 2, 2, 1]);
        }),
      ),
  };
  const { model } = await fit(
    'efficientad',
    { teacher: patches, inputSize: [side, side], images: 4, trainingImages },
    OPTIONS,
  );
  const [{ student }] = model.state().config.students as unknown as [
    { student: { padded: boolean; channels: number } },
  ];
  expect(student).toMatchObject({ padded: false, channels: 3 });
  const images = await trainingImages.batch([1], 0);
  const [local, global] = await model.score(images);
  const values = await local!.map!.data();
  expect(local!.map!.shape).toEqual([1, side, side]);
  // Rows up to the center of the first position are alike, the last ones from that of the last.
  const row = (y: number): Float32Array => values.slice(y * side, (y + 1) * side) as Float32Array;
  expect(row(0)).toEqual(row(17));
  expect(row(0)).not.toEqual(row(21));
  expect(row(63)).toEqual(row(46));
  tf.dispose([images, local!.map!, global!.map!]);
  model.dispose();
});

/** Error and variance of the students of `us` with patches of one side, for one image: `[8, 8]` each, in float64. */
async function uninformedMaps(side: number, index: number): Promise<{ error: number[]; variance: number[] }> {
  const { config, tensors } = fits.get('us')!.model.state();
  const input = config.input as unknown as InputTransform;
  const [mean, deviation] = ['mean', 'deviation'].map(
    (key) => tensors.get(`embedding.${key}`)!.data as Float32Array,
  );
  const plan = planEmbedding(teacher.extractor, [32, 32], 64);
  const embedding = new TeacherEmbedding(teacher.extractor, plan, { mean: mean!, deviation: deviation! });
  const image = tinyBatch([index]);
  const features = await imageExtractor(input, embedding).extract(image);
  const target = await features[1]!.data();
  const predictions: Float32Array[] = [];
  const students = config.students as unknown as {
    name: string;
    student: ImageStudentOptions & { side: number };
  }[];
  for (const { name, student: options } of students.filter(({ student }) => student.side === side)) {
    const student = createImageStudent(options);
    const prefix = `networks.${name}.`;
    const own = [...tensors].filter(([key]) => key.startsWith(prefix));
    student.loadStateDict(new Map(own.map(([key, entry]) => [key.slice(prefix.length), entry])));
    const [output] = student.forward(features, { training: false });
    predictions.push(await output!.data<'float32'>());
    output!.dispose();
    student.dispose();
  }
  expect(predictions).toHaveLength(2);
  tf.dispose([image, ...features]);
  embedding.dispose();
  const [one, other] = predictions as [Float32Array, Float32Array];
  const sums = (of: (at: number) => number): number[] =>
    Array.from({ length: 64 }, (_, position) => {
      let sum = 0;
      for (let c = 0; c < 64; c++) sum += of(64 * position + c);
      return sum;
    });
  return {
    error: sums((at) => ((one[at]! + other[at]!) / 2 - target[at]!) ** 2),
    // Mean of squares minus square of the mean.
    variance: sums((at) => (one[at]! ** 2 + other[at]! ** 2) / 2 - ((one[at]! + other[at]!) / 2) ** 2),
  };
}

function momentsOf(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / values.length) };
}

test('the map of us is the mean over patches of error and variance, by their constants on an image kept back', async () => {
  const { model, record } = fits.get('us')!;
  expect(record.constantsImages).toBe(1);
  const constants = model.state().config.constants as unknown as Record<
    string,
    Record<'error' | 'variance', { mean: number; deviation: number }>
  >;
  const [kept] = randomStream(3, 'constants').shuffle([0, 1, 2, 3, 4, 5, 6, 7]);
  const wanted = new Array<number>(64).fill(0);
  for (const side of [17, 33]) {
    const [ofKept, ofImage] = [await uninformedMaps(side, kept), await uninformedMaps(side, 20)];
    for (const kind of ['error', 'variance'] as const) {
      const own = constants[side]![kind];
      const measured = momentsOf(ofKept[kind]);
      expectClose([own.mean, own.deviation], [measured.mean, measured.deviation], { relative: 1e-4 });
      for (const [at, value] of ofImage[kind].entries())
        wanted[at]! += (value - own.mean) / own.deviation / 2;
    }
  }
  const map = Array.from({ length: 32 * 32 }, (_, i) => atPixel(wanted, [8, 8], Math.floor(i / 32), i % 32));
  expectClose(await mapOf(model, [20]), map, { absolute: 1e-3 });
});

test('us refuses two images, patches twice, and constants that are missing', async () => {
  const method = methods.get('us')!;
  const few = inputOf({ images: 2 });
  await expect(method.fit(few, method.options.parse({}))).rejects.toMatchObject({ code: 'dataset-invalid' });
  for (const wrong of [{ patches: [17, 17] }, { patches: [] }, { patches: [65] }, { students: 1 }]) {
    expect(method.options.safeParse(wrong).success).toBe(false);
  }
  const saved = fits.get('us')!.model.state();
  const config = { ...saved.config, constants: {} };
  await expect(method.restore({ ...saved, config }, { inputSize: [32, 32], teacher })).rejects.toMatchObject({
    code: 'artifact-invalid',
  });
});
