import { workerRunner } from '@dskd/training/node';
import * as tf from '@tensorflow/tfjs-core';
import type { RunnerFactory } from './contract.js';
import type { WorkerSetUp } from './worker.js';

export interface WorkerRunnerOptions {
  /** Modules that each worker imports before it builds its network: they register a user's own objectives. */
  readonly modules?: readonly URL[];
}

/**
 * Makes the `runner` of a training's `execution`: each network is trained in a worker thread of its own, on the backend
 * that is current in this thread. Needs `@tensorflow/tfjs`.
 */
export function workerRunnerFor({ modules = [] }: WorkerRunnerOptions = {}): RunnerFactory {
  return ({ name, setUpModule, options }) => {
    const setUp: WorkerSetUp = {
      backend: tf.getBackend(),
      modules: modules.map(({ href }) => href),
      setUpModule,
      options,
    };
    return workerRunner({ name, setUpModule: new URL('./worker.js', import.meta.url), options: setUp });
  };
}
