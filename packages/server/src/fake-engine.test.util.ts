import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { throwIfAborted } from '@dskd/base';
import type { DetectorDescription, Prediction } from '@dskd/detector';
import type { EngineImage } from '@dskd/engine/node';
import { openModelsWith, type Models, type ModelsOptions } from './models/models.js';
import type { ModelEngine } from './models/model-version.js';
import type { Log } from './http/observe.js';

/** Scores by the first byte of an image, one image after another, each for a time that the test says. */
export class FakeEngine implements ModelEngine {
  /** Images whose scoring has begun and has not ended. */
  running = 0;
  scored = 0;
  disposed = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly factor: number,
    readonly milliseconds: number,
  ) {}

  get info(): ModelEngine['info'] {
    return {
      engine: 'onnx',
      workers: 1,
      threads: 1,
      backend: null,
      reason: 'a test',
      description: {
        method: 'instant',
        inputSize: [2, 3],
        threshold: { value: 5 },
        calibration: { scores: [1] },
      } as unknown as DetectorDescription,
    };
  }

  async predict(
    image: EngineImage,
    options: { threshold?: number; signal?: AbortSignal },
  ): Promise<Prediction> {
    const before = this.#last;
    let end = (): void => undefined;
    this.#last = new Promise<void>((resolve) => (end = resolve));
    this.running++;
    try {
      await before;
      throwIfAborted(options.signal);
      await new Promise((resolve) => setTimeout(resolve, this.milliseconds));
      throwIfAborted(options.signal);
      this.scored++;
      const bytes = (typeof image === 'object' && 'data' in image ? image.data : image) as Uint8Array;
      const score = bytes[0]! * this.factor;
      const threshold = options.threshold ?? 5;
      return {
        score,
        threshold,
        verdict: score > threshold ? 'anomalous' : 'normal',
        pValue: 0.5,
        branches: {},
        map: { data: new Float32Array(6).fill(score), width: 3, height: 2 },
        content: { left: 0, top: 0, width: 3, height: 2 },
        ignored: null,
        regions: [],
      };
    } finally {
      this.running--;
      end();
    }
  }

  dispose(): Promise<void> {
    this.disposed = true;
    return Promise.resolve();
  }
}

/** Models in a temporary folder, by {@link FakeEngine}s whose factor is the first byte of the file. */
export async function fakeModels(
  files: Readonly<Record<string, number>>,
  { milliseconds = 5, ...options }: ModelsOptions & { readonly milliseconds?: number } = {},
): Promise<{
  readonly models: Models;
  readonly engines: FakeEngine[];
  readonly folder: string;
  readonly end: () => Promise<void>;
}> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dskd server-'));
  const engines: FakeEngine[] = [];
  const paths: string[] = [];
  for (const [name, factor] of Object.entries(files)) {
    const file = path.join(folder, `${name}.safetensors`);
    await writeFile(file, Uint8Array.of(factor));
    paths.push(file);
  }
  const models = await openModelsWith(paths, { workers: 1, ...options }, (bytes) => {
    const engine = new FakeEngine(bytes[0]!, milliseconds);
    engines.push(engine);
    return Promise.resolve(engine);
  });
  const end = async (): Promise<void> => {
    await models.close();
    await rm(folder, { recursive: true });
  };
  return { models, engines, folder, end };
}

/** A log that keeps its lines. */
export function keptLog(): {
  readonly log: Log;
  readonly lines: (Record<string, unknown> & { level: string; message: string })[];
} {
  const lines: (Record<string, unknown> & { level: string; message: string })[] = [];
  const at =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push({ ...fields, level, message });
  return { lines, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}
