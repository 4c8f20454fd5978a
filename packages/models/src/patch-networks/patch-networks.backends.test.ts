import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  integerFill,
  readGolden,
  TOLERANCES,
  useBackend,
} from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import type { StateDict } from '@dskd/weights';
import {
  createImageStudent,
  summarizeImageStudent,
  type ImageStudent,
  type ImageStudentOptions,
} from '../index.js';
import { decoderSides } from '../image-students/efficientad.js';
import { NetworkPlan } from '../layers/network-plan.js';
import { planSizes } from '../layers/plan-sizes.js';
import { pdnNetwork } from './patch-layers.js';
import { planPatchNetwork } from './plan-patch-network.js';

const golden = await readGolden(new URL('../../test/fixtures/patch-networks.safetensors', import.meta.url));
const BATCH = Number(golden.metadata.batch);
const SAMPLES = Number(golden.metadata.samples);
const CASES = JSON.parse(golden.metadata.cases!) as Record<string, ImageStudentOptions>;
const COUNTS = JSON.parse(golden.metadata.counts!) as Record<string, number>;

function sample(values: ArrayLike<number>): number[] {
  const count = Math.min(SAMPLES, values.length);
  return Array.from({ length: count }, (_, i) => values[Math.floor((i * values.length) / count)]!);
}

function filled(name: string, shape: [number, number, number, number], less = 0): tf.Tensor4D {
  return tf.tensor4d(
    integerFill(name, shape).map((value) => value - less),
    shape,
  );
}

/** With every weight from the formula of tools/golden/patch_networks.py. */
async function filledStudent(options: ImageStudentOptions): Promise<ImageStudent> {
  const student = createImageStudent(options, { blank: true });
  const state: StateDict = new Map();
  for (const [name, { dtype, shape }] of await student.stateDict()) {
    state.set(name, { dtype, shape, data: integerFill(name, shape) });
  }
  student.loadStateDict(state);
  return student;
}

/** Noise; for EfficientAD above other noise, which stands for what is made of the images. */
function imagesFor({ kind, inputSize }: ImageStudentOptions): tf.Tensor4D {
  const shape: [number, number, number, number] = [BATCH, inputSize[0], inputSize[1], 3];
  const names = kind === 'efficientad' ? ['images', 'changed'] : ['images'];
  return tf.tidy(() =>
    tf.concat(
      names.map((name) => filled(`${name}.running_var`, shape, 0.5)),
      1,
    ),
  );
}

/** A gradient in torch's layout. */
function torchLayout(gradient: tf.Tensor): tf.Tensor {
  return gradient.rank === 4 ? tf.transpose(gradient, [3, 2, 0, 1]) : gradient.clone();
}

describeBackends('patch networks', (backend) => {
  let undo: () => void;
  beforeAll(() => (undo = registerWasmGradients()));
  afterAll(() => undo());
  const relative = TOLERANCES[backend].network;

  // The cpu backend takes seconds for the others, a software GPU half a minute: of these the poolings and the gradient of a
  // convolution, and one network of EfficientAD.
  const SLOW: Partial<Record<typeof backend, readonly string[]>> = {
    cpu: ['patch-33'],
    webgpu: ['patch-33', 'small'],
  };
  const names = Object.keys(CASES).filter((name) => SLOW[backend]?.includes(name) ?? true);

  test.each(names)('%s gives the values and gradients of torch', async (name) => {
    await expectNoNewTensors(async () => {
      const options = CASES[name]!;
      const student = await filledStudent(options);
      const images = imagesFor(options);
      const outputs = student.forward([images], { training: true });
      const factors: tf.Tensor4D[] = [];
      for (const [index, output] of outputs.entries()) {
        const key = `${name}/output${index}`;
        expect(output.shape).toEqual([...golden.array(`${key}/shape`).data]);
        expect(output.shape.slice(1)).toEqual([...student.outputShapes[0]!]);
        expectClose(sample(await output.data()), golden.array(key).data, { relative });
        factors.push(filled(`factor.${index}`, output.shape));
      }
      expect(outputs).toHaveLength(options.kind === 'efficientad' ? 3 : 1);
      const { value, grads } = tf.variableGrads(() => {
        const again = student.forward([images], { training: true });
        return tf.addN<tf.Scalar>(again.map((y, index) => tf.sum(tf.mul(y, factors[index]!))));
      }, [...student.parameters.values()]);
      const gradients: number[] = [];
      for (const parameter of [...student.parameters.keys()].sort()) {
        const gradient = torchLayout(grads[student.parameters.get(parameter)!.name]!);
        gradients.push(...sample(await gradient.data()));
        gradient.dispose();
      }
      expectClose(gradients, golden.array(`${name}/gradients`).data, { relative });
      tf.dispose([value, images, ...outputs, ...factors, ...Object.values(grads)]);
      student.dispose();
    });
  });

  if (backend === 'cpu') return;

  test('in training a step leaves out values and sees penalty images, by seed and step', async () => {
    await expectNoNewTensors(async () => {
      const options = CASES['small-padded']!;
      const [student, other] = [await filledStudent(options), await filledStudent({ ...options, seed: 2 })];
      const images = imagesFor(options);
      const run = async (step?: number, which = student): Promise<number[][]> => {
        const position = step === undefined ? {} : { position: { epoch: 0, step } };
        const outputs = which.forward([images], { training: true, ...position });
        const values = await Promise.all(outputs.map(async (output) => [...(await output.data())]));
        tf.dispose(outputs);
        return values;
      };
      const [own, ofTarget, ofAutoencoder, ...none] = await run();
      expect(none).toEqual([]);
      const first = await run(7);
      expect(first).toHaveLength(4);
      expect([first[0], first[2]]).toEqual([own, ofAutoencoder]);
      expect(first[1]).not.toEqual(ofTarget);
      expect(await run(7)).toEqual(first);
      for (const others of [await run(8), await run(7, other)]) {
        expect(others[0]).toEqual(own);
        expect(others[1]).not.toEqual(first[1]);
        expect(others[3]).not.toEqual(first[3]);
      }
      // Images of the size itself stand for both.
      const alone = tf.tidy(() => tf.slice(images, [0, 0, 0, 0], [BATCH, 64, 96, 3]));
      const outputs = student.forward([alone], { training: false, position: { epoch: 0, step: 7 } });
      expect([...(await outputs[0]!.data())]).toEqual(own);
      expect(outputs).toHaveLength(3);
      tf.dispose([images, alone, ...outputs]);
      student.dispose();
      other.dispose();
    });
  });
});

