import { DskdError, isDskdError } from '@dskd/base';
import type { Prediction } from '@dskd/detector';
import type { EnginePredictOptions } from '@dskd/engine';
import type { EngineImage } from '@dskd/engine/node';
import type { ModelVersion } from '../models/model-version.js';
import type { ServedModel } from '../models/served-model.js';
import { errorOfSignal, refusalOf } from './errors.js';
import type { Metrics } from './metrics.js';
import type { Uploads } from './uploads.js';

/** What is to be scored, as a request said it. */
export interface ScoreJob {
  readonly images: readonly EngineImage[];
  readonly options: Omit<EnginePredictOptions, 'signal'>;
}

export interface ScoredJob<Job extends ScoreJob> {
  readonly job: Job;
  /** The one version that scored all images of the request. */
  readonly version: ModelVersion;
  /** In the order of the images. */
  readonly predictions: readonly Prediction[];
}

export interface ScoreRequest<Job extends ScoreJob, Answer> {
  readonly model: ServedModel;
  /** The version that must answer. */
  readonly versionId: string | undefined;
  readonly request: Request;
  /** Reads the body. */
  readonly parse: (bytes: Uint8Array<ArrayBuffer>, signal: AbortSignal) => Promise<Job>;
  /** Makes the answer, while the images still have their places. */
  readonly answer: (scored: ScoredJob<Job>) => Promise<Answer>;
}

/** Scores the images of requests: from the check for a place to the answer. */
export class Predictions {
  constructor(
    private readonly uploads: Uploads,
    private readonly metrics: Metrics,
    /** Longest time from when the body has arrived to the answer, in milliseconds. */
    private readonly timeout: number,
  ) {}

  /**
   * Looks for a place before the body is read, takes places when the number of images is known, and gives them back when the answer
   * is made, an image fails, the time is over or the client has gone.
   * @throws {DskdError} of all its parts.
   */
  async score<Job extends ScoreJob, Answer>(task: ScoreRequest<Job, Answer>): Promise<Answer> {
    const { model, versionId, request, parse } = task;
    try {
      model.current(versionId);
      model.gate.assertRoom();
      const { signal } = request;
      const job = await this.uploads.read(request, signal, parse);
      return await this.#withPlaces(task, job);
    } catch (error) {
      this.metrics.refused(model.name, refusalOf(error).code);
      throw error;
    }
  }

  async #withPlaces<Job extends ScoreJob, Answer>(
    { model, versionId, request: { signal }, answer }: ScoreRequest<Job, Answer>,
    job: Job,
  ): Promise<Answer> {
    const giveBack = model.gate.take(job.images.length);
    const version = model.current(versionId);
    const done = version.use();
    const stop = new AbortController();
    const started = performance.now();
    const late = (): void =>
      stop.abort(
        new DskdError('timed-out', `There was no result within ${this.timeout / 1000} seconds.`, {
          hint: 'The server is busy, or the image is very large. Send it again later.',
          details: { retryAfter: model.gate.retryAfter },
        }),
      );
    const gone = (): void => stop.abort(signal.reason);
    const timer = setTimeout(late, this.timeout);
    signal.addEventListener('abort', gone, { once: true });
    if (signal.aborted) gone();
    try {
      const predictions = await Promise.all(
        job.images.map((image, index) => this.#predict(model, version, image, index, job, stop)),
      );
      const made = await untilAborted(answer({ job, version, predictions }), stop.signal);
      const seconds = (performance.now() - started) / 1000;
      version.statistics.count('success', job.images.length, seconds);
      return made;
    } catch (error) {
      version.statistics.count('fail', job.images.length, (performance.now() - started) / 1000);
      // The other images of the request are of no use.
      stop.abort(error);
      throw stop.signal.aborted && isDskdError(error, 'aborted') ? errorOfSignal(stop.signal) : error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', gone);
      giveBack();
      done();
    }
  }

  async #predict(
    model: ServedModel,
    version: ModelVersion,
    image: EngineImage,
    index: number,
    { images, options }: ScoreJob,
    stop: AbortController,
  ): Promise<Prediction> {
    const started = performance.now();
    try {
      const prediction = await version.predict(image, { ...options, signal: stop.signal });
      const seconds = (performance.now() - started) / 1000;
      model.gate.learn(seconds);
      this.metrics.predicted(model.name, version.id, prediction.verdict, seconds);
      return prediction;
    } catch (error) {
      if (images.length === 1 || !isDskdError(error) || error.code === 'aborted') throw error;
      throw new DskdError(error.code, `Image ${index} of ${images.length}: ${error.message}`, {
        ...(error.hint !== undefined && { hint: error.hint }),
        details: { ...error.details, image: index },
        cause: error,
      });
    }
  }
}

/** What `work` gives, unless the signal is aborted before. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let reject = (): void => undefined;
  try {
    return await new Promise<T>((resolve, fail) => {
      reject = () => fail(errorOfSignal(signal));
      signal.addEventListener('abort', reject, { once: true });
      if (signal.aborted) reject();
      work.then(resolve, fail);
    });
  } finally {
    signal.removeEventListener('abort', reject);
  }
}
