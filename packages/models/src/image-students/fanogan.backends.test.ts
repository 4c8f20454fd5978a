import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  integerFill,
  readGolden,
  TOLERANCES,
} from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import type { StateDict } from '@dskd/weights';
import { condensing, smoothing } from '../layers/biased.js';
import { layerNormRelu } from '../layers/layer-norm.js';
import { NetworkPlan } from '../layers/network-plan.js';
import { loadState } from '../layers/state-dict.js';
import { planNetworks, type FanoganOptions } from './fanogan.js';
import { createImageStudent, summarizeImageStudent, type ImageStudent } from './image-student.js';
import { aheadAndBack, slopesBetween } from './slopes.js';

const golden = await readGolden(new URL('../../test/fixtures/fanogan.safetensors', import.meta.url));
const [BATCH, SAMPLES, WIDTH, LATENT] = ['batch', 'samples', 'width', 'latent'].map((key) =>
  Number(golden.metadata[key]),
) as [number, number, number, number];
const COUNTS = JSON.parse(golden.metadata.counts!) as Record<'generator' | 'encoder' | 'critic', number>;
const OPTIONS: FanoganOptions = {
  kind: 'fanogan',
  inputSize: [96, 80],
  width: WIDTH,
  latent: LATENT,
  features: true,
  trained: false,
  seed: 3,
};

function sample(values: ArrayLike<number>): number[] {
  const count = Math.min(SAMPLES, values.length);
  return Array.from({ length: count }, (_, i) => values[Math.floor((i * values.length) / count)]!);
}

function filled(name: string, shape: [number, number, number, number]): tf.Tensor4D {
  return tf.tensor4d(integerFill(name, shape), shape);
}

/** Images in -1..1, the generator's of tools/golden/fanogan.py. */
function images(count = BATCH): tf.Tensor4D {
  return tf.tidy(() => tf.sub(tf.mul(filled('images.running_var', [count, 64, 64, 1]), 2), 2));
}

/** With every weight from the formula of tools/golden/fanogan.py. */
function filledNetworks(): ReturnType<typeof planNetworks> {
  const networks = planNetworks(OPTIONS);
  networks.plan.allocate(null);
  const state: StateDict = new Map();
  for (const { spec } of networks.plan.slots) {
    const { name, torchShape: shape } = spec;
    state.set(name, { dtype: 'F32', shape, data: integerFill(name, shape) });
  }
  loadState(networks.plan.slots, state);
  return networks;
}

/** A gradient in torch's layout. */
function torchLayout(name: string, gradient: tf.Tensor): tf.Tensor {
  if (gradient.rank !== 4) return gradient.clone();
  return tf.transpose(gradient, name === 'generator.input.weight' ? [0, 3, 1, 2] : [3, 2, 0, 1]);
}

const FROZEN = { training: false, batchNormMomentum: 0 };
type Networks = ReturnType<typeof planNetworks>;

/** What each case of tools/golden/fanogan.py computes. */
const CASES: Readonly<Record<string, (networks: Networks) => tf.Tensor4D[]>> = {
  encoder({ encoder, generator, critic }) {
    const read = images();
    const vectors = encoder.apply(read, { training: true, batchNormMomentum: 0 });
    const reconstruction = generator.apply(vectors, FROZEN);
    return [reconstruction, ...[read, reconstruction].map((x) => critic!.features.apply(x, FROZEN))];
  },
  critic: ({ critic }) => [critic!.end.apply(critic!.features.apply(images(), FROZEN), FROZEN)],
  generator({ generator, critic }) {
    const made = generator.apply(filled('vectors', [BATCH, 1, 1, LATENT]), FROZEN);
    return [critic!.end.apply(critic!.features.apply(made, FROZEN), FROZEN)];
  },
};

/** A critic of one convolution, a layer norm with a ReLU and a dense layer, and the same of operations with second derivatives. */
function tinyCritics() {
  const plan = new NetworkPlan();
  const conv = smoothing(plan, 'conv', [5, 6, 1], { outputs: 3, slope: null });
  const norm = layerNormRelu(plan, 'norm', conv.shape);
  const end = condensing(plan, 'end', norm.shape, { outputs: 1, slope: null });
  plan.allocate(2);
  const variables = plan.slots.map(({ variable }) => variable);
  for (const [index, { spec, variable }] of plan.slots.entries()) {
    if (spec.layout !== 'vector') continue;
    tf.tidy(() =>
      variable.assign(tf.add(variable, tf.randomUniform(variable.shape, -0.3, 0.3, 'float32', index))),
    );
  }
  const critic = (x: tf.Tensor4D): tf.Tensor4D =>
    [conv, norm, end].reduce((y, layer) => layer.apply(y, FROZEN), x);
  const plain = (x: tf.Tensor4D): tf.Tensor => {
    const [kernel, kernelBias, gain, bias, weight, offset] = variables as [
      tf.Variable<tf.Rank.R4>,
      ...tf.Variable[],
    ];
    const y = tf.add<tf.Tensor4D>(tf.conv2d(x, kernel, 1, 'same'), kernelBias!);
    const centered = tf.sub(y, tf.mean(y, [1, 2, 3], true));
    const unit = tf.div(centered, tf.sqrt(tf.add(tf.mean(tf.square(centered), [1, 2, 3], true), 1e-5)));
    const hidden = tf.relu(tf.add(tf.mul(unit, gain!), bias!));
    const dense = tf.sum(tf.mul(hidden, tf.reshape(weight!, [1, 5, 6, 3])), [1, 2, 3]);
    return tf.add(dense, offset!);
  };
  return { plan, variables, critic, plain };
}

