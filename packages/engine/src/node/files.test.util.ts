import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encodeImage } from '@dskd/data/node';
import { loadDetector, type Prediction } from '@dskd/detector';
import { exportDetector } from '@dskd/onnx';
import { useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import type { Engine } from '../engine.js';
import { smallFile, TEST_IMAGES } from '../small-detectors.test.util.js';
import type { EngineImage } from './image.js';
import { openEngine, type EngineOptions } from './open-engine.js';

const input = { size: [50, 74] } as const;

type FileEngine = Engine<EngineImage, string | Uint8Array>;

/** Models and images that tests of engines open, in a folder of their own. */
export interface Files {
  readonly folder: string;
  /** A detector whose method can be exported, and its bytes. */
  readonly file: string;
  readonly bytes: Uint8Array;
  /** The same as an ONNX file. */
  readonly exported: string;
  /** Bytes of a detector whose method cannot be exported. */
  readonly notExportable: Uint8Array;
  /** What the detector predicts for `TEST_IMAGES`. */
  readonly wanted: readonly Prediction[];
  /** The image as a PNG file. */
  readonly picture: (index: number) => string;
  readonly remove: () => Promise<void>;
}

/** Selects wasm, trains the detectors and writes the files. */
export async function writeFiles(): Promise<Files> {
  await useBackend('wasm');
  registerWasmGradients();
  const folder = await mkdtemp(path.join(tmpdir(), 'dskd engine ü-'));
  // The mask is the detector's own: predictions share it, so that it must not be moved away with one of them.
  const ignored = new Uint8Array(50 * 74).fill(1, 0, 74 * 4);
  const bytes = await smallFile({ method: 'instant', input: { ...input, ignored } });
  const file = path.join(folder, 'part.safetensors');
  await writeFile(file, bytes);
  const detector = await loadDetector(bytes);
  const wanted = await detector.predict(TEST_IMAGES);
  const exported = path.join(folder, 'part.onnx');
  await writeFile(exported, await exportDetector(detector));
  detector.dispose();
  const picture = (index: number): string => path.join(folder, `picture-${index}.png`);
  for (const [index, image] of TEST_IMAGES.entries())
    await writeFile(picture(index), await encodeImage(image));
  return {
    folder,
    file,
    bytes,
    exported,
    notExportable: await smallFile({ method: 'vm', input }),
    wanted,
    picture,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Opens an engine, works with it and disposes it. */
export async function using<T>(
  model: string | Uint8Array,
  options: EngineOptions,
  work: (engine: FileEngine) => Promise<T>,
): Promise<T> {
  const engine = await openEngine(model, options);
  try {
    return await work(engine);
  } finally {
    await engine.dispose();
  }
}

/** The predictions of all images, in their order. */
export async function all(engine: FileEngine, images: readonly EngineImage[]): Promise<Prediction[]> {
  const predictions: Prediction[] = [];
  for await (const prediction of engine.predictEach(images)) predictions.push(prediction);
  return predictions;
}

/** Within 1e-4 of the largest value. */
export function expectAlike(got: readonly Prediction[], others: readonly Prediction[]): void {
  const largest = Math.max(...others.flatMap(({ map }) => [...map.data]));
  const near = (value: number, other: number): boolean => Math.abs(value - other) < 1e-4 * largest;
  for (const [index, { score, map, branches, ...rest }] of got.entries()) {
    const other = others[index]!;
    expect(near(score, other.score)).toBe(true);
    expect(map.data.every((value, at) => near(value, other.map.data[at]!))).toBe(true);
    expect(Object.keys(branches)).toEqual(Object.keys(other.branches));
    expect([rest.verdict, rest.ignored, rest.content]).toEqual([other.verdict, other.ignored, other.content]);
    expect(rest.regions.map(({ box }) => box)).toEqual(other.regions.map(({ box }) => box));
  }
}
