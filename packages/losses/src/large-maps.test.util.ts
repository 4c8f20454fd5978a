// Run in a process of its own by large-maps.slow.test.ts: memory of a loss of 64 x 64 x 256 features, batch 4.
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { contextualAffinityLoss } from './index.js';

interface Internals {
  state: { numBytes: number };
  disposeTensor(tensor: tf.Tensor): void;
}

await tf.setBackend('wasm');
await tf.ready();
const heap = (): number =>
  (tf.backend() as unknown as { wasm: { HEAP8: Int8Array } }).wasm.HEAP8.buffer.byteLength;
const shape: [number, number, number, number] = [4, 64, 64, 256];
const features = (seed: number): tf.Tensor => tf.randomUniform(shape, -1, 1, 'float32', seed);
const teacher = features(1);
const student = features(2);
// Needed in any case: memory for the returned gradient.
tf.zeros(shape).dispose();

const before = { bytes: tf.memory().numBytes, heap: heap() };
const engine = tf.engine() as unknown as Internals;
let peak = before.bytes;
// Memory only decreases in a disposal, so the values right before disposals include all peaks.
const dispose = engine.disposeTensor.bind(engine);
engine.disposeTensor = (tensor) => {
  peak = Math.max(peak, engine.state.numBytes);
  dispose(tensor);
};
const { value, grad } = tf.valueAndGrad((x: tf.Tensor) =>
  contextualAffinityLoss(teacher as tf.Tensor4D, x as tf.Tensor4D),
)(student);
engine.disposeTensor = dispose;
const output = student.size * 4;
console.log(
  JSON.stringify({
    tensorGrowth: peak - before.bytes - output,
    heapGrowth: heap() - before.heap,
    left: tf.memory().numBytes - before.bytes - output,
    value: (await value.data())[0],
  }),
);
tf.dispose([teacher, student, value, grad]);
