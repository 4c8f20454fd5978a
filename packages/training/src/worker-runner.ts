import { Worker } from 'node:worker_threads';
import { pathToFileURL } from 'node:url';
import { DskdError } from '@dskd/base';
import type { StudentRunner } from './student-runner.js';
import type { StudentState } from './student-state.js';
import {
  errorFromWorker,
  postableFeatures,
  workerFailed,
  type WorkerAnswer,
  type WorkerCall,
  type WorkerRequest,
  type WorkerSetUp,
} from './worker-protocol.js';

export interface WorkerRunnerOptions {
  /** Unique within a run. */
  readonly name: string;
  /**
   * A module that exports `setUpStudent(options)` (or has it as default), which returns a `StudentTask` or a
   * promise of one. It runs in the worker: it imports tfjs, selects a backend, registers gradients and
   * builds student and objective, since networks cannot be posted. A URL, or an absolute path.
   */
  readonly setUpModule: URL | string;
  /** Handed to `setUpStudent`; structured-cloneable. */
  readonly options?: unknown;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Starts a worker thread for one student and waits until its set-up module is done. The caller disposes the
 * runner, which ends the thread.
 * @throws {DskdError} `worker-failed` with the set-up's error, or the set-up's own {@link DskdError}.
 */
export async function workerRunner({
  name,
  setUpModule,
  options,
}: WorkerRunnerOptions): Promise<StudentRunner> {
  const setUp: WorkerSetUp = { name, setUpModule: moduleUrl(setUpModule), options };
  const thread = new StudentThread(setUp);
  try {
    await thread.ready;
  } catch (error) {
    await thread.end();
    throw error;
  }
  return {
    name,
    threaded: true,
    async step(features, position) {
      const posted = await postableFeatures(features);
      return (await thread.call({ call: 'step', features: posted, position })) as number;
    },
    async observeBatchNorm(features, index) {
      await thread.call({ call: 'observeBatchNorm', features: await postableFeatures(features), index });
    },
    async capture() {
      return (await thread.call({ call: 'capture' })) as StudentState;
    },
    async restore(state) {
      await thread.call({ call: 'restore', state });
    },
    dispose: () => thread.end(),
  };
}

function moduleUrl(module: URL | string): string {
  if (module instanceof URL) return module.href;
  return module.startsWith('/') || /^[A-Za-z]:[\\/]/.test(module) ? pathToFileURL(module).href : module;
}

/** A worker thread and the calls it has not answered yet. */
class StudentThread {
  /** The answer to call 0, the set-up. */
  readonly ready: Promise<unknown>;
  readonly #name: string;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #calls = 0;
  #over: DskdError | undefined;

  constructor(setUp: WorkerSetUp) {
    this.#name = setUp.name;
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: setUp });
    this.#worker.on('message', (answer: WorkerAnswer) => this.#settle(answer));
    this.#worker.on('error', (error: Error) => this.#fail(workerFailed(this.#name, error.message, error)));
    this.#worker.on('exit', (code) => this.#fail(workerFailed(this.#name, `it ended with code ${code}.`)));
    this.ready = this.#expectAnswer();
  }

  call(call: WorkerCall): Promise<unknown> {
    if (this.#over) return Promise.reject(this.#over);
    const request: WorkerRequest = { id: this.#calls, call };
    const answer = this.#expectAnswer();
    this.#worker.postMessage(request);
    return answer;
  }

  async end(): Promise<void> {
    this.#fail(
      new DskdError('disposed', `The runner of the student '${this.#name}' was disposed.`, {
        details: { student: this.#name },
      }),
    );
    await this.#worker.terminate();
  }

  #expectAnswer(): Promise<unknown> {
    const id = this.#calls++;
    // An idle worker must not keep the program alive, a busy one must.
    this.#worker.ref();
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
  }

  #settle(answer: WorkerAnswer): void {
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if (this.#pending.size === 0) this.#worker.unref();
    if ('error' in answer) pending?.reject(errorFromWorker(answer.error, this.#name));
    else pending?.resolve(answer.value);
  }

  /** The first reason stays: an exit after a disposal or an error is no news. */
  #fail(error: DskdError): void {
    this.#over ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#over);
    this.#pending.clear();
  }
}
