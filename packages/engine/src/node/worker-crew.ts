import { DskdError, isDskdError, throwIfAborted } from '@dskd/base';
import type { Prediction } from '@dskd/detector';
import { WorkerThread } from '@dskd/training/node';
import { AT_A_TIME, type Crew, type EngineFacts, type ScoreOptions } from '../crew.js';
import { postedImage, type EngineImage } from './image.js';
import type { PredictorSpec } from './load-predictor.js';
import { dropGuard, newGuard, type NativeGuard } from './native-guard.js';
import type { EngineWorker } from './worker-api.js';

/** After so many threads that ended one after another without a result, another one would end, too. */
const MOST_LOSSES = 3;

/** The place of a worker, whose thread is replaced when it ends. */
interface Place {
  thread: WorkerThread<EngineWorker> | undefined;
  guard: NativeGuard | undefined;
  /** Whether the thread has loaded. */
  isReady: boolean;
  /** Images that the thread has. */
  busy: number;
}

export interface WorkerCrewOptions {
  readonly spec: PredictorSpec;
  readonly info: Omit<EngineFacts, 'backend'>;
  /** The module that the threads run. */
  readonly module: URL;
}

/** Scores images in worker threads, and replaces those that end. */
export class WorkerCrew implements Crew<EngineImage> {
  onChange: (() => void) | undefined;
  readonly #options: WorkerCrewOptions;
  readonly #places: Place[] = [];
  readonly #scoring = new Set<Promise<Prediction>>();
  #backend: string | null = null;
  #failure: DskdError | undefined;
  /** Threads that ended since the last result. */
  #losses = 0;
  #isEnded = false;

  private constructor(options: WorkerCrewOptions) {
    this.#options = options;
  }

  /**
   * Starts the threads, and waits until each has scored an image.
   * @throws {DskdError} of loading; `worker-failed`, `aborted`. No thread is left then.
   */
  static async start(options: WorkerCrewOptions, signal: AbortSignal | undefined): Promise<WorkerCrew> {
    const crew = new WorkerCrew(options);
    const stop = (): void => void crew.end('drop');
    signal?.addEventListener('abort', stop, { once: true });
    try {
      throwIfAborted(signal);
      const starts = Array.from({ length: options.info.workers }, async () => {
        const place: Place = { thread: undefined, guard: undefined, isReady: false, busy: 0 };
        crew.#places.push(place);
        await crew.#start(place);
      });
      await Promise.all(starts);
      throwIfAborted(signal);
      return crew;
    } catch (error) {
      await crew.end('drop');
      throwIfAborted(signal);
      throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  get info(): EngineFacts {
    return { ...this.#options.info, backend: this.#backend };
  }

  get size(): number {
    return this.#places.length * AT_A_TIME;
  }

  get room(): number {
    return this.#places.reduce((sum, { isReady, busy }) => sum + (isReady ? AT_A_TIME - busy : 0), 0);
  }

  get failure(): DskdError | undefined {
    return this.#failure;
  }

  async score(image: EngineImage, options: ScoreOptions): Promise<Prediction> {
    const prediction = this.#score(image, options);
    this.#scoring.add(prediction);
    try {
      return await prediction;
    } finally {
      this.#scoring.delete(prediction);
    }
  }

  async end(how: 'finish' | 'drop'): Promise<void> {
    this.#isEnded = true;
    if (how === 'finish') await Promise.allSettled(this.#scoring);
    await this.#endThreads(new DskdError('disposed', 'The engine was disposed.'));
  }

  /**
   * TensorFlow.js can be ended at any time. The native code of ONNX Runtime ends the whole process (`Napi::Error`) where its thread
   * is ended while it computes, so what it does is waited for; what a worker has not begun is dropped in any case.
   */
  async #endThreads(reason: DskdError): Promise<void> {
    await Promise.all(
      this.#places.map(async ({ thread, guard }) => {
        if (guard) await thread?.call((worker) => worker.release()).catch(() => undefined);
        await thread?.end(reason);
        if (guard) dropGuard(guard);
      }),
    );
  }

  async #score(image: EngineImage, options: ScoreOptions): Promise<Prediction> {
    const place = this.#places
      .filter(({ isReady }) => isReady)
      .reduce((least, each) => (each.busy < least.busy ? each : least));
    place.busy++;
    try {
      const prediction = await place.thread!.call((worker) => worker.predict(postedImage(image), options));
      this.#losses = 0;
      return prediction;
    } catch (error) {
      // A worker that refuses an image has not ended.
      if (!isDskdError(error, 'worker-failed')) this.#losses = 0;
      throw error;
    } finally {
      place.busy--;
    }
  }

  async #start(place: Place): Promise<void> {
    const thread: WorkerThread<EngineWorker> = new WorkerThread({
      module: this.#options.module,
      name: 'A worker of the engine',
      onEnd: (error) => {
        // While it loads, the call of `load` tells.
        if (!place.isReady) return;
        place.isReady = false;
        void this.#replace(place, error);
      },
    });
    place.thread = thread;
    const { spec } = this.#options;
    // The thread before has ended.
    if (place.guard) dropGuard(place.guard);
    place.guard = spec.engine === 'onnx' ? newGuard() : undefined;
    try {
      this.#backend = await thread.call((worker) => worker.load(spec, place.guard));
      place.isReady = true;
    } catch (error) {
      await thread.end(error as DskdError);
      throw error;
    }
  }

  async #replace(place: Place, lost: DskdError): Promise<void> {
    let reason = lost;
    while (!this.#isEnded && !place.isReady) {
      if (++this.#losses >= MOST_LOSSES) {
        this.#fail(reason);
        return;
      }
      try {
        await this.#start(place);
      } catch (error) {
        reason = error as DskdError;
      }
    }
    this.onChange?.();
  }

  #fail(last: DskdError): void {
    this.#isEnded = true;
    const failure = new DskdError(
      'worker-failed',
      `${MOST_LOSSES} workers ended one after another without a result. The last one: ${last.message}`,
      { hint: 'Is there enough memory? Fewer workers need less.', cause: last },
    );
    this.#failure = failure;
    for (const place of this.#places) place.isReady = false;
    void this.#endThreads(failure);
    this.onChange?.();
  }
}
