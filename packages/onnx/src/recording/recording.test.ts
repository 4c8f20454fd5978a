import { randomStream } from '@dskd/base';
import { expectClose, useBackend } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs-core';
import { runGraph, type Values } from '../run-graph.test.util.js';
import { recordGraph } from './record-graph.js';

beforeAll(() => useBackend('cpu'));

type Compute = (x: tf.Tensor4D) => tf.Tensor;

/** `[height, width, channels]` of the images of all cases. */
const SHAPE = [5, 6, 4] as const;

function filled(shape: readonly number[], name: string): Float32Array {
  const random = randomStream(7, name);
  return Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, () => 2 * random.uniform() - 1);
}

const constant = <R extends tf.Rank>(name: string, ...shape: number[]): tf.Tensor<R> =>
  tf.tensor(filled(shape, name), shape) as unknown as tf.Tensor<R>;
const filter = (name: string, ...shape: [number, number, number, number]): tf.Tensor4D =>
  constant(name, ...shape);
const rows = (x: tf.Tensor4D): tf.Tensor2D => tf.reshape(x, [-1, x.shape[3]]);
/** A map in the order of ONNX, as a convolution leaves it. */
const convolved = (x: tf.Tensor4D, channels = 3): tf.Tensor4D =>
  tf.conv2d(x, filter('f', 3, 3, 4, channels), 1, 'same');

