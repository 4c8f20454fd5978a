import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { selectBackend } from '@dskd/core/backends';
import { loadDetector } from '@dskd/detector';
import { exportDetector } from '@dskd/onnx';
import { trainInstant } from './instant-model.test.util.js';

/** A folder with a small dataset, a detector trained on it and its export. */
export interface EngineFiles {
  readonly folder: string;
  readonly data: string;
  readonly model: string;
  readonly exported: string;
}

export async function writeEngineFiles(): Promise<EngineFiles> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dskd engines ü-'));
  const { data, model } = await trainInstant(folder);
  const exported = path.join(folder, 'model.onnx');
  await selectBackend('wasm');
  const detector = await loadDetector(await readFile(model));
  await writeFile(exported, await exportDetector(detector));
  detector.dispose();
  return { folder, data, model, exported };
}
