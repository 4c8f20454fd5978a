// The set-up module of bench/student-parallelism.mjs: one `lite` local student on SqueezeNet's levels at 128 px.
// The same function makes the student of the main thread and of a worker.
import { createObjective } from '@dskd/losses';
import { createStudent } from '@dskd/models';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import * as tf from '@tensorflow/tfjs';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';

export const INPUT_SIZE = [128, 128];
export const LEVELS = [
  { name: 'features.4', channels: 128, stride: 4 },
  { name: 'features.7', channels: 256, stride: 8 },
  { name: 'features.12', channels: 512, stride: 16 },
];

let ready;

async function startWasm() {
  setThreadsCount(1);
  await tf.setBackend('wasm');
  registerWasmGradients();
}

export async function setUpStudent({ name, seed }) {
  ready ??= startWasm();
  await ready;
  return {
    name,
    student: createStudent({ preset: 'lite', branch: 'local', levels: LEVELS, inputSize: INPUT_SIZE, seed }),
    objective: createObjective({ name: 'flattenedCosine' }),
    optimizer: { learningRate: 0.005 },
  };
}