/** Each: a computation on images `[batch, 5, 6, 4]`. */
const CASES: Readonly<Record<string, Compute>> = {
  'convolution, same': (x) => convolved(x),
  'convolution, stride 2 after padding': (x) =>
    tf.conv2d(tf.pad(x, [[0, 0], [1, 1], [1, 0], [0, 0]]), filter('f', 3, 3, 4, 2), 2, 'valid'), // prettier-ignore
  'convolution, same with stride 2': (x) => tf.conv2d(x, filter('f', 3, 3, 4, 2), 2, 'same'),
  'convolution, dilated': (x) => tf.conv2d(x, filter('f', 3, 3, 4, 2), 1, 'same', 'NHWC', 2),
  'convolution, explicit padding': (x) => tf.conv2d(x, filter('f', 3, 3, 4, 2), 1, [[0, 0], [2, 0], [0, 1], [0, 0]]), // prettier-ignore
  'depthwise convolution': (x) => tf.depthwiseConv2d(x, filter('f', 3, 3, 4, 2), 1, 'same'),
  'transposed convolution': (x) =>
    tf.conv2dTranspose(convolved(x), filter('g', 4, 4, 2, 3), [x.shape[0], 10, 12, 2], 2, 'same'),
  'transposed convolution to odd sides': (x) =>
    tf.conv2dTranspose(convolved(x), filter('g', 3, 3, 2, 3), [x.shape[0], 9, 11, 2], 2, 'same'),
  'fused convolution': (x) =>
    tf.fused.conv2d({ x, filter: filter('f', 1, 1, 4, 3), strides: 1, pad: 'valid', bias: constant('b', 3), activation: 'relu' }), // prettier-ignore
  'batch norm of a convolution': (x) =>
    tf.add(tf.mul(convolved(x), constant('scale', 3)), constant('shift', 3)),
  'affine of rows after a product': (x) => {
    const product = tf.matMul(rows(convolved(x)), constant<tf.Rank.R2>('m', 3, 5));
    return tf.reshape(tf.add(product, constant('b', 5)), [-1, 5, 6, 5]);
  },
  'average and maximum of maps': (x) =>
    tf.concat([tf.avgPool(convolved(x), 3, 1, 'same'), tf.maxPool(convolved(x), 3, 1, 'same')], 3),
  'pooling by two': (x) => tf.avgPool(x, 2, 2, 'valid'),
  'resize, half pixels': (x) => tf.image.resizeBilinear(convolved(x), [11, 7], false, true),
  'resize, corners': (x) => tf.image.resizeBilinear(x, [11, 7], true, false),
  'resize, smaller': (x) => tf.image.resizeBilinear(x, [2, 3], false, true),
  'maps beside constants': (x) =>
    tf.sub(tf.div(tf.mul(convolved(x), 2), constant('d', 5, 6, 1)), constant('c', 1, 5, 6, 3)),
  'maps beside reduced maps': (x) => tf.sub(convolved(x), tf.mean(convolved(x), [1, 2], true)),
  'maps beside a mean of channels': (x) => tf.mul(convolved(x), tf.mean(convolved(x), 3, true)),
  'maps beside what is no map': (x) => tf.add(convolved(x, 4), x),
  'rows scaled to length 1': (x) => {
    const r = rows(convolved(x));
    return tf.reshape(tf.mul(r, tf.rsqrt(tf.add(tf.sum(tf.square(r), 1, true), 0.1))), [-1, 5, 6, 3]);
  },
  'sums in two stages': (x) =>
    tf.reshape(tf.sum(tf.sum(tf.reshape(convolved(x, 4), [-1, 2, 2]), 2), 1), [-1, 5, 6]),
  'sums over rows': (x) => tf.reshape(tf.sum(rows(convolved(x)), 1), [-1, 5, 6]),
  'reduction to images': (x) =>
    tf.stack(
      [tf.max(convolved(x), [1, 2, 3]), tf.min(x, [1, 2, 3]), tf.sum(x, [1, 2, 3]), tf.mean(x, [1, 2, 3])],
      1,
    ),
  'reduction of places': (x) => tf.concat([tf.mean(convolved(x), [1, 2]), tf.max(convolved(x), [1, 2])], 1),
  'reduction of channels': (x) => tf.add(tf.sum(convolved(x), 3), tf.prod(convolved(x), -1)),
  'reduction of rows of places': (x) => tf.max(convolved(x), 1),
  moments: (x) => tf.moments(convolved(x), [1, 2]).variance,
  'largest and smallest places': (x) =>
    tf.cast(tf.stack([tf.argMax(convolved(x), 3), tf.argMin(x, 3)], 3), 'float32'),
  'the two largest': (x) => {
    const { values, indices } = tf.topk(convolved(x), 2);
    return tf.concat([values, tf.cast(indices, 'float32')], 3);
  },
  softmax: (x) => tf.softmax(convolved(x)),
  'parts of maps': (x) => tf.slice(convolved(x), [0, 1, 2, 1], [-1, 3, 4, 2]),
  'parts of rows': (x) => tf.reshape(tf.slice(rows(convolved(x)), [0, 1], [-1, 2]), [-1, 5, 6, 2]),
  'padded maps': (x) => tf.pad(convolved(x), [[0, 0], [0, 2], [1, 0], [0, 1]], 0.5), // prettier-ignore
  'mirrored maps': (x) => tf.mirrorPad(convolved(x), [[0, 0], [2, 1], [1, 1], [0, 0]], 'reflect'), // prettier-ignore
  'gathered channels': (x) => tf.gather(convolved(x), tf.tensor1d([2, 0], 'int32'), 3),
  'gathered rows of a constant': (x) => tf.gather(constant('table', 3, 2), tf.argMax(convolved(x), 3)),
  'turned axes': (x) => tf.transpose(convolved(x), [0, 3, 2, 1]),
  'split and joined': (x) => {
    const [first, second] = tf.split(convolved(x, 4), 2, 3) as [tf.Tensor4D, tf.Tensor4D];
    return tf.concat([second, tf.relu(first)], 3);
  },
  'unpacked and packed': (x) => tf.stack(tf.unstack(convolved(x), 3).toReversed(), 1),
  'tiles of the batch': (x) =>
    tf.concat([x, tf.tile(constant<tf.Rank.R4>('t', 1, 5, 6, 2), [x.shape[0], 1, 1, 1])], 3),
  'ones like maps': (x) => tf.add(tf.onesLike(convolved(x)), tf.zerosLike(convolved(x))),
  'products of two computed matrices': (x) => {
    const r = tf.reshape(convolved(x), [-1, 30, 3]);
    return tf.matMul(r, r, true, false);
  },
  'products with a transposed constant': (x) =>
    tf.reshape(tf.matMul(rows(x), constant<tf.Rank.R2>('m', 5, 4), false, true), [-1, 5, 6, 5]),
  'comparisons and choices': (x) => {
    const c = convolved(x);
    const chosen = tf.where(tf.logicalAnd(tf.greater(c, -0.5), tf.lessEqual(c, 0.5)), c, tf.neg(c));
    return tf.where(tf.logicalOr(tf.less(c, -1), tf.logicalNot(tf.notEqual(c, 0))), tf.zerosLike(c), chosen);
  },
  'any and all': (x) =>
    tf.cast(
      tf.stack([tf.any(tf.greater(x, 0.9), [1, 2, 3]), tf.all(tf.less(x, 0.999), [1, 2, 3])], 1),
      'float32',
    ),
  activations: (x) => {
    const c = convolved(x);
    return tf.addN([
      tf.leakyRelu(c, 0.1),
      tf.elu(c),
      tf.sigmoid(c),
      tf.tanh(c),
      tf.relu6(tf.mul(c, 9)),
      tf.softplus(c),
    ]);
  },
  'powers and logarithms': (x) => {
    const c = tf.abs(convolved(x));
    return tf.addN([
      tf.log1p(c),
      tf.expm1(c),
      tf.log(tf.add(c, 1)),
      tf.exp(c),
      tf.pow(c, 2),
      tf.sqrt(c),
      tf.reciprocal(tf.add(c, 1)),
      tf.floor(c),
    ]);
  },
  'clipped and limited': (x) =>
    tf.maximum(tf.minimum(tf.clipByValue(convolved(x), -0.5, 0.5), 0.3), constant('limit', 3)),
};

