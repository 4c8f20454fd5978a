import { DskdError } from '@dskd/base';
import { WorkerThread } from '@dskd/training/node';
import * as tf from '@tensorflow/tfjs-core';
import { inTurn } from '../turns.js';
import { loadTfjs } from './load-predictor.js';

/** A detector, and what its graph is recorded with. It can be posted. */
export interface ExportSpec {
  /** Of a `.safetensors` file. */
  readonly bytes: Uint8Array;
  /** Weight file of the teacher. */
  readonly teacher: Uint8Array | undefined;
  readonly backend: string;
  /** URLs of modules that register methods. */
  readonly imports: readonly string[];
}

/** What the thread of `export-worker.ts` offers. */
export interface ExportWorker {
  export(spec: ExportSpec): Promise<Uint8Array>;
}

/** Backends that read tensors at once, as recording a graph needs it. */
const READS_AT_ONCE = new Set(['wasm', 'cpu', 'node', 'node-gpu']);

/** A detector as an ONNX file, by this thread. With masks: those of single images can be given, as with TensorFlow.js. */
export function exportedHere({ bytes, teacher, imports, backend }: ExportSpec): Promise<Uint8Array> {
  return inTurn(async () => {
    const before = tf.getBackend() as string | undefined;
    const { predictor, release } = await loadTfjs({
      bytes,
      teacher,
      imports,
      backend: READS_AT_ONCE.has(backend) ? backend : 'wasm',
    });
    try {
      const { exportDetector } = await import('@dskd/onnx');
      return await exportDetector(predictor, { masks: true });
    } finally {
      await release();
      if (before !== undefined) await tf.setBackend(before);
    }
  });
}

/**
 * A detector as an ONNX file. Recording computes for seconds without a pause: in a thread of its own it stops nobody.
 * @throws {DskdError} `not-exportable`, `worker-failed`, and of loading the detector.
 */
export async function exported({
  inThread,
  bytes,
  teacher,
  imports,
  backend,
}: ExportSpec & { readonly inThread: boolean }): Promise<Uint8Array> {
  const spec: ExportSpec = { bytes, teacher, imports, backend };
  if (!inThread) return exportedHere(spec);
  const thread = new WorkerThread<ExportWorker>({
    module: new URL('./export-worker.js', import.meta.url),
    name: 'The export to ONNX',
  });
  try {
    return await thread.call((worker) => worker.export(spec));
  } finally {
    await thread.end(new DskdError('disposed', 'The export has ended.'));
  }
}
