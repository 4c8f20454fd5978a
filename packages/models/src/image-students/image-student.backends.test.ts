import * as tf from '@tensorflow/tfjs';
import { describeBackends, expectNoNewTensors, useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { noiseImages } from '../backbones/golden.test.util.js';
import { skipWeight, type AutoencoderOptions } from './autoencoder.js';
import {
  createImageStudent,
  summarizeImageStudent,
  type BackboneStudentOptions,
  type ImageStudentOptions,
} from './image-student.js';

const AUTOENCODER: AutoencoderOptions = {
  kind: 'autoencoder',
  inputSize: [20, 28],
  widths: [4, 6, 8],
  latent: 5,
  variational: false,
  slope: 0.1,
  skips: { epochs: 6, order: 'sequential' },
  seed: 3,
};
const STUDENT: BackboneStudentOptions = {
  kind: 'backbone',
  backbone: 'teacher-tiny',
  width: 0.5,
  inputSize: [32, 40],
  heads: { layer1: 7, layer3: 9 },
  levels: ['layer1', 'layer3'],
  seed: 2,
};

const GCAD = {
  kind: 'gcad',
  inputSize: [16, 12],
  target: [4, 3, 5],
  unetWidths: [3, 4, 5, 6],
  widths: [3, 4],
  latent: 4,
  global: 2,
  bridge: 4,
  skips: { epochs: 2, order: 'together' },
  globalFrom: 1,
  seed: 2,
} as const satisfies ImageStudentOptions;

// For the tests outside of the suite, which may not run on the backend of the tier.
beforeAll(() => useBackend('cpu'));

test('skips fade one after the other, the finest first, or together', () => {
  const weights = (order: 'sequential' | 'together', epoch: number): number[] =>
    [0, 1, 2].map((level) => skipWeight({ epochs: 6, order }, 3, level, epoch));
  expect([0, 1, 2, 3, 4, 5, 6, 99].map((epoch) => weights('sequential', epoch))).toEqual([
    [1, 1, 1],
    [0.5, 1, 1],
    [0, 1, 1],
    [0, 0.5, 1],
    [0, 0, 1],
    [0, 0, 0.5],
    [0, 0, 0],
    [0, 0, 0],
  ]);
  expect([0, 3, 6, 7].map((epoch) => weights('together', epoch))).toEqual([
    [1, 1, 1],
    [0.5, 0.5, 0.5],
    [0, 0, 0],
    [0, 0, 0],
  ]);
});

test('the paper-sized autoencoder has the parameters and the cost of its layers', () => {
  const { parameters, gmac, outputShapes } = summarizeImageStudent({
    ...AUTOENCODER,
    inputSize: [256, 256],
    widths: [32, 64, 128, 256, 512],
    latent: 32,
    skips: null,
  });
  // [inputs, outputs, taps for each output, side of the output], and the kernel of a doubling has four times the taps.
  const layers = [
    ...[3, 32, 64, 128, 256].map((inputs, i) => [inputs, 32 * 2 ** i, 16, 128 / 2 ** i, 16]),
    [64 * 512, 32, 1, 1, 1],
    [32, 512, 1, 8, 64],
    ...[512, 256, 128, 64, 32].map((inputs, i) => [inputs, Math.max(32, inputs / 2), 4, 16 * 2 ** i, 16]),
    [32, 3, 9, 256, 9],
  ] as [number, number, number, number, number][];
  const total = (of: (...layer: [number, number, number, number, number]) => number): number =>
    layers.reduce((sum, layer) => sum + of(...layer), 0);
  expect(parameters).toBe(
    total((inputs, outputs, _taps, _side, kernel) => inputs * outputs * kernel + outputs),
  );
  expect(gmac).toBeCloseTo(
    total((inputs, outputs, taps, side) => inputs * outputs * taps * side ** 2) / 1e9,
    9,
  );
  expect(outputShapes).toEqual([[256, 256, 3]]);
});

test('the autoencoder for structural similarity has the published layers, one more at 256 pixels', () => {
  const options = { kind: 'ssim-autoencoder', channels: 1, width: 32, latent: 100, seed: 1 } as const;
  // [inputs, outputs, side of the kernel, side of the output] of the encoder; the decoder is its mirror.
  const layers = (size: number): number[][] => [
    [1, 32, 4, size / 2],
    ...(size === 256 ? [[32, 32, 4, 64], [32, 32, 4, 32]] : [[32, 32, 4, 32]]),
    [32, 32, 3, 32],
    [32, 64, 4, 16],
    [64, 64, 3, 16],
    [64, 128, 4, 8],
    [128, 64, 3, 8],
    [64, 32, 3, 8],
    [32, 100, 8, 1],
  ]; // prettier-ignore
  for (const size of [128, 256]) {
    const { parameters, gmac, outputShapes } = summarizeImageStudent({ ...options, inputSize: [size, size] });
    const counts = layers(size).map(([inputs, outputs, kernel, side]) => ({
      weights: inputs! * outputs! * kernel! ** 2,
      biases: inputs! + outputs!,
      macs: inputs! * outputs! * (kernel! * side!) ** 2,
    }));
    const sum = (of: (layer: (typeof counts)[number]) => number): number =>
      counts.reduce((total, layer) => total + of(layer), 0);
    // The biases of the encoder are those of its outputs, of the decoder those of its mirrored inputs.
    expect(parameters).toBe(sum(({ weights, biases }) => 2 * weights + biases));
    expect(gmac).toBeCloseTo(sum(({ macs }) => 2 * macs) / 1e9, 9);
    expect(outputShapes).toEqual([[size, size, 1]]);
  }
});

test('the published autoencoder with a memory has the layers of its code', () => {
  const { parameters, buffers, outputShapes } = summarizeImageStudent({
    kind: 'memory-autoencoder',
    inputSize: [256, 256],
    widths: [64, 128, 256, 512],
    items: 10,
    seed: 1,
  });
  // Reconstruction.py: pairs of the encoder, pairs of the decoder and their transposed convolutions, [inputs, outputs].
  const normalized = [
    ...[[3, 64], [64, 64], [64, 128], [128, 128], [128, 256], [256, 256], [256, 512]],
    ...[[1024, 512], [512, 512], [512, 512], [512, 256], [256, 256], [256, 256], [256, 128], [128, 128]],
    ...[[128, 128], [128, 64], [64, 64]],
  ] as [number, number][]; // prettier-ignore
  const channels = normalized.reduce((sum, [, outputs]) => sum + outputs, 0);
  const weights = normalized.reduce((sum, [inputs, outputs]) => sum + 9 * inputs * outputs, 0);
  expect(parameters).toBe(weights + 2 * channels + (9 * 512 * 512 + 512) + (9 * 64 * 3 + 3));
  expect(buffers).toBe(2 * channels + 10 * 512);
  expect(outputShapes).toEqual([[256, 256, 3]]);
});

test('a cloner of four levels has the convolutions of the published one', () => {
  const levels = [4, 8, 16, 32].map((stride, i) => ({ stride, channels: [128, 256, 512, 512][i]! }));
  const options = { kind: 'cloner', inputSize: [128, 128], width: 16, levels, seed: 1 } as const;
  const { parameters, buffers, outputShapes } = summarizeImageStudent(options);
  // rohban-lab's config.yaml: [16, 16, P, 16, 128, P, 16, 16, 256, P, 16, 16, 512, P, 16, 16, 512, P].
  const stages = [
    [3, 16, 16],
    [16, 16, 128],
    [128, 16, 16, 256],
    [256, 16, 16, 512],
    [512, 16, 16, 512],
  ];
  const weights = stages.map((stage) =>
    stage.slice(1).reduce((sum, outputs, i) => sum + 9 * stage[i]! * outputs, 0),
  );
  const normalized = stages.reduce((sum, stage) => sum + 16 * (stage.length - 2), 0);
  expect(parameters).toBe(weights.reduce((sum, each) => sum + each, 2 * normalized));
  expect(buffers).toBe(2 * normalized);
  expect(outputShapes).toEqual([
    [32, 32, 128],
    [16, 16, 256],
    [8, 8, 512],
    [4, 4, 512],
  ]);
  const odd = { ...options, inputSize: [27, 20], levels: levels.slice(0, 2) } as const;
  expect(summarizeImageStudent(odd).outputShapes.map(([h, w]) => [h, w])).toEqual([
    [7, 5],
    [4, 3],
  ]);
  expect(() => summarizeImageStudent({ ...options, levels: levels.slice().reverse() })).toThrow(
    /stride 32 to stride 16/,
  );
});

async function bits(tensors: readonly tf.Tensor[]): Promise<number[][]> {
  return Promise.all(tensors.map(async (tensor) => [...(await tensor.data())]));
}

describeBackends('networks of images', () => {
  let undo: () => void;
  beforeAll(() => (undo = registerWasmGradients()));
  afterAll(() => undo());

  test('skips change an autoencoder only while they fade, and its state is without them', async () => {
    await expectNoNewTensors(async () => {
      const images = noiseImages(2, 20, 28);
      const student = createImageStudent(AUTOENCODER);
      const at = async (epoch?: number): Promise<number[][]> => {
        const position = epoch === undefined ? {} : { position: { epoch, step: 7 } };
        const output = student.forward([images], { training: true, ...position });
        const values = await bits(output);
        expect(output.map(({ shape }) => shape)).toEqual([images.shape]);
        tf.dispose(output);
        return values;
      };
      const finished = await at();
      expect(await at(6)).toEqual(finished);
      expect(await at(0)).not.toEqual(finished);
      expect(await at(5)).not.toEqual(finished);
      const evaluated = student.forward([images], { training: false, position: { epoch: 0, step: 0 } });
      expect(await bits(evaluated)).toEqual(finished);

      const state = await student.stateDict();
      expect([...state.keys()].filter((name) => name.startsWith('skips'))).toEqual([]);
      expect(student.parameters.has('skips.1.weight')).toBe(true);
      expect(student.config).toEqual({ ...AUTOENCODER, skips: null });
      const copy = createImageStudent(student.config, { blank: true });
      copy.loadStateDict(state);
      const again = copy.forward([images], { training: false });
      expect(await bits(again)).toEqual(finished);
      tf.dispose([images, ...evaluated, ...again]);
      student.dispose();
      copy.dispose();
    });
  });

  test('a variational one draws by seed and step in training, and takes the mean otherwise', async () => {
    const images = noiseImages(2, 20, 28);
    const make = (seed: number) =>
      createImageStudent({ ...AUTOENCODER, variational: true, skips: null, seed });
    const [student, other] = [make(3), make(4)];
    other.loadStateDict(await student.stateDict());
    const run = async (which: typeof student, step?: number): Promise<number[][]> => {
      const position = step === undefined ? {} : { position: { epoch: 0, step } };
      const output = which.forward([images], { training: true, ...position });
      expect(output.map(({ shape }) => shape)).toEqual([images.shape, [2, 1, 1, 5], [2, 1, 1, 5]]);
      const values = await bits(output);
      tf.dispose(output);
      return values;
    };
    const [first] = await run(student, 8);
    expect((await run(student, 8))[0]).toEqual(first);
    expect((await run(student, 9))[0]).not.toEqual(first);
    expect((await run(other, 8))[0]).not.toEqual(first);
    expect((await run(other))[0]).toEqual((await run(student))[0]);
    expect((await run(student))[0]).not.toEqual(first);
    student.dispose();
    other.dispose();
    images.dispose();
  });

  test.each([
    ['autoencoder', AUTOENCODER, 1],
    ['autoencoder whose skips have faded', AUTOENCODER, 6],
    ['variational autoencoder', { ...AUTOENCODER, variational: true }, 1],
    [
      'autoencoder for structural similarity',
      { kind: 'ssim-autoencoder', inputSize: [16, 24], channels: 3, width: 3, latent: 5, seed: 2 },
      0,
    ],
    [
      'cloner',
      {
        kind: 'cloner',
        inputSize: [18, 16],
        width: 3,
        levels: [
          { stride: 2, channels: 5 },
          { stride: 8, channels: 4 },
          { stride: 8, channels: 2 },
        ],
        seed: 2,
      },
      0,
    ],
    [
      'autoencoder with a memory',
      { kind: 'memory-autoencoder', inputSize: [10, 12], widths: [3, 4, 5], items: 3, seed: 2 },
      0,
    ],
    ['networks of GCAD', GCAD, 1],
    // The fewest channels: the cpu backend takes seconds for more.
    ['backbone', { ...STUDENT, width: 0.1, inputSize: [16, 16] }, 0],
  ] as const)(
    '%s: every parameter receives a gradient, and nothing else is left',
    async (_, options, epoch) => {
      await expectNoNewTensors(async () => {
        const student = createImageStudent(options);
        const [height, width] = options.inputSize;
        const images = noiseImages(2, height, width);
        const { value, grads } = tf.variableGrads(() => {
          const position = { epoch, step: 0 };
          const outputs = student.forward([images], { training: true, position });
          return tf.addN<tf.Scalar>(outputs.map((output) => tf.mean(tf.square(tf.sub(output, 0.3)))));
        }, [...student.parameters.values()]);
        expect(Object.keys(grads)).toHaveLength(student.parameters.size);
        for (const [parameter, { name: variable }] of student.parameters) {
          const faded = epoch === 6 && parameter.startsWith('skips.');
          const values = await grads[variable]!.data<'float32'>();
          expect([parameter, values.some((x) => x !== 0)]).toEqual([parameter, !faded]);
        }
        tf.dispose([value, images, ...Object.values(grads)]);
        student.dispose();
      });
    },
  );
});

test('GCAD joins the regression of global features late, keeps no skips, and refuses a target of another stride', async () => {
  const student = createImageStudent(GCAD);
  expect(student.firstTarget).toBe(1);
  const images = noiseImages(2, 16, 12);
  const outputsAt = (epoch?: number): tf.Tensor4D[] =>
    student.forward([images], {
      training: true,
      ...(epoch !== undefined && { position: { epoch, step: 0 } }),
    });
  const largest = async (x: tf.Tensor): Promise<number> =>
    Math.max(...Array.from(await x.data(), (value) => Math.abs(value)));
  const [early, late, done] = [outputsAt(0), outputsAt(1), outputsAt()];
  for (const outputs of [early, late, done]) {
    expect(outputs.map(({ shape }) => shape)).toEqual([
      [2, 4, 3, 5],
      [2, 4, 3, 5],
      [2, 4, 3, 2],
      [2, 4, 3, 2],
    ]);
  }
  expect([await largest(early[2]!), await largest(early[3]!)]).toEqual([0, 0]);
  for (const x of [late[2]!, late[3]!, done[2]!, done[3]!]) expect(await largest(x)).toBeGreaterThan(0);
  expect(await early[0]!.data()).toEqual(await late[0]!.data());

  const state = await student.stateDict();
  expect([...state.keys()].filter((name) => name.includes('skips'))).toEqual([]);
  expect(student.config).toEqual({ ...GCAD, skips: null });
  const copy = createImageStudent(student.config, { blank: true });
  copy.loadStateDict(state);
  const again = copy.forward([images], { training: false });
  for (const [i, x] of again.entries()) expect(await x.data()).toEqual(await done[i]!.data());
  tf.dispose([images, ...early, ...late, ...done, ...again]);
  student.dispose();
  copy.dispose();
  expect(() => summarizeImageStudent({ ...GCAD, target: [5, 3, 5] })).toThrow(/wanted 4 x 3/);
  expect(() => summarizeImageStudent({ ...GCAD, unetWidths: [3, 4] })).toThrow(/more than 2 widths/);
});

test('a memory changes in a training step alone, and its items are those before the step', async () => {
  const student = createImageStudent({
    kind: 'memory-autoencoder',
    inputSize: [9, 8],
    widths: [3, 4],
    items: 2,
    seed: 2,
  });
  const images = noiseImages(2, 9, 8);
  const items = async (): Promise<number[]> => [...(await student.buffers.get('memory.items')!.data())];
  const before = await items();
  const position = { epoch: 0, step: 0 };
  for (const mode of [
    { training: false },
    { training: true },
    { training: false, position },
    { training: true, position, batchNormMomentum: 0 },
  ]) {
    const output = student.forward([images], mode);
    expect(output.map(({ shape }) => shape)).toEqual([
      [2, 9, 8, 3],
      [2, 5, 4, 4],
      [1, 1, 2, 4],
    ]);
    expect(await items()).toEqual(before);
    tf.dispose(output);
  }
  const output = student.forward([images], { training: true, position });
  expect(await items()).not.toEqual(before);
  const returned = [...(await output[2]!.data())];
  expect([...before].sort()).toEqual(returned.sort());
  const queries = await output[1]!.data<'float32'>();
  expect(Math.hypot(...queries.subarray(4, 8))).toBeCloseTo(1, 5);
  expect((await student.stateDict()).get('memory.items')!.shape).toEqual([2, 4, 1, 1]);
  tf.dispose([images, ...output]);
  student.dispose();
});

test('a backbone student predicts with the channels of its heads; another size is refused', () => {
  const student = createImageStudent(STUDENT);
  expect(student.firstTarget).toBe(1);
  expect(student.outputShapes).toEqual([
    [8, 10, 7],
    [2, 3, 9],
  ]);
  expect(student.parameters.get('conv1.weight')!.shape).toEqual([3, 3, 3, 16]);
  expect(student.parameters.get('layer1.0.conv1.weight')!.shape).toEqual([3, 3, 16, 24]);
  const images = noiseImages(1, 32, 32);
  expect(() => student.forward([images], { training: false })).toThrow(/wanted \[batch, 32, 40, 3\]/);
  images.dispose();
  student.dispose();
});
