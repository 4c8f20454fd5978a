import type { EnginePredictOptions } from '@dskd/engine';
import { openEngine } from '@dskd/engine/node';
import { decodeMask } from '@dskd/data/node';
import type { Scoring } from '../plan/plan.js';
import type { Storage } from '../plan/storage.js';
import { assertVersions } from '../plan/versions.js';
import type { Scorer } from './score-shard.js';

export interface ScorerOptions {
  /** Worker threads, each with the whole model, that compute. Default 1. The thread of the caller never does. */
  readonly workers?: number;
  /** Threads of ONNX Runtime in each worker. Default: the cores, divided among the workers. */
  readonly threads?: number;
  /** Modules that register methods of your own: each worker imports them. */
  readonly imports?: readonly URL[];
}

export interface OpenedScorer extends Scorer {
  readonly dispose: () => Promise<void>;
}

/**
 * Loads the model of a plan.
 * @throws {DskdError} `version-mismatch`; `artifact-invalid` for a model that is not the one that was submitted; and of
 * `openEngine`.
 */
export async function openScorer(
  storage: Storage,
  { engine: kind, backend, model, teacher, ignoreMask, threshold, minArea, versions }: Scoring,
  { workers = 1, threads, imports = [] }: ScorerOptions,
  signal: AbortSignal,
): Promise<OpenedScorer> {
  assertVersions(versions, kind);
  const options: EnginePredictOptions = {
    minArea,
    ...(threshold !== null && { threshold }),
    ...(ignoreMask !== null && { ignored: await decodeMask(await storage.kept(ignoreMask, 'mask')) }),
  };
  const engine = await openEngine(await storage.kept(model, 'model'), {
    engine: kind,
    backend,
    workers: Math.max(1, workers),
    imports,
    signal,
    ...(threads !== undefined && { threads }),
    ...(teacher !== null && { teacher: await storage.kept(teacher, 'teacher') }),
  });
  return {
    atATime: 2 * Math.max(1, workers),
    predict: (image, each) => engine.predict(image, { ...options, signal: each }),
    dispose: () => engine.dispose(),
  };
}