test('the networks of the paper have the parameters of its public code', () => {
  const counted = (size: 'small' | 'medium', widths: [number, number], outputs: number) => {
    const plan = new NetworkPlan();
    const network = pdnNetwork(size, { widths, outputs, padded: false });
    const { shape } = planPatchNetwork(plan, 'student', [256, 256, 3], network);
    return { shape, parameters: planSizes(plan).parameters };
  };
  expect(counted('small', [128, 256], 384)).toEqual({
    shape: [56, 56, 384],
    parameters: COUNTS['pdn-small'],
  });
  expect(counted('medium', [256, 512], 384).parameters).toBe(COUNTS['pdn-medium']);
  expect(counted('small', [128, 256], 768).parameters).toBe(COUNTS['student-small']);
  expect(counted('medium', [256, 512], 768)).toEqual({
    shape: [56, 56, 768],
    parameters: COUNTS['student-medium'],
  });
  for (const [network, widths] of [['small', [128, 256]], ['medium', [256, 512]]] as const) {
    const whole = summarizeImageStudent({
      kind: 'efficientad',
      inputSize: [256, 256],
      network,
      widths,
      padded: false,
      channels: 384,
      autoencoder: [32, 64],
      dropout: 0.2,
      penaltyImages: 1,
      seed: 1,
    });
    expect(whole.parameters).toBe(COUNTS[`student-${network}`]! + COUNTS.autoencoder!);
    expect(whole.outputShapes).toEqual([[56, 56, 384]]);
  } // prettier-ignore
});

test('the decoder has the sides of the public code', () => {
  expect(decoderSides(256)).toEqual([3, 8, 15, 32, 63, 127]);
  expect(decoderSides(64)).toEqual([1, 2, 3, 8, 15, 31]);
});

test.each([64, 65, 66, 67])('a padded network gives a position for each 4 of %i pixels', (side) => {
  const network = pdnNetwork('small', { widths: [4, 4], outputs: 4, padded: true });
  const { shape } = planPatchNetwork(new NetworkPlan(), 'student', [side, 32, 3], network);
  expect(shape).toEqual([Math.ceil(side / 4), 8, 4]);
});

test('images that are smaller than a patch, or of another size, are refused', async () => {
  await useBackend('wasm');
  const network = pdnNetwork('small', { widths: [4, 4], outputs: 4, padded: false });
  expect(() => planPatchNetwork(new NetworkPlan(), 'student', [32, 64, 3], network)).toThrow(
    /has no positions/,
  );
  const student = createImageStudent(CASES['patch-17']!);
  const images = tf.zeros<tf.Rank.R4>([1, 60, 41, 3]);
  expect(() => student.forward([images], { training: false })).toThrow(/wanted \[batch, 30, 41, 3\]/);
  images.dispose();
  student.dispose();
});
