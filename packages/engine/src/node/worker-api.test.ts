import { MessageChannel } from 'node:worker_threads';
import { useBackend } from '@dskd/test-support';
import type { Prediction } from '@dskd/detector';
import * as tf from '@tensorflow/tfjs-core';
import { expose, wrap } from 'comlink';
import nodeAdapter from 'comlink/dist/umd/node-adapter.js';
import { smallFile, TEST_IMAGES } from '../small-detectors.test.util.js';
import type { PredictorSpec } from './load-predictor.js';
import { EngineWorker } from './worker-api.js';

const nodeEndpoint = nodeAdapter as unknown as typeof nodeAdapter.default;

/** Keeps what it has sent. */
class KeepingWorker extends EngineWorker {
  readonly sent: Prediction[] = [];

  override async predict(...args: Parameters<EngineWorker['predict']>): Promise<Prediction> {
    const prediction = await super.predict(...args);
    this.sent.push(prediction);
    return prediction;
  }
}

const ignored = new Uint8Array(50 * 74).fill(1, 0, 74 * 4);
let spec: PredictorSpec;
beforeAll(async () => {
  await useBackend('wasm');
  const bytes = await smallFile({ method: 'fre', input: { size: [50, 74], ignored } });
  spec = { engine: 'tfjs', threads: 1, bytes, backend: 'wasm', teacher: undefined, imports: [] };
});

test('maps are moved to the other thread, not copied; the mask of the detector stays', async () => {
  const worker = new KeepingWorker();
  const { port1, port2 } = new MessageChannel();
  try {
    expose(worker, nodeEndpoint(port1));
    const remote = wrap<EngineWorker>(nodeEndpoint(port2));
    expect(await remote.load(spec, undefined)).toBe('wasm');
    const first = await remote.predict(TEST_IMAGES[1]!, {});
    const second = await remote.predict(TEST_IMAGES[1]!, {});
    expect(second).toEqual(first);
    expect(first.ignored).toEqual(ignored);
    expect(first.map.data).toHaveLength(50 * 74);
    for (const { map, branches, ignored: mask } of worker.sent) {
      const moved = [map.data, mask!, ...Object.values(branches).flatMap((branch) => branch.map?.data ?? [])];
      expect(moved.length).toBeGreaterThan(2);
      expect(moved.map(({ byteLength }) => byteLength)).toEqual(moved.map(() => 0));
    }
    await remote.release();
  } finally {
    port1.close();
  }
});

test('what is released has no tensors, and scores nothing more', async () => {
  const before = tf.memory().numTensors;
  const worker = new EngineWorker();
  await worker.load(spec, undefined);
  const running = worker.predict(TEST_IMAGES[1]!, {});
  await worker.release();
  // It had not begun: whoever asked for it does not wait any more.
  await expect(running).rejects.toMatchObject({ code: 'disposed' });
  expect(tf.memory().numTensors).toBe(before);
});
