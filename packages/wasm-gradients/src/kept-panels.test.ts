import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs';
import { registerWasmGradients } from './index.js';
import { keptPanels } from './kept-panels.js';
import { filled } from './on-both-backends.test.util.js';

const backend = (): BackendWasm => tf.backend() as unknown as BackendWasm;
const heapBytes = (): number => (backend().wasm as unknown as { HEAPU8: Uint8Array }).HEAPU8.byteLength;

/** Uses a right factor of 4 MB often enough that it is kept, then frees it. */
function useFactor(seed: number): void {
  tf.tidy(() => {
    const factor = filled([1024, 1024], seed) as tf.Tensor2D;
    const left = filled([24, 1024], 1) as tf.Tensor2D;
    const first = tf.matMul(left, factor).dataSync();
    for (let i = 0; i < 3; i++) expect(tf.matMul(left, factor).dataSync()).toEqual(first);
  });
}

test('what was kept of a factor is freed after the factor, when another is kept', async () => {
  await tf.setBackend('wasm');
  const undo = registerWasmGradients();
  for (let seed = 0; seed < 4; seed++) useFactor(seed);
  const bytes = heapBytes();
  for (let seed = 4; seed < 40; seed++) useFactor(seed);
  expect(heapBytes()).toBe(bytes);
  undo();
});

test('factors are packed at the first two uses; the least recently used makes room', async () => {
  await tf.setBackend('wasm');
  const kept = keptPanels(backend());
  // Three do not fit into 128 MiB.
  const elements = 12 * 2 ** 20;
  const tensors = [1, 2, 3].map(() => tf.scalar(0));
  const [a, b, c] = tensors.map(({ dataId }) => dataId) as [object, object, object];
  const packed: object[] = [];
  const use = (dataId: object, key = 'whole'): number | undefined =>
    kept.find(dataId, key, elements, () => packed.push(dataId))?.address;
  expect([use(a), use(b), use(c)]).toEqual([undefined, undefined, undefined]);
  const address = use(a);
  expect(address).toBeGreaterThan(0);
  expect(use(a)).toBe(address);
  expect(packed).toEqual([a]);
  // A part of the same tensor is another matrix.
  expect(use(a, 'part')).toBeUndefined();
  expect(use(a)).toBe(address);
  use(b);
  use(a);
  use(c);
  expect(packed).toEqual([a, b, c]);
  use(a);
  expect(packed).toEqual([a, b, c]);
  use(b);
  expect(packed).toEqual([a, b, c, b]);
  expect(kept.find(a, 'whole', 2 ** 40, () => undefined)?.address).toBe(address);
  tf.dispose(tensors);
});
