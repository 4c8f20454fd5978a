import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import { selectBackend } from '@dskd/core/backends';
import { registerWasmGradients, startWasmThreads, type WasmThreads } from '@dskd/wasm-gradients';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import wasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import wasmSimd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import type { BackendChoice, ComputeFacts } from './api.js';

const absolute = (url: string): string => new URL(url, self.location.href).href;

const wasmPaths = {
  'tfjs-backend-wasm.wasm': absolute(wasm),
  'tfjs-backend-wasm-simd.wasm': absolute(wasmSimd),
  // Never asked for, see below; without an entry the list is refused.
  'tfjs-backend-wasm-threaded-simd.wasm': absolute(wasmSimd),
};

// Threads are those of our own kernels. The build with threads of TensorFlow.js 4.22 starts eight of them and computes with one, whatever number it is given
// (https://github.com/tensorflow/tfjs/issues/8513; a test of the page notices when that changes).
tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);

let wasmThreads: Promise<WasmThreads | undefined> | undefined;

/** The products of a few images are too small for more. */
const MOST_THREADS = 4;

/** The page keeps a core for itself where there are more than two. Where threads cannot start, the work is done with one. */
function startThreads(): Promise<WasmThreads | undefined> {
  const cores = navigator.hardwareConcurrency;
  const threads = Math.min(MOST_THREADS, cores > 2 ? cores - 1 : cores);
  wasmThreads ??= startWasmThreads({ threads }).catch((error: unknown) => {
    console.warn(error);
    return undefined;
  });
  return wasmThreads;
}

/** What {@link ComputeFacts} says about the threads of a backend. */
export async function threadFacts(backend: string): Promise<Pick<ComputeFacts, 'threads' | 'helped'>> {
  const threads = backend === 'wasm' ? await startThreads() : undefined;
  return { threads: threads?.threads ?? 1, helped: threads?.helped ?? 0 };
}

/** Makes a backend the current one, able to train. */
export async function startBackend(choice: BackendChoice): Promise<ComputeFacts> {
  const { name, adapter } = await selectBackend(choice, { wasmPaths });
  if (name === 'wasm') registerWasmGradients();
  return { backend: name, adapter: adapter ?? null, ...(await threadFacts(name)) };
}

/** Does `work` on wasm, whose values can be read at once, and goes back to the backend that was current. */
export async function onWasm<T>(work: () => Promise<T>): Promise<T> {
  const before = tf.getBackend();
  await startBackend('wasm');
  try {
    return await work();
  } finally {
    await tf.setBackend(before);
  }
}

/** Resolves when the graphics device of the current backend is gone; never without one. */
export function deviceLost(): Promise<unknown> {
  const { device } = tf.backend() as { readonly device?: GPUDevice };
  return device?.lost ?? new Promise(() => undefined);
}

/** Gives up a backend whose device is gone, so that another one can start. */
export function giveUpBackend(name: string): void {
  tf.removeBackend(name);
}
