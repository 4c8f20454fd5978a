import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  integerFill,
  TOLERANCES,
} from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { condensing, doubling, halving, leakyRelu, restoring, smoothing } from './biased.js';
import { NetworkPlan, type Layer, type MapShape } from './network-plan.js';
import { loadState, readState } from './state-dict.js';

type Size = readonly [number, number];

/** A map of one image, zero outside. */
type Read = (row: number, column: number, channel: number) => number;

function reader(values: ArrayLike<number>, [height, width, channels]: MapShape): Read {
  return (row, column, channel) =>
    row < 0 || column < 0 || row >= height || column >= width
      ? 0
      : values[(row * width + column) * channels + channel]!;
}

/** Every tap of a kernel of `rows` x `columns`. */
function* taps([rows, columns]: Size): Generator<[number, number]> {
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) yield [i, j];
}

/** torch's Conv2d in float64, weights `[outputs, inputs, ...kernel]`. */
function conv(
  x: Read,
  w: ArrayLike<number>,
  b: ArrayLike<number>,
  { kernel, stride, padding, inputs, size, outputs }: Convolution,
): number[] {
  const result: number[] = [];
  for (const [row, column] of taps(size)) {
    for (let o = 0; o < outputs; o++) {
      let sum = b[o]!;
      for (let c = 0; c < inputs; c++) {
        for (const [i, j] of taps(kernel)) {
          const weight = w[((o * inputs + c) * kernel[0] + i) * kernel[1] + j]!;
          sum += weight * x(row * stride + i - padding, column * stride + j - padding, c);
        }
      }
      result.push(sum);
    }
  }
  return result;
}

/** torch's ConvTranspose2d in float64, cropped to `size`; weights `[inputs, outputs, ...kernel]`. */
function transposed(
  x: Read,
  w: ArrayLike<number>,
  b: ArrayLike<number>,
  { kernel, stride, padding, inputs, inputSize, size, outputs }: Convolution & { readonly inputSize: Size },
): number[] {
  const result = Array.from({ length: size[0] * size[1] * outputs }, (_, i) => b[i % outputs]!);
  for (const [y, z] of taps(inputSize)) {
    for (const [i, j] of taps(kernel)) {
      const [row, column] = [y * stride + i - padding, z * stride + j - padding];
      if (row < 0 || column < 0 || row >= size[0] || column >= size[1]) continue;
      for (let c = 0; c < inputs; c++) {
        for (let o = 0; o < outputs; o++) {
          const weight = w[((c * outputs + o) * kernel[0] + i) * kernel[1] + j]!;
          result[(row * size[1] + column) * outputs + o]! += weight * x(y, z, c);
        }
      }
    }
  }
  return result;
}

interface Convolution {
  readonly kernel: Size;
  readonly stride: number;
  readonly padding: number;
  readonly inputs: number;
  readonly size: Size;
  readonly outputs: number;
}

type Oracle = (x: Read, w: ArrayLike<number>, b: ArrayLike<number>) => number[];

interface Case {
  readonly input: MapShape;
  readonly make: (plan: NetworkPlan) => Layer;
  readonly oracle: Oracle;
}

const LINEAR = { outputs: 3, slope: null } as const;
const base = { inputs: 2, outputs: 3 } as const;
const CASES: Record<string, Case> = {
  halving: {
    input: [6, 8, 2],
    make: (plan) => halving(plan, 'layer', [6, 8, 2], LINEAR),
    oracle: (x, w, b) => conv(x, w, b, { ...base, kernel: [4, 4], stride: 2, padding: 1, size: [3, 4] }),
  },
  'halving of odd sides': {
    input: [5, 7, 2],
    make: (plan) => halving(plan, 'layer', [5, 7, 2], LINEAR),
    oracle: (x, w, b) => conv(x, w, b, { ...base, kernel: [4, 4], stride: 2, padding: 1, size: [3, 4] }),
  },
  doubling: {
    input: [3, 4, 2],
    make: (plan) => doubling(plan, 'layer', 2, [6, 8], LINEAR),
    oracle: (x, w, b) =>
      transposed(x, w, b, {
        ...base,
        kernel: [4, 4],
        stride: 2,
        padding: 1,
        inputSize: [3, 4],
        size: [6, 8],
      }),
  },
  'doubling to odd sides': {
    input: [3, 4, 2],
    make: (plan) => doubling(plan, 'layer', 2, [5, 7], LINEAR),
    oracle: (x, w, b) =>
      transposed(x, w, b, {
        ...base,
        kernel: [4, 4],
        stride: 2,
        padding: 1,
        inputSize: [3, 4],
        size: [5, 7],
      }),
  },
  smoothing: {
    input: [4, 5, 2],
    make: (plan) => smoothing(plan, 'layer', [4, 5, 2], LINEAR),
    oracle: (x, w, b) => conv(x, w, b, { ...base, kernel: [3, 3], stride: 1, padding: 1, size: [4, 5] }),
  },
  condensing: {
    input: [3, 4, 2],
    make: (plan) => condensing(plan, 'layer', [3, 4, 2], LINEAR),
    oracle: (x, w, b) => conv(x, w, b, { ...base, kernel: [3, 4], stride: 1, padding: 0, size: [1, 1] }),
  },
  restoring: {
    input: [1, 1, 2],
    make: (plan) => restoring(plan, 'layer', 2, [3, 4], LINEAR),
    oracle: (x, w, b) =>
      transposed(x, w, b, {
        ...base,
        kernel: [3, 4],
        stride: 1,
        padding: 0,
        inputSize: [1, 1],
        size: [3, 4],
      }),
  },
};

