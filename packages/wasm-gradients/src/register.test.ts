import * as tf from '@tensorflow/tfjs';
import { registerWasmGradients } from './index.js';
import { filled } from './on-both-backends.test.util.js';

const NAMES = [
  'Add',
  'ContextualAffinityRows',
  'Conv2D',
  'FusedConv2D',
  'Conv2DBackpropFilter',
  'Conv2DBackpropInput',
  'DepthwiseConv2dNativeBackpropFilter',
  'DepthwiseConv2dNativeBackpropInput',
  'MaxPoolGrad',
  'AvgPoolGrad',
  'Identity',
  'Multiply',
  'PadV2',
  'Sub',
  'Slice',
  'Tile',
  'BatchMatMul',
  '_FusedMatMul',
] as const;

function registered() {
  return NAMES.map((name) => tf.getKernel(name, 'wasm') as tf.KernelConfig | undefined);
}

/** One training step of a small network that uses every kernel; its gradients, flattened. */
function step(): Float32Array {
  return tf.tidy(() => {
    const labels = tf.oneHot(tf.tensor1d([0, 1, 2, 1], 'int32'), 3);
    const network = (filter: tf.Tensor, depthwise: tf.Tensor, up: tf.Tensor, dense: tf.Tensor) => {
      const x = filled([4, 12, 12, 3], 1) as tf.Tensor4D;
      const first = tf.conv2d(x, filter as tf.Tensor4D, 2, 'same').relu<tf.Tensor4D>();
      const second = tf.depthwiseConv2d(first, depthwise as tf.Tensor4D, 1, 'same');
      const pooled = tf.avgPool(tf.maxPool(second, 3, 1, 'same'), 2, 2, 'valid');
      const larger = tf.conv2dTranspose(pooled, up as tf.Tensor4D, [4, 6, 6, 4], 2, 'same');
      const logits = tf.matMul(larger.reshape([4, -1]), dense);
      return tf.losses.softmaxCrossEntropy(labels, logits).asScalar();
    };
    const weights = [
      filled([3, 3, 3, 8], 2),
      filled([3, 3, 8, 1], 3),
      filled([3, 3, 4, 8], 4),
      filled([144, 3], 5),
    ];
    return tf
      .concat1d(
        tf
          .grads(network)(weights)
          .map((gradient) => gradient.flatten()),
      )
      .dataSync<'float32'>();
  });
}

describe('registerWasmGradients', () => {
  test('is idempotent, and its undo restores the stock kernels', async () => {
    await tf.setBackend('wasm');
    const stock = registered();
    expect(stock.filter((config) => config === undefined)).toHaveLength(4);
    const undo = registerWasmGradients();
    const ours = registered();
    ours.forEach((config, i) => expect(config).not.toBe(stock[i]));
    expect(registerWasmGradients()).toBe(undo);
    expect(registered()).toEqual(ours);
    undo();
    expect(registered()).toEqual(stock);
    undo();
    expect(registered()).toEqual(stock);
    expect(() => step()).toThrow(/not registered/);
  });

  test('repeated training steps give the same bits and leak neither tensors nor heap', async () => {
    await tf.setBackend('wasm');
    const undo = registerWasmGradients();
    const first = step();
    step();
    const backend = tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array }; numDataIds(): number };
    const before = [tf.memory().numTensors, backend.numDataIds(), backend.wasm.HEAPU8.byteLength];
    for (let i = 0; i < 60; i++) expect(step()).toEqual(first);
    expect([tf.memory().numTensors, backend.numDataIds(), backend.wasm.HEAPU8.byteLength]).toEqual(before);
    undo();
  });
});
