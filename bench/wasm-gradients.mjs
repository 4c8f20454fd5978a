// node bench/wasm-gradients.mjs [repetitions]: rate of the convolution gradients of @dskd/wasm-gradients
// against the stock forward convolution on tfjs's wasm backend, one thread. Forward and gradients take turns
// call by call, so that whatever else the machine does falls on both; medians. Writes
// bench/results/wasm-gradients.json.
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
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
registerWasmGradients();

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
  for (let i = 0; i < repetitions; i++) works.forEach((work, k) => times[k].push(timed(work)));
  return times.map(median);
}

function measureConvolution([size, inChannels, outChannels], kernel, stride) {
  const pad = (kernel - 1) / 2;
  const x = tf.randomNormal([BATCH, size, size, inChannels]);
  const filter = tf.randomNormal([kernel, kernel, inChannels, outChannels]);
  const forward = () => tf.conv2d(x, filter, stride, pad, 'NHWC', 1, 'floor');
  const dy = forward();
  const attrs = { strides: [stride, stride], pad, dataFormat: 'NHWC', dimRoundingMode: 'floor' };
  const run = (name, inputs, more) => tf.engine().runKernel(name, inputs, { ...attrs, ...more });
  const [forwardMs, filterMs, inputMs] = measure([
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
    forwardGflops: rate(forwardMs),
    filterGradientGflops: rate(filterMs),
    inputGradientGflops: rate(inputMs),
    filterGradientRatio: forwardMs / filterMs,
    inputGradientRatio: forwardMs / inputMs,
  };
}

const convolutions = [];
for (const stride of [1, 2]) {
  for (const kernel of [3, 1]) {
    for (const shape of SHAPES) convolutions.push(measureConvolution(shape, kernel, stride));
  }
}

const summary = [1, 2].map((stride) => {
  const of = convolutions.filter((entry) => entry.stride === stride);
  return {
    stride,
    filterGradientRatio: geometricMean(of.map((entry) => entry.filterGradientRatio)),
    inputGradientRatio: geometricMean(of.map((entry) => entry.inputGradientRatio)),
    wanted: stride === 1 ? 0.7 : 0.45,
  };
});

const cell = (value) => value.toFixed(2).padStart(8);
console.log('GFLOP/s'.padEnd(36), ' forward  filter   input | ratio filter, input');
for (const entry of convolutions) {
  console.log(
    entry.convolution.padEnd(36),
    cell(entry.forwardGflops) + cell(entry.filterGradientGflops) + cell(entry.inputGradientGflops),
    '|',
    cell(entry.filterGradientRatio) + cell(entry.inputGradientRatio),
  );
}
for (const { stride, filterGradientRatio, inputGradientRatio, wanted } of summary) {
  console.log(
    `geometric mean, stride ${stride}: filter ${filterGradientRatio.toFixed(3)}, ` +
      `input ${inputGradientRatio.toFixed(3)} (wanted ${wanted})`,
  );
}

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
    },
    undefined,
    2,
  ) + '\n',
);
