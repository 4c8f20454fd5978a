// The set-up module of bench/ratios/step.mjs: a lite student with its objective, in this thread or in a worker of its own.
import { createObjective } from '@dskd/losses';
import { createStudent } from '@dskd/models';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import * as tf from '@tensorflow/tfjs';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';

const OBJECTIVES = { local: 'flattenedCosine', global: 'contextualAffinity' };
const LEARNING_RATES = { local: 0.005, global: 0.001 };

let ready;

async function startWasm() {
  setThreadsCount(1);
  await tf.setBackend('wasm');
  registerWasmGradients();
}

export async function setUpStudent({ branch, levels, size }) {
  ready ??= startWasm();
  await ready;
  return {
    name: branch,
    student: createStudent({ preset: 'lite', branch, levels, inputSize: [size, size], seed: 1 }),
    objective: createObjective({ name: OBJECTIVES[branch] }),
    optimizer: { learningRate: LEARNING_RATES[branch] },
  };
}
