import { describeValue, DskdError, prefetch, throwIfAborted } from '@dskd/base';
import type { Prediction, PredictOptions } from '@dskd/detector';
import type { Crew, EngineFacts, ScoreOptions } from './crew.js';

export type EnginePredictOptions = Omit<PredictOptions, 'batchSize'>;

export interface EnginePredictEachOptions extends EnginePredictOptions {
  /** How many images are asked for while one is waited for. Default: as many as keep all workers busy. */
  readonly prefetch?: number;
}

/** An image that was taken, until its promise is settled. */
interface Task<Image> {
  readonly image: Image;
  readonly options: ScoreOptions;
  readonly resolve: (prediction: Prediction) => void;
  readonly reject: (error: unknown) => void;
}

/** Loads a model and makes all ready to score. */
export type OpenCrew<Image, Model> = (model: Model, signal: AbortSignal) => Promise<Crew<Image>>;

/** Of the images that wait: enough to take bursts, too few to fill the memory. */
const QUEUE_PER_WORKER = 4;
const SMALLEST_QUEUE = 16;

/**
 * How many images may wait.
 * @param queue as a user gave it.
 * @throws {DskdError} `invalid-argument`
 */
export function queueLimit(queue: number | undefined, workers: number): number {
  if (queue === undefined) return Math.max(SMALLEST_QUEUE, QUEUE_PER_WORKER * workers);
  if (Number.isInteger(queue) && queue >= 0) return queue;
  throw new DskdError(
    'invalid-argument',
    `Got queue ${describeValue(queue)}, wanted 0 or a positive integer.`,
    {
      hint: 'It is the most images that wait while all workers are busy.',
    },
  );
}

/** Text and bytes can be iterated, too: letters and numbers are no images. */
function assertImages(images: unknown): void {
  const isList =
    typeof images === 'object' &&
    images !== null &&
    !ArrayBuffer.isView(images) &&
    (Symbol.iterator in images || Symbol.asyncIterator in images);
  if (isList) return;
  throw new DskdError(
    'invalid-argument',
    `Got ${describeValue(images)} as images of predictEach; wanted images, one after another.`,
    { hint: 'predict scores a single image.' },
  );
}

/**
 * Scores images as they are given, by workers or in this thread, with a queue that refuses what is too much. Made by `engineOf`,
 * or by `openEngine` of `@dskd/engine/node`; the owner calls `dispose`.
 * @typeParam Image what it takes as an image.
 * @typeParam Model what it takes as another model.
 */
export class Engine<Image, Model> {
  readonly #open: OpenCrew<Image, Model>;
  readonly #limit: number;
  readonly #waiting = new Set<Task<Image>>();
  readonly #running = new Set<Task<Image>>();
  readonly #closing = new AbortController();
  #crew: Crew<Image>;
  #swaps: Promise<unknown> = Promise.resolve();
  #ended: Promise<void> | undefined;

  /** @internal Use `engineOf` or `openEngine`. */
  constructor(crew: Crew<Image>, open: OpenCrew<Image, Model>, limit: number) {
    this.#limit = limit;
    this.#open = open;
    this.#crew = crew;
    this.#employ(crew);
  }

  get info(): EngineFacts {
    return this.#crew.info;
  }

