// node bench/wasm-gradients.mjs [repetitions]: rate of the convolutions of @dskd/wasm-gradients and of their gradients, against that
// of its forward convolution and of the stock one on tfjs's wasm backend, one thread. All take turns call by call, so that whatever else the machine does falls on both; medians. Writes
// bench/results/wasm-gradients.json.
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { performance } from 'node:perf_hooks';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import * as tf from '@tensorflow/tfjs';
import { setThreadsCount, version_wasm } from '@tensorflow/tfjs-backend-wasm';

const repetitions = Number(process.argv[2] ?? 9);
const BATCH = 16;
/** [size, channels in, channels out]: the stages of a residual network at 256 px, as decoders train them. */
const SHAPES = [
  [32, 64, 64],
  [32, 64, 128],
  [16, 128, 128],
  [16, 128, 256],
  [16, 256, 256],
  [8, 256, 512],
  [8, 512, 512],
];

setThreadsCount(1);
await tf.setBackend('wasm');
let undo = registerWasmGradients();

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const geometricMean = (values) => Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);

function timed(work) {
  const start = performance.now();
  tf.dispose(work());
  return performance.now() - start;
}

function measure(works) {
  const times = works.map(() => []);
  for (const work of works) timed(work);
  // Short calls are repeated more often: one interruption must not decide their median.
  const start = performance.now();
  for (let i = 0; i < repetitions || (performance.now() - start < 300 && i < 60); i++) {
    // Each round begins with another one, so that no work always follows the same.
    for (let turn = 0; turn < works.length; turn++) {
      const k = (i + turn) % works.length;
      times[k].push(timed(works[k]));
    }
  }
  return times.map(median);
}

/** Runs `work` with the stock kernels. */
const withStock = (work) => () => {
  undo();
  const result = work();
  undo = registerWasmGradients();
  return result;
};

function measureConvolution(batch, [size, inChannels, outChannels], kernel, stride) {
  const pad = (kernel - 1) / 2;
  const x = tf.randomNormal([batch, size, size, inChannels]);
  const filter = tf.randomNormal([kernel, kernel, inChannels, outChannels]);
  const forward = () => tf.conv2d(x, filter, stride, pad, 'NHWC', 1, 'floor');
  const dy = forward();
  const attrs = { strides: [stride, stride], pad, dataFormat: 'NHWC', dimRoundingMode: 'floor' };
  const run = (name, inputs, more) => tf.engine().runKernel(name, inputs, { ...attrs, ...more });
  const [stockMs, forwardMs, filterMs, inputMs] = measure([
    withStock(forward),
    forward,
    () => run('Conv2DBackpropFilter', { x, dy }, { filterShape: filter.shape }),
    () => run('Conv2DBackpropInput', { dy, filter }, { inputShape: x.shape }),
  ]);
  const gigaflop = (2 * dy.size * kernel * kernel * inChannels) / 1e9;
  tf.dispose([x, filter, dy]);
  const rate = (ms) => gigaflop / (ms / 1e3);
  return {
    convolution: `${kernel}x${kernel}/${stride}, ${size}x${size}x${inChannels} -> ${outChannels}`,
    kernel,
    stride,
    size,
    inChannels,
    outChannels,
    stockForwardGflops: rate(stockMs),
    forwardGflops: rate(forwardMs),
    filterGradientGflops: rate(filterMs),
    inputGradientGflops: rate(inputMs),
    forwardOverStock: stockMs / forwardMs,
    filterGradientRatio: forwardMs / filterMs,
    inputGradientRatio: forwardMs / inputMs,
  };
}

const convolutions = [];
for (const stride of [1, 2]) {
  for (const kernel of [3, 1]) {
    for (const shape of SHAPES) convolutions.push(measureConvolution(BATCH, shape, kernel, stride));
  }
}
// Inspection of one image: forward only.
const single = SHAPES.map((shape) => measureConvolution(1, shape, 3, 1)).map(
  ({ convolution, stockForwardGflops, forwardGflops, forwardOverStock }) => ({
    ...{ convolution, stockForwardGflops, forwardGflops, forwardOverStock },
  }),
);

// The first layers of networks that read images.
const ofImages = [3, 5].flatMap((kernel) =>
  [1, 2].map((stride) => measureConvolution(BATCH, [128, 3, 16], kernel, stride)),
);

