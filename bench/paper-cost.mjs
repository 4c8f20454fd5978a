// node bench/paper-cost.mjs [--check]: what `estimateTraining` says that the paper's recipe would cost on this
// machine (wasm, a worker per student, 372 images as pushpins of MVTec LOCO AD has), and what `lite` with
// SqueezeNet would. The teachers have made-up weights: time does not depend on them. --check also measures the
// paper's local student at full width on two and four images (1.5 GB of wasm memory) against the narrowed
// estimate. Writes bench/results/paper-cost.json. On an otherwise idle machine: about two minutes.
import '@tensorflow/tfjs-backend-wasm';
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import { estimateTraining, namedTeacher, paperRecipe } from '@dskd/detector';
import { workerRunnerFor } from '@dskd/detector/node';
import { backboneWeightShapes } from '@dskd/models';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import * as tf from '@tensorflow/tfjs';

await tf.setBackend('wasm');
registerWasmGradients();

/** Weights that are small and all equal; batch norms that change nothing. */
function madeUpTeacher(name) {
  const weights = new Map();
  for (const [tensor, shape] of backboneWeightShapes(name)) {
    const length = shape.reduce((product, side) => product * side, 1);
    const fan = shape.slice(1).reduce((product, side) => product * side, 1);
    const value = shape.length > 1 ? 1 / fan : /weight|running_var/.test(tensor) ? 1 : 0;
    weights.set(tensor, { dtype: 'F32', shape, data: new Float32Array(length).fill(value) });
  }
  return namedTeacher(name, weights, '0'.repeat(64));
}

const samples = Array.from({ length: 372 + 69 }, (_, index) => ({
  id: `train/good/${index}.png`,
  split: index < 372 ? 'train' : 'validation',
  label: 'good',
  defectType: 'good',
  load: () => Promise.reject(new Error('Nothing is read.')),
}));
const source = { name: 'made up', samples, fingerprint: () => Promise.resolve('0'.repeat(64)) };

async function cost(name, options, estimate = {}) {
  const teacher = madeUpTeacher(name);
  try {
    const { memory, ...rest } = await estimateTraining(
      { source, teacher, runner: workerRunnerFor(), ...options },
      { availableBytes: os.totalmem(), ...estimate },
    );
    return { ...rest, heaps: memory.heaps };
  } finally {
    teacher.dispose();
  }
}

const { teacher, options } = paperRecipe('pushpins');
const result = {
  machine: {
    cpu: os.cpus()[0].model,
    cores: os.availableParallelism(),
    memory: os.totalmem(),
    load: os.loadavg()[0],
  },
  versions: { node: process.version, tfjs: tf.version_core },
  paper: await cost(teacher.name, options),
  lite: await cost('squeezenet1_1', { inputSize: [256, 256], preset: 'lite', epochs: 10 }),
};
if (process.argv.includes('--check')) {
  const { local } = options.branches;
  const alone = { ...options, branches: { local } };
  result.check = {
    narrowed: (await cost(teacher.name, alone)).measured,
    whole: (await cost(teacher.name, alone, { measurableBytes: 3 * 2 ** 30 })).measured,
  };
}
await writeFile(new URL('results/paper-cost.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
console.log(JSON.stringify(result, null, 2));