  /**
   * Scores an image as soon as a worker is free.
   * @param options.signal takes an image that waits out of the queue; of one that is being scored the result is dropped. The
   * promise is rejected at once.
   * @throws {DskdError} `queue-full` where as many wait as may; `aborted`, `disposed`, `worker-failed` (the worker ended while it
   * scored this image, and is replaced); and as `Predictor.predict` and the decoding of files.
   */
  async predict(image: Image, options: EnginePredictOptions = {}): Promise<Prediction> {
    this.#assertAlive();
    throwIfAborted(options.signal);
    if (this.#crew.room === 0 && this.#waiting.size >= this.#limit) {
      throw new DskdError(
        'queue-full',
        `All workers are busy, and ${this.#waiting.size} images wait; more than ${this.#limit} may not.`,
        {
          hint: 'Send the image again later, or slower; predictEach does. A longer queue takes bursts, more workers score more.',
          details: { waiting: this.#waiting.size, queue: this.#limit },
        },
      );
    }
    return this.#submit(image, options);
  }

  /**
   * Scores images as they come: from a camera, a folder, a queue. It asks for as many as keep the workers busy, so none of them
   * is refused.
   * @returns predictions in the order of the images. Leaving the loop ends `images`, too.
   * @throws {DskdError} as {@link predict}; and whatever `images` throws.
   */
  async *predictEach(
    images: AsyncIterable<Image> | Iterable<Image>,
    { prefetch: count = this.#crew.size, signal, ...options }: EnginePredictEachOptions = {},
  ): AsyncGenerator<Prediction, void, undefined> {
    assertImages(images);
    const leaving = new AbortController();
    const score = (image: Image): Promise<Prediction> =>
      this.#submit(image, { ...options, signal: leaving.signal });
    try {
      yield* prefetch(images, count, score, signal);
    } finally {
      // What nobody waits for any more.
      leaving.abort();
    }
  }

  /**
   * Hot swap: loads another model, lets it score an image, and then gives it all images that have not begun; those that have are
   * finished by the old model, which is then freed. Meanwhile both are in memory. A second call waits for the first.
   * @throws {DskdError} of loading; the old model then goes on. `disposed`
   */
  swap(model: Model): Promise<void> {
    const swapped = this.#swaps.then(() => this.#replace(model));
    this.#swaps = swapped.catch(() => undefined);
    return swapped;
  }

  /** Rejects what waits and what is being scored with `disposed`, and frees model and threads. */
  dispose(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #replace(model: Model): Promise<void> {
    this.#assertAlive();
    let next: Crew<Image>;
    try {
      next = await this.#open(model, this.#closing.signal);
    } catch (error) {
      this.#assertAlive();
      throw error;
    }
    if (this.#closing.signal.aborted) {
      await next.end('drop');
      this.#assertAlive();
    }
    const old = this.#crew;
    this.#crew = next;
    this.#employ(next);
    await old.end('finish');
  }

  async #end(): Promise<void> {
    const reason = this.#disposed();
    this.#closing.abort(reason);
    for (const { reject } of [...this.#waiting, ...this.#running]) reject(reason);
    this.#waiting.clear();
    await this.#swaps;
    await this.#crew.end('drop');
  }

  #employ(crew: Crew<Image>): void {
    crew.onChange = () => this.#pump();
    this.#pump();
  }

  async #submit(image: Image, { signal, ...options }: EnginePredictOptions): Promise<Prediction> {
    this.#assertAlive();
    throwIfAborted(signal);
    let stop = (): void => undefined;
    try {
      return await new Promise<Prediction>((resolve, reject) => {
        const task: Task<Image> = { image, options, resolve, reject };
        stop = () => {
          this.#waiting.delete(task);
          reject(new DskdError('aborted', 'The operation was aborted.', { cause: signal?.reason }));
        };
        signal?.addEventListener('abort', stop, { once: true });
        this.#waiting.add(task);
        this.#pump();
      });
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Gives images that wait to those who are free. */
  #pump(): void {
    const crew = this.#crew;
    for (const task of this.#waiting) {
      if (crew.failure) task.reject(crew.failure);
      else if (crew.room > 0) void this.#run(task, crew);
      else return;
      this.#waiting.delete(task);
    }
  }

  async #run(task: Task<Image>, crew: Crew<Image>): Promise<void> {
    this.#running.add(task);
    try {
      task.resolve(await crew.score(task.image, task.options));
    } catch (error) {
      task.reject(error);
    } finally {
      this.#running.delete(task);
      this.#pump();
    }
  }

  #disposed(): DskdError {
    return new DskdError('disposed', 'The engine was disposed.');
  }

  #assertAlive(): void {
    if (this.#closing.signal.aborted) throw this.#disposed();
  }
}