function measureAgainstStock(what, work) {
  const [stockMs, ourMs] = measure([withStock(work), work]);
  return { what, stockMs, ourMs };
}

const square = tf.randomNormal([512, 512]);
const images = tf.randomNormal([BATCH, 32, 32, 64]);
const pooled = tf.maxPool(images, 3, 2, 'same');
const averaged = tf.avgPool(images, 2, 2, 'valid');
const bordered = tf.randomNormal([BATCH, 34, 34, 64]);
const one = tf.tensor1d([0.5]);
const perChannel = tf.randomNormal([1, 1, 1, 64]);
const poolGradient = (name, output, filterSize, pad) =>
  tf.engine().runKernel(name, { dy: output, input: images, output }, { filterSize, strides: 2, pad });
const others = [
  measureAgainstStock('matMul 512^3', () => tf.matMul(square, square)),
  measureAgainstStock('matMul 512^3, transposeA', () => tf.matMul(square, square, true, false)),
  measureAgainstStock('matMul 512^3, transposeB', () => tf.matMul(square, square, false, true)),
  measureAgainstStock('maxPool 3x3/2 gradient, 16x32x32x64', () =>
    poolGradient('MaxPoolGrad', pooled, 3, 'same'),
  ),
  measureAgainstStock('avgPool 2x2/2 gradient, 16x32x32x64', () =>
    poolGradient('AvgPoolGrad', averaged, 2, 'valid'),
  ),
  measureAgainstStock('slice off a border (gradient of pad), 16x32x32x64', () =>
    tf.slice(bordered, [0, 1, 1, 0], [BATCH, 32, 32, 64]),
  ),
  measureAgainstStock('tile per channel (gradient of batchNorm), 16x32x32x64', () =>
    tf.tile(perChannel, [BATCH, 32, 32, 1]),
  ),
  measureAgainstStock('tile of one number (gradient of sum), 16x32x32x64', () => tf.tile(one, [images.size])),
  measureAgainstStock('leakyRelu, 16x32x32x64', () => tf.leakyRelu(images, 0.2)),
];

const summary = [1, 2].map((stride) => {
  const of = convolutions.filter((entry) => entry.stride === stride);
  return {
    stride,
    forwardOverStock: geometricMean(of.map((entry) => entry.forwardOverStock)),
    filterGradientRatio: geometricMean(of.map((entry) => entry.filterGradientRatio)),
    inputGradientRatio: geometricMean(of.map((entry) => entry.inputGradientRatio)),
    wanted: stride === 1 ? 0.85 : 0.6,
  };
});

const cell = (value) => value.toFixed(2).padStart(8);
console.log('GFLOP/s'.padEnd(36), '   stock forward  filter   input | ratio filter, input');
for (const entry of [...convolutions, ...ofImages]) {
  console.log(
    entry.convolution.padEnd(36),
    cell(entry.stockForwardGflops) +
      cell(entry.forwardGflops) +
      cell(entry.filterGradientGflops) +
      cell(entry.inputGradientGflops),
    '|',
    cell(entry.filterGradientRatio) + cell(entry.inputGradientRatio),
  );
}
for (const { stride, forwardOverStock, filterGradientRatio, inputGradientRatio, wanted } of summary) {
  console.log(
    `geometric mean, stride ${stride}: forward ${forwardOverStock.toFixed(3)} times stock, filter ${filterGradientRatio.toFixed(3)}, ` +
      `input ${inputGradientRatio.toFixed(3)} (wanted ${wanted})`,
  );
}

console.log('\nms'.padEnd(56), '  stock    ours');
for (const { what, stockMs, ourMs } of others) console.log(what.padEnd(55), cell(stockMs) + cell(ourMs));

const results = new URL('results/', import.meta.url);
await mkdir(results, { recursive: true });
await writeFile(
  new URL('wasm-gradients.json', results),
  JSON.stringify(
    {
      command: `node bench/wasm-gradients.mjs ${repetitions}`,
      machine: `${os.cpus()[0].model}, ${os.cpus().length} cores, node ${process.version}, tfjs-backend-wasm ${version_wasm}, 1 thread`,
      batch: BATCH,
      repetitions,
      summary,
      convolutions,
      single,
      ofImages,
      others,
    },
    undefined,
    2,
  ) + '\n',
);
