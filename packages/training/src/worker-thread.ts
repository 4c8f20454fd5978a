import { Worker } from 'node:worker_threads';
import { DskdError, isDskdError } from '@dskd/base';
import { wrap, type Remote } from 'comlink';
import nodeAdapter from 'comlink/dist/umd/node-adapter.js';
import { passDskdErrors } from './worker-errors.js';

// The package's types describe an ES module; in Node the default import is the function itself.
const nodeEndpoint = nodeAdapter as unknown as typeof nodeAdapter.default;

passDskdErrors();

export interface WorkerThreadOptions {
  /** The module that the thread runs: it calls `passDskdErrors` and exposes an object by comlink. */
  readonly module: URL;
  readonly workerData?: unknown;
  /** The subject of messages: `The worker of the student 'local'`. */
  readonly name: string;
  /** Of errors. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Called once if the thread ends other than by {@link WorkerThread.end}. */
  readonly onEnd?: (error: DskdError) => void;
}

/**
 * A worker thread whose module exposes `Api` by comlink. Comlink never settles the calls of a thread that has ended, so this
 * class rejects them.
 */
export class WorkerThread<Api> {
  readonly #options: WorkerThreadOptions;
  readonly #worker: Worker;
  readonly #remote: Remote<Api>;
  readonly #pending = new Set<(error: DskdError) => void>();
  #over: DskdError | undefined;

  constructor(options: WorkerThreadOptions) {
    this.#options = options;
    this.#worker = new Worker(options.module, { workerData: options.workerData });
    this.#remote = wrap<Api>(nodeEndpoint(this.#worker));
    this.#worker.on('error', (error: Error) => this.#lost(this.#failure(error.message, error)));
    this.#worker.on('exit', (code) => this.#lost(this.#failure(`it ended with code ${code}.`)));
  }

  /** @throws {DskdError} of the call, or `worker-failed`, or what {@link end} was given. */
  // Not Promise.race with one promise for the end of the thread: that promise would hold every result.
  async call<T>(work: (api: Remote<Api>) => Promise<T>): Promise<T> {
    this.#assertRuns();
    let rejectPending!: (error: DskdError) => void;
    try {
      return await new Promise<T>((resolve, reject) => {
        rejectPending = reject;
        this.#pending.add(reject);
        // An idle worker must not keep the program alive, a busy one must.
        this.#worker.ref();
        work(this.#remote).then(resolve, reject);
      });
    } catch (error) {
      if (isDskdError(error)) throw error;
      throw error instanceof Error ? this.#failure(error.message, error.stack) : this.#failure(String(error));
    } finally {
      this.#pending.delete(rejectPending);
      // One that is being ended is waited for.
      if (this.#pending.size === 0 && !this.#over) this.#worker.unref();
    }
  }

  /** Rejects pending and later calls with `reason`, and ends the thread. */
  async end(reason: DskdError): Promise<void> {
    this.#fail(reason);
    await this.#worker.terminate();
  }

  #assertRuns(): void {
    if (this.#over) throw this.#over;
  }

  #failure(message: string, cause?: unknown): DskdError {
    const { name, details } = this.#options;
    return new DskdError('worker-failed', `${name} failed: ${message}`, {
      ...(details && { details }),
      cause,
    });
  }

  #lost(error: DskdError): void {
    if (this.#fail(error)) this.#options.onEnd?.(error);
  }

  /** Only the first reason counts: an exit follows each other one. */
  #fail(error: DskdError): boolean {
    if (this.#over) return false;
    this.#over = error;
    for (const reject of this.#pending) reject(error);
    return true;
  }
}