describeBackends(
  'f-AnoGAN',
  (backend) => {
    let undo: () => void;
    beforeAll(() => (undo = registerWasmGradients()));
    afterAll(() => undo());
    const relative = TOLERANCES[backend].network;

    // A software GPU takes minutes for the others, whose kernels are those of other networks.
    const cases = Object.keys(CASES).filter((group) => backend !== 'webgpu' || group === 'critic');
    test.each(cases)('%s: values and gradients are those of torch', async (group) => {
      await expectNoNewTensors(async () => {
        const networks = filledNetworks();
        const run = CASES[group]!;
        const outputs = tf.tidy(() => run(networks));
        for (const [index, output] of outputs.entries()) {
          expect(output.shape).toEqual([...golden.array(`${group}/output${index}/shape`).data]);
          expectClose(sample(await output.data()), golden.array(`${group}/output${index}`).data, {
            relative,
          });
        }
        const own = networks.plan.slots
          .filter(({ spec }) => spec.trainable && spec.name.startsWith(`${group}.`))
          .sort((a, b) => (a.spec.name < b.spec.name ? -1 : 1));
        const { value, grads } = tf.variableGrads(
          () =>
            tf.addN<tf.Scalar>(
              run(networks).map((y, index) => tf.sum(tf.mul(y, filled(`factor.${index}`, y.shape)))),
            ),
          own.map(({ variable }) => variable),
        );
        const gradients: number[] = [];
        for (const { spec, variable } of own) {
          const gradient = torchLayout(spec.name, grads[variable.name]!);
          gradients.push(...sample(await gradient.data()));
          gradient.dispose();
        }
        expectClose(gradients, golden.array(`${group}/gradients`).data, { relative });
        tf.dispose([value, ...outputs, ...Object.values(grads)]);
        networks.plan.dispose();
      });
    });

    test("the length of a critic's gradient and its derivative are those of nested gradients", async () => {
      await expectNoNewTensors(async () => {
        const { plan, variables, critic, plain } = tinyCritics();
        const points = tf.tidy(() => tf.sub<tf.Tensor4D>(filled('points.running_var', [4, 5, 6, 1]), 1));
        // Small, so that no ReLU turns within it.
        const step = 2e-4;
        const penalty = (lengths: tf.Tensor): tf.Scalar => tf.mean(tf.square(tf.sub(lengths, 1)));
        const nested = (): tf.Tensor => {
          const gradient = tf.grad((x) => tf.sum(plain(x as tf.Tensor4D)))(points);
          return tf.sqrt(tf.sum(tf.square(gradient), [1, 2, 3]));
        };
        const ours = (): tf.Tensor4D => {
          const [ahead, back] = aheadAndBack(critic, points, step);
          return slopesBetween(critic(ahead), critic(back), points, step);
        };
        const [wanted, got] = tf.tidy(() => [nested(), ours()] as const);
        expectClose(await got.data(), await wanted.data(), { relative: 2e-3 });
        const byNested = tf.variableGrads(() => penalty(nested()), variables);
        const byOurs = tf.variableGrads(() => penalty(ours()), variables);
        expectClose(await byOurs.value.data(), await byNested.value.data(), { relative: 2e-3 });
        for (const { spec, variable } of plan.slots) {
          // What is added to every value has no slope.
          if (spec.name === 'end.bias') continue;
          const [ofOurs, ofNested] = [byOurs.grads[variable.name]!, byNested.grads[variable.name]!];
          expectClose(await ofOurs.data(), await ofNested.data(), { relative: 2e-2, absolute: 1e-4 });
          const largest = Math.max(...Array.from(await ofNested.data(), Math.abs));
          // Where no ReLU turns, the layer norm's bias does not change a slope.
          if (spec.name !== 'norm.bias') expect(largest).toBeGreaterThan(1e-3);
        }
        tf.dispose([points, wanted, got, byNested.value, byOurs.value]);
        tf.dispose([...Object.values(byNested.grads), ...Object.values(byOurs.grads)]);
        plan.dispose();
      });
    });

    if (backend !== 'wasm') return;

    test('a pass returns what its group needs, by seed and step, and changes the statistics of networks that it trains', async () => {
      const student = createImageStudent(OPTIONS);
      const other = createImageStudent({ ...OPTIONS, seed: 4 });
      other.loadStateDict(await student.stateDict());
      const read = images();
      const run = async (
        which: ImageStudent,
        mode: Parameters<ImageStudent['forward']>[1],
      ): Promise<number[][]> => {
        const outputs = which.forward([read], mode);
        const values = await Promise.all(outputs.map(async (output) => [...(await output.data())]));
        tf.dispose(outputs);
        return values;
      };
      const buffersOf = async (which: ImageStudent, group: string): Promise<number[][]> =>
        Promise.all(
          [...which.buffers]
            .filter(([name]) => name.startsWith(group))
            .map(async ([, buffer]) => [...(await buffer.data())]),
        );
      const at = (group: string, step: number) =>
        ({ training: true, batchNormMomentum: 0, position: { epoch: 0, step, group } }) as const;
      for (const group of ['critic', 'generator']) {
        const first = await run(student, at(group, 7));
        expect(first.map(({ length }) => length)).toEqual(
          group === 'critic' ? [BATCH, BATCH, BATCH] : [BATCH],
        );
        expect(await run(student, at(group, 7))).toEqual(first);
        const made = group === 'critic' ? 1 : 0;
        expect((await run(student, at(group, 8)))[made]).not.toEqual(first[made]);
        expect((await run(other, at(group, 7)))[made]).not.toEqual(first[made]);
      }
      const [reconstruction, ofImage, ofReconstruction] = await run(student, { training: false });
      expect(reconstruction!.every((value) => Math.abs(value) <= 1)).toBe(true);
      expect([ofImage!.length, ofReconstruction!.length]).toEqual([0, 1].map(() => BATCH * 16 * 8 * WIDTH));

      const [ofGenerator, ofEncoder] = [
        await buffersOf(student, 'generator'),
        await buffersOf(student, 'encoder'),
      ];
      await run(student, { training: true, position: { epoch: 0, step: 1, group: 'encoder' } });
      expect(await buffersOf(student, 'generator')).toEqual(ofGenerator);
      expect(await buffersOf(student, 'encoder')).not.toEqual(ofEncoder);
      await run(student, { training: true, position: { epoch: 0, step: 1, group: 'critic' } });
      expect(await buffersOf(student, 'generator')).not.toEqual(ofGenerator);
      expect([...student.buffers.keys()].filter((name) => name.startsWith('critic'))).toEqual([]);

      // Trained and not asked for features, it has no critic.
      const plain = createImageStudent({ ...OPTIONS, features: false });
      expect(plain.config).toEqual({ ...OPTIONS, features: false, trained: true });
      const state = await plain.stateDict();
      expect([...state.keys()].filter((name) => name.startsWith('critic'))).toEqual([]);
      const after = createImageStudent(plain.config, { blank: true });
      after.loadStateDict(state);
      const [again, ...none] = await run(after, { training: false });
      expect(none).toEqual([]);
      expect(again).toEqual((await run(plain, { training: false }))[0]);
      read.dispose();
      for (const each of [student, other, plain, after]) each.dispose();
    });
  },
  { cpu: 'slow' },
);