async function compare(compute: Compute, batch: number): Promise<void> {
  const graph = await recordGraph({
    name: 'case',
    inputs: [{ name: 'images', type: 'float32', shape: [null, ...SHAPE] }],
    compute: ([x]) => Promise.resolve({ result: tf.tidy(() => compute(x as tf.Tensor4D)) }),
  });
  const x: Values = { shape: [batch, ...SHAPE], data: filled([batch, ...SHAPE], 'x') };
  const { result } = await runGraph(graph, { images: x });
  const wanted = tf.tidy(() => compute(tf.tensor4d(x.data as Float32Array, [batch, ...SHAPE])));
  expect(result!.shape).toEqual(wanted.shape);
  expectClose(result!.data, await wanted.data(), { relative: 3e-6 });
  wanted.dispose();
}

test.each(Object.entries(CASES))(
  '%s: the recorded graph gives what TensorFlow.js computes',
  async (_, compute) => {
    await compare(compute, 1);
    await compare(compute, 7);
  },
);

const byImage: Compute = (x) =>
  tf.concat(
    Array.from({ length: x.shape[0] }, (_, image) =>
      tf.mul(
        tf.slice(x, [image, 0, 0, 0], [1, -1, -1, -1]),
        tf.max(tf.slice(x, [image, 0, 0, 0], [1, -1, -1, -1])),
      ),
    ),
  );

test('what loops over images becomes a loop over any number of them', async () => {
  await compare(byImage, 1);
  await compare(byImage, 7);
});

test('the backend of before is current again, also after an error, and no tensor is left', async () => {
  const count = tf.memory().numTensors;
  await compare(CASES.softmax!, 2);
  expect(tf.getBackend()).toBe('cpu');
  const refused = (compute: Compute) => compare(compute, 2);
  await expect(refused((x) => tf.tensor1d(x.dataSync()))).rejects.toMatchObject({
    code: 'not-exportable',
    message: expect.stringContaining('reads values of tensors back') as string,
  });
  await expect(refused((x) => tf.cumsum(x, 1))).rejects.toMatchObject({
    code: 'not-exportable',
    message: expect.stringContaining('Cumsum') as string,
  });
  await expect(
    refused((x) => tf.conv2d(x, tf.slice<tf.Rank.R4, tf.Tensor4D>(x, [0, 0, 0, 0], [1, 1, 4, 4]), 1, 'same')),
  )
    .rejects // prettier-ignore
    .toMatchObject({ code: 'not-exportable' });
  expect(tf.getBackend()).toBe('cpu');
  expect(tf.memory().numTensors).toBe(count);
});

test('what follows a convolution and is affine for each channel becomes part of it', async () => {
  const graph = await recordGraph({
    name: 'case',
    inputs: [{ name: 'images', type: 'float32', shape: [null, ...SHAPE] }],
    compute: ([x]) =>
      Promise.resolve({ result: tf.relu(CASES['batch norm of a convolution']!(x as tf.Tensor4D)) }),
  });
  expect(graph.nodes.map(({ operator }) => operator)).toEqual([
    'Transpose',
    'Conv',
    'Relu',
    'Transpose',
    'Identity',
  ]);
});
