import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Engine } from '../engine.js';
import { smallFile } from '../small-detectors.test.util.js';
import type { EngineImage } from './image.js';
import { importRuntime } from './onnx-runtime.js';
import { openEngineWith, type EngineOptions } from './open-engine.js';

/** Where this file is, threads end while they load. */
export const flag = path.join(tmpdir(), `dskd-dying-worker-${process.pid}`);

/** Two models of different sizes, without a teacher: a worker starts sooner. */
export async function twoModels(): Promise<readonly Uint8Array[]> {
  return [
    await smallFile({ method: 'vm', input: { size: [50, 74] } }),
    await smallFile({ method: 'vm', input: { size: [40, 60] } }),
  ];
}

/** An engine whose workers end at an image named `deadly.png`, and while they load where {@link flag} is a file. */
export function openMortal(
  model: Uint8Array,
  options: EngineOptions = {},
): Promise<Engine<EngineImage, string | Uint8Array>> {
  return openEngineWith(
    model,
    { engine: 'tfjs', workers: 1, ...options },
    { importRuntime, workerModule: new URL('./dying-worker.test.util.js', import.meta.url) },
  );
}