test('the published networks have the parameters of the public code', () => {
  const { parameters, inputShape, outputShapes } = summarizeImageStudent({
    ...OPTIONS,
    width: 64,
    latent: 128,
  });
  expect(parameters).toBe(COUNTS.generator + COUNTS.encoder + COUNTS.critic);
  expect([inputShape, outputShapes]).toEqual([[64, 64, 1], [[64, 64, 1]]]);
  // By hand: a block of i to o channels, normalized by two vectors of each norm, of the middle m channels.
  const block = (i: number, o: number, m: number): number =>
    i * o + o + 2 * i + 2 * m + 9 * i * m + 9 * m * o + o;
  const down = (outputs: number): number => {
    const widths = [64, 128, 256, 512, 512];
    const blocks = [0, 1, 2, 3].map((k) => block(widths[k]!, widths[k + 1]!, widths[k]!));
    return 9 * 64 + 64 + blocks.reduce((sum, each) => sum + each, 0) + 4 * 4 * 512 * outputs + outputs;
  };
  expect([down(1), down(128)]).toEqual([COUNTS.critic, COUNTS.encoder]);
  const widths = [512, 512, 256, 128, 64];
  const up = [0, 1, 2, 3].map((k) => block(widths[k]!, widths[k + 1]!, widths[k + 1]!));
  // The first bias is one for each channel here, one for each of 4x4 positions there.
  const around = 128 * 4 * 4 * 512 + 512 + 2 * 64 + 9 * 64 + 1;
  expect(up.reduce((sum, each) => sum + each, around)).toBe(COUNTS.generator);
  const after = (features: boolean): number =>
    summarizeImageStudent({ ...OPTIONS, width: 64, latent: 128, features, trained: true }).parameters;
  expect(after(true)).toBe(parameters);
  expect(after(false)).toBe(COUNTS.generator + COUNTS.encoder);
});
