import { pathToFileURL } from 'node:url';
import { DskdError } from '@dskd/base';
import type { Remote } from 'comlink';
import type { FeatureBatch } from './feature-batch.js';
import type { StudentRunner } from './student-runner.js';
import { WorkerThread } from './worker-thread.js';
import type { PostedFeatures, StudentWorker, WorkerSetUp } from './worker.js';

export interface WorkerRunnerOptions {
  /** Unique within a run. */
  readonly name: string;
  /**
   * A module that exports `setUpStudent(options)` (by this name or as default), which returns a `StudentTask` or a
   * promise of one. It runs in the worker: it imports tfjs, selects a backend, registers gradients and creates
   * student and objective, because networks cannot be posted. A URL, or an absolute path.
   */
  readonly setUpModule: URL | string;
  /** Passed to `setUpStudent`; structured-cloneable. */
  readonly options?: unknown;
}

/**
 * Starts a worker thread for one student and waits until its set-up module has returned. The caller disposes the
 * runner, which ends the thread.
 * @throws {DskdError} `worker-failed` with the set-up's error, or the set-up's own {@link DskdError}.
 */
export async function workerRunner({
  name,
  setUpModule,
  options,
}: WorkerRunnerOptions): Promise<StudentRunner> {
  const thread = new StudentThread({ name, setUpModule: moduleUrl(setUpModule), options });
  try {
    await thread.call((worker) => worker.setUp());
  } catch (error) {
    await thread.end();
    throw error;
  }
  return {
    name,
    threaded: true,
    async step(features, position) {
      const posted = await postable(features);
      return thread.call((worker) => worker.step(posted, position));
    },
    async observeBatchNorm(features, index) {
      const posted = await postable(features);
      return thread.call((worker) => worker.observeBatchNorm(posted, index));
    },
    async evaluate(features) {
      const posted = await postable(features);
      return thread.call((worker) => worker.evaluate(posted));
    },
    capture: () => thread.call((worker) => worker.capture()),
    restore: (state) => thread.call((worker) => worker.restore(state)),
    dispose: () => thread.end(),
  };
}

function moduleUrl(module: URL | string): string {
  if (module instanceof URL) return module.href;
  return module.startsWith('/') || /^[A-Za-z]:[\\/]/.test(module) ? pathToFileURL(module).href : module;
}

async function postable(features: FeatureBatch): Promise<PostedFeatures> {
  return { levels: features.levels, images: await features.arrays() };
}

/** The thread of a student: its calls are made one after another. */
class StudentThread {
  readonly #name: string;
  readonly #thread: WorkerThread<StudentWorker>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(setUp: WorkerSetUp) {
    this.#name = setUp.name;
    this.#thread = new WorkerThread({
      module: new URL('./worker.js', import.meta.url),
      workerData: setUp,
      name: `The worker of the student '${setUp.name}'`,
      details: { student: setUp.name },
    });
  }

  /**
   * Makes a call after those before it have settled.
   * @throws {DskdError} of the call, or `worker-failed`, or `disposed`.
   */
  call<T>(work: (worker: Remote<StudentWorker>) => Promise<T>): Promise<T> {
    const result = this.#last.then(() => this.#thread.call(work));
    this.#last = result.catch(() => undefined);
    return result;
  }

  end(): Promise<void> {
    return this.#thread.end(
      new DskdError('disposed', `The runner of the student '${this.#name}' was disposed.`, {
        details: { student: this.#name },
      }),
    );
  }
}