const MODE = { training: true, batchNormMomentum: 0 };

describeBackends('convolutions with a bias', (backend) => {
  const { reduction: relative } = TOLERANCES[backend];
  let undo: () => void;
  beforeAll(() => (undo = registerWasmGradients()));
  afterAll(() => undo());

  test.each(Object.entries(CASES))(
    "%s equals torch's definition in float64, and so do its gradients",
    async (_, given) => {
      await expectNoNewTensors(async () => {
        const plan = new NetworkPlan();
        const layer = given.make(plan);
        plan.allocate(1);
        const fills = plan.slots.map(({ spec: { name, torchShape } }) => {
          const shape = [...torchShape];
          return [name, { dtype: 'F32', shape, data: integerFill(name, shape) }] as const;
        });
        loadState(plan.slots, new Map(fills));
        const [weight, bias] = fills.map(([, { data }]) => data);
        const values = integerFill('input', given.input);
        const x = tf.tensor4d(values, [1, ...given.input]);
        const wanted = given.oracle(reader(values, given.input), weight!, bias!);
        const got = layer.apply(x, MODE);
        expect(got.shape).toEqual([1, ...layer.shape]);
        expectClose(await got.data(), wanted, { relative });

        // The layer is linear: a step of 1 in one weight of the oracle gives the derivative.
        const factor = tf.tensor4d(integerFill('factor', got.shape), got.shape);
        const factors = factor.dataSync();
        const slope = (change: (w: Float64Array, b: Float64Array) => void): number => {
          const [w, b] = [Float64Array.from(weight!), Float64Array.from(bias!)];
          change(w, b);
          const moved = given.oracle(reader(values, given.input), w, b);
          return moved.reduce((sum, value, i) => sum + (value - wanted[i]!) * factors[i]!, 0);
        };
        const dw = Array.from(weight!, (_, i) => slope((w) => (w[i]! += 1)));
        const db = Array.from(bias!, (_, i) => slope((_w, b) => (b[i]! += 1)));
        const variables = plan.slots.map(({ variable }) => variable);
        const { value, grads } = tf.variableGrads(
          () => tf.sum(tf.mul(layer.apply(x, MODE), factor)),
          variables,
        );
        for (const [i, slopes] of [dw, db].entries()) {
          variables[i]!.assign(grads[variables[i]!.name]!);
          const inTorch = await readState(plan.slots);
          expectClose(inTorch.get(fills[i]![0])!.data as Float32Array, slopes, { relative });
        }
        tf.dispose([x, got, factor, value, ...Object.values(grads)]);
        plan.dispose();
      });
    },
  );

  test('the leaky ReLU and its gradient', async () => {
    const x = tf.tensor4d([-2, -0.5, 0, 0.5, 3], [1, 1, 1, 5]);
    const { value, grad } = tf.valueAndGrad((input: tf.Tensor) =>
      tf.mul(leakyRelu(input as tf.Tensor4D, 0.1), tf.tensor1d([1, 2, 3, 4, 5])),
    )(x);
    expectClose(await value.data(), [-0.2, -0.1, 0, 2, 15], { relative });
    const slopes = [...(await grad.data())];
    slopes.splice(2, 1);
    expectClose(slopes, [0.1, 0.2, 4, 5], { relative });
    tf.dispose([x, value, grad]);
  });
});
