import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { DskdError, isDskdError } from '@dskd/base';
import { wrap, type Remote } from 'comlink';
import nodeAdapter from 'comlink/dist/umd/node-adapter.js';
import type { FeatureBatch } from './feature-batch.js';
import type { StudentRunner } from './student-runner.js';
import { passDskdErrors } from './worker-errors.js';
import type { PostedFeatures, StudentWorker, WorkerSetUp } from './worker.js';

// The package's types describe an ES module; in Node the default import is the function itself.
const nodeEndpoint = nodeAdapter as unknown as typeof nodeAdapter.default;

passDskdErrors();

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

/** A worker thread. Comlink never settles the calls of a thread that has ended, so this class rejects them. */
class StudentThread {
  readonly #name: string;
  readonly #worker: Worker;
  readonly #remote: Remote<StudentWorker>;
  #last: Promise<unknown> = Promise.resolve();
  #over: DskdError | undefined;
  #rejectPending: ((error: DskdError) => void) | undefined;

  constructor(setUp: WorkerSetUp) {
    this.#name = setUp.name;
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: setUp });
    this.#remote = wrap(nodeEndpoint(this.#worker));
    this.#worker.on('error', (error: Error) => this.#fail(this.#failure(error.message, error)));
    this.#worker.on('exit', (code) => this.#fail(this.#failure(`it ended with code ${code}.`)));
  }

  /**
   * Makes a call after those before it have settled.
   * @throws {DskdError} of the call, or `worker-failed`, or `disposed`.
   */
  call<T>(work: (worker: Remote<StudentWorker>) => Promise<T>): Promise<T> {
    const result = this.#last.then(() => this.#perform(work));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async end(): Promise<void> {
    this.#fail(
      new DskdError('disposed', `The runner of the student '${this.#name}' was disposed.`, {
        details: { student: this.#name },
      }),
    );
    await this.#worker.terminate();
  }

  // Not Promise.race with one promise for the end of the thread: that promise would hold every result.
  async #perform<T>(work: (worker: Remote<StudentWorker>) => Promise<T>): Promise<T> {
    if (this.#over) throw this.#over;
    // An idle worker must not keep the program alive, a busy one must.
    this.#worker.ref();
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#rejectPending = reject;
        work(this.#remote).then(resolve, reject);
      });
    } catch (error) {
      if (isDskdError(error)) throw error;
      throw error instanceof Error ? this.#failure(error.message, error.stack) : this.#failure(String(error));
    } finally {
      this.#rejectPending = undefined;
      this.#worker.unref();
    }
  }

  #failure(message: string, cause?: unknown): DskdError {
    return new DskdError('worker-failed', `The worker of the student '${this.#name}' failed: ${message}`, {
      details: { student: this.#name },
      cause,
    });
  }

  /** Rejects the pending call and all later ones. Only the first reason counts: an exit follows each other one. */
  #fail(error: DskdError): void {
    this.#over ??= error;
    this.#rejectPending?.(this.#over);
  }
}
