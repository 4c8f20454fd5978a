import * as tf from '@tensorflow/tfjs';
import { describeBackends, expectNoNewTensors } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { noiseImages } from '../backbones/golden.test.util.js';
import { skipWeight, type AutoencoderOptions } from './autoencoder.js';
import { createImageStudent, summarizeImageStudent, type BackboneStudentOptions } from './image-student.js';

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
