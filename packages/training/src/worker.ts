// Entry of a student's worker thread.
import { parentPort, workerData } from 'node:worker_threads';
import { expose, transfer, type Endpoint } from 'comlink';
import { HeldFeatures, type BatchLevel, type FeatureBatch, type ImageFeatures } from './feature-batch.js';
import { inProcessRunner } from './in-process-runner.js';
import type { Position, StudentRunner, StudentTask } from './student-runner.js';
import type { StudentState } from './training-state.js';
import { passDskdErrors } from './worker-errors.js';

/** `workerData` of the thread. */
export interface WorkerSetUp {
  readonly name: string;
  /** URL of the set-up module. */
  readonly setUpModule: string;
  readonly options: unknown;
}

/** A feature batch as it is posted. Its arrays are in SharedArrayBuffers, so that nothing is copied. */
export interface PostedFeatures {
  readonly levels: readonly BatchLevel[];
  readonly images: readonly ImageFeatures[];
}

type SetUpStudent = (options: unknown) => Promise<StudentTask> | StudentTask;

/** What `workerRunner` calls from the other thread; first `setUp`, then the others one at a time. */
export class StudentWorker {
  #runner: StudentRunner | undefined;

  async setUp(): Promise<void> {
    const { name, setUpModule, options } = workerData as WorkerSetUp;
    const module = (await import(setUpModule)) as { setUpStudent?: SetUpStudent; default?: SetUpStudent };
    const setUpStudent = module.setUpStudent ?? module.default;
    if (typeof setUpStudent !== 'function') {
      throw new Error(`${setUpModule} exports no function 'setUpStudent' (or default).`);
    }
    this.#runner = inProcessRunner({ ...(await setUpStudent(options)), name });
  }

  step(posted: PostedFeatures, position: Position): Promise<number> {
    return withFeatures(posted, (features) => this.#runner!.step(features, position));
  }

  observeBatchNorm(posted: PostedFeatures, index: number): Promise<void> {
    return withFeatures(posted, (features) => this.#runner!.observeBatchNorm(features, index));
  }

  evaluate(posted: PostedFeatures): Promise<number> {
    return withFeatures(posted, (features) => this.#runner!.evaluate(features));
  }

  /** The state was copied from the backend, so its buffers can be transferred instead of being copied again. */
  async capture(): Promise<StudentState> {
    const state = await this.#runner!.capture();
    const { parameters, buffers, optimizer } = state;
    const arrays = [parameters, buffers, optimizer.firstMoments, optimizer.secondMoments];
    return transfer(
      state,
      arrays.flatMap((named) => [...named.values()].map(({ data }) => data.buffer as ArrayBuffer)),
    );
  }

  async restore(state: StudentState): Promise<void> {
    await this.#runner!.restore(state);
  }
}

async function withFeatures<T>(
  { levels, images }: PostedFeatures,
  work: (features: FeatureBatch) => Promise<T>,
): Promise<T> {
  const features = new HeldFeatures(levels, { images });
  try {
    return await work(features);
  } finally {
    features.dispose();
  }
}

if (!parentPort) throw new Error('This module is the entry of a worker thread.');
passDskdErrors();
// In a worker, Node's MessagePort has the browser's event methods that comlink calls.
expose(new StudentWorker(), parentPort as unknown as Endpoint);
