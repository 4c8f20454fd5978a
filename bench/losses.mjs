// node bench/losses.mjs: one step of each loss (value and gradient) on wasm, one thread, next to a plain
// matMul of the sizes the affinity's three products have, in the same run. Writes bench/results/losses.json.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import * as tf from '@tensorflow/tfjs';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import {
  contextualAffinityLoss,
  contextualAffinityMap,
  covarianceAffinityLoss,
  flattenedCosineLoss,
  perPixelCosineLoss,
} from '@dskd/losses';

const SHAPES = [
  [16, 32, 32, 128],
  [16, 16, 16, 256],
  [16, 8, 8, 512],
];
const ROUNDS = 7;

setThreadsCount(1);
await tf.setBackend('wasm');
await tf.ready();

function products([batch, height, width, channels]) {
  const positions = height * width;
  const rows = tf.randomNormal([positions, channels]);
  const keys = tf.randomNormal([channels, positions]);
  const weights = tf.randomNormal([positions, positions]);
  return () => {
    for (let image = 0; image < batch; image++) {
      tf.dispose([tf.matMul(rows, keys), tf.matMul(rows, keys), tf.matMul(weights, rows)]);
    }
  };
}

const levels = SHAPES.map((shape) => {
  const teacher = tf.randomNormal(shape, 0, 1, 'float32', 1);
  const student = tf.add(teacher, tf.randomNormal(shape, 0, 0.1, 'float32', 2));
  const step = (loss) => () => tf.dispose(tf.valueAndGrad((x) => loss(teacher, x))(student));
  const work = {
    products: products(shape),
    affinity: step(contextualAffinityLoss),
    affinityMap: () => tf.dispose(contextualAffinityMap(teacher, student)),
    covariance: step(covarianceAffinityLoss),
    flattened: step(flattenedCosineLoss),
    perPixel: step(perPixelCosineLoss),
  };
  const milliseconds = Object.fromEntries(Object.keys(work).map((name) => [name, Infinity]));
  // Interleaved, and the best of the rounds: the machine is shared.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(work)) {
      const start = performance.now();
      run();
      milliseconds[name] = Math.min(milliseconds[name], performance.now() - start);
    }
  }
  tf.dispose([teacher, student]);
  return { shape, milliseconds };
});

const total = {};
for (const { milliseconds } of levels) {
  for (const [name, value] of Object.entries(milliseconds)) total[name] = (total[name] ?? 0) + value;
}
const result = {
  backend: 'wasm',
  threads: 1,
  tfjs: tf.version_core,
  processor: cpus()[0].model,
  levels,
  total,
  ratioToProducts: Object.fromEntries(
    Object.entries(total).map(([name, value]) => [name, value / total.products]),
  ),
};
mkdirSync(new URL('results/', import.meta.url), { recursive: true });
writeFileSync(new URL('results/losses.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
console.log(JSON.stringify(result, null, 2));
