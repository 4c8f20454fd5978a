import { DskdError, isDskdError, throwIfAborted, type EventListener, type HistoryEntry } from '@dskd/base';
import type { FeatureExtractor } from '@dskd/core';
import { yieldToEventLoop } from './event-loop.js';
import type { FeatureBatch } from './feature-batch.js';
import { hasSettled, type HeldOut } from './held-out.js';
import { inProcessRunner } from './in-process-runner.js';
import { batchesOfEpoch, countSteps } from './schedule.js';
import type { StudentRunner, StudentTask } from './student-runner.js';
import { eachBatch, TeacherFeatures, type ImageSet } from './teacher-features.js';
import { assertResumable, type StudentState, type TrainingState } from './training-state.js';

/** Number of steps after which batch-norm running statistics (momentum 0.1) have settled. */
const SETTLED_STEPS = 40;
const DEFAULT_CACHE_BYTES = 2 ** 30;

export interface CheckpointOptions {
  /** Interval in epochs. One more checkpoint is saved before batch-norm statistics are re-estimated. */
  readonly everyEpochs?: number;
  /** Interval in steps, counted over the whole run. */
  readonly everySteps?: number;
  /**
   * Stores the state; the run waits for it. Also called once when the run is aborted. Where it fails, a warning is emitted
   * and the run goes on, except for a `DskdError` of another code than `file-not-writable`.
   */
  save(state: TrainingState): Promise<void>;
}

export interface TrainStudentsOptions {
  /** Frozen. The features of an image must not depend on the other images of its batch. */
  readonly teacher: FeatureExtractor;
  /** Tasks are trained in place in this thread, runners in the thread they use. Names are unique. */
  readonly students: readonly (StudentTask | StudentRunner)[];
  readonly images: ImageSet;
  readonly epochs: number;
  /**
   * Milliseconds after which the run ends: with the last epoch that fits into them, if it takes as long as the one
   * before, but not before the first epoch has ended. `epochs` is then the most. The result is that of a run of as many
   * epochs.
   */
  readonly timeLimit?: number;
  /** A single image left over at the end of an epoch joins the batch before it. */
  /** Ends the run when images that are not trained on say so. `epochs` is then the most. */
  readonly heldOut?: HeldOut;
  readonly batchSize: number;
  readonly seed: number;
  /** Checked between steps. */
  readonly signal?: AbortSignal;
  readonly onEvent?: EventListener;
  /** Limit of the cache of teacher features, default 1 GiB. Used only if `images.changesEachEpoch` is false. */
  readonly featureCache?: { readonly maxBytes: number };
  readonly checkpoint?: CheckpointOptions;
  readonly resumeFrom?: TrainingState;
  /**
   * At the end, replace batch-norm running statistics by their average over one more pass through the
   * training set (torch.optim.swa_utils.update_bn). Default false.
   */
  readonly reestimateBatchNorm?: boolean;
}

export interface TrainingResult {
  /** Mean loss of each student in each epoch, from the first epoch on, also after a resume. */
  readonly history: readonly HistoryEntry[];
  /** Number of steps of the whole run. */
  readonly steps: number;
  /** In the order of `students`. */
  readonly states: readonly StudentState[];
}

/**
 * Trains any number of students on the features of one frozen teacher. Each step runs the teacher once (or
 * not at all, if its features are cached) and all students at the same time. On wasm and cpu the same seed gives
 * the same states bit for bit. The states do not depend on the threads that train the students, on the size of
 * the cache, or on whether the run was interrupted and resumed.
 * @throws {DskdError} `invalid-config`; `invalid-argument` for a checkpoint of another run; `aborted`, after
 * saving a checkpoint if they are configured; `numerical-instability` naming step, student and level.
 */
export async function trainStudents(options: TrainStudentsOptions): Promise<TrainingResult> {
  assertOptions(options);
  const own: StudentRunner[] = [];
  try {
    const runners = options.students.map((student) => {
      if ('step' in student) return student;
      const runner = inProcessRunner(student);
      own.push(runner);
      return runner;
    });
    return await new TrainingRun(options, runners).finish();
  } finally {
    await Promise.all(own.map((runner) => runner.dispose()));
  }
}

class TrainingRun {
  readonly #options: TrainStudentsOptions;
  readonly #runners: readonly StudentRunner[];
  readonly #source: TeacherFeatures;
  readonly #heldOut: TeacherFeatures | undefined;
  readonly #stepsPerEpoch: number;
  /** Of the whole run; fewer once the time is up. */
  #steps: number;
  #epochStart = performance.now();
  readonly #start = performance.now();
  readonly #history: HistoryEntry[] = [];
  #lossSums: Record<string, number>;
  #step = 0;
  #savedStep = -1;
  #schedule: { epoch: number; batches: number[][] } | undefined;

  constructor(options: TrainStudentsOptions, runners: readonly StudentRunner[]) {
    this.#options = options;
    this.#runners = runners;
    const { teacher, images, heldOut, featureCache } = options;
    const cacheBytes = featureCache?.maxBytes ?? DEFAULT_CACHE_BYTES;
    const share = images.length / (images.length + (heldOut?.images.length ?? 0));
    const shared = runners.some(({ threaded }) => threaded);
    this.#source = new TeacherFeatures({ teacher, images, cacheBytes: share * cacheBytes, shared });
    this.#heldOut =
      heldOut &&
      new TeacherFeatures({
        teacher,
        images: {
          length: heldOut.images.length,
          changesEachEpoch: false,
          batch: (indices, epoch) => heldOut.images.batch(indices, epoch),
        },
        cacheBytes: (1 - share) * cacheBytes,
        shared,
      });
    this.#stepsPerEpoch = countSteps(options.images.length, options.batchSize);
    this.#steps = this.#stepsPerEpoch * options.epochs;
    this.#lossSums = this.#zeroLosses();
  }

  async finish(): Promise<TrainingResult> {
    const { epochs, images, reestimateBatchNorm, timeLimit } = this.#options;
    await this.#resume();
    if (this.#isSettled()) this.#steps = this.#step;
    this.#emit({
      type: 'training-start',
      epochs,
      stepsPerEpoch: this.#stepsPerEpoch,
      samples: images.length,
      ...(timeLimit !== undefined && { timeLimit }),
      students: this.#runners.map(({ name }) => name),
    });
    if (this.#steps < SETTLED_STEPS && !reestimateBatchNorm && (await this.#hasRunningStatistics())) {
      this.#emit({
        type: 'warning',
        message:
          `${this.#steps} steps in all: batch-norm running statistics settle after about ${SETTLED_STEPS}. ` +
          'Train longer or set reestimateBatchNorm.',
      });
    }
    await eachBatch(
      this.#source,
      { from: this.#step, to: this.#steps, at: (step) => this.#request(step) },
      (features) => this.#trainStep(features),
    );
    if (reestimateBatchNorm) await this.#reestimateBatchNorm();
    const states = await this.#capture();
    this.#emit({ type: 'training-end', steps: this.#steps });
    return { history: this.#history, steps: this.#steps, states };
  }

  /** Whether a student has batch norm: by the names of its buffers, as in torch. */
  async #hasRunningStatistics(): Promise<boolean> {
    const states = await this.#capture();
    return states.some(({ buffers }) => [...buffers.keys()].some((name) => name.endsWith('running_mean')));
  }

  async #resume(): Promise<void> {
    const { resumeFrom: state, seed, batchSize, images } = this.#options;
    if (!state) return;
    assertResumable(
      state,
      { seed, batchSize, images: images.length, steps: this.#steps },
      this.#runners.map(({ name }) => name),
    );
    await this.#all((runner) => runner.restore(state.students.find(({ name }) => name === runner.name)!));
    this.#history.push(...state.history);
    this.#lossSums = { ...state.lossSums };
    this.#step = state.step;
    this.#savedStep = state.step;
  }

  /** @returns whether there are further steps. */
  async #trainStep(features: FeatureBatch): Promise<boolean> {
    await yieldToEventLoop();
    await this.#stopIfAborted();
    const step = this.#step;
    const epoch = Math.floor(step / this.#stepsPerEpoch);
    if (step % this.#stepsPerEpoch === 0) this.#emit({ type: 'epoch-start', epoch });

    const losses = await this.#byStudent((runner) => runner.step(features, { epoch, step }));
    for (const [name, loss] of Object.entries(losses)) this.#lossSums[name]! += loss;
    this.#step += 1;
    this.#emit({ type: 'step-end', epoch, step, losses, samples: features.size });

    const epochEnds = this.#step % this.#stepsPerEpoch === 0;
    if (epochEnds) await this.#endEpoch(epoch);
    const { checkpoint } = this.#options;
    const epochIsDue = epochEnds && isMultiple(epoch + 1, checkpoint?.everyEpochs);
    if (epochIsDue || isMultiple(this.#step, checkpoint?.everySteps)) await this.#save();
    if (epochEnds && (this.#isTimeUp() || this.#isSettled())) this.#steps = this.#step;
    return this.#step < this.#steps;
  }

  /** Whether another epoch, as long as the one that has just ended, would end too late. */
  #isTimeUp(): boolean {
    const now = performance.now();
    const epoch = now - this.#epochStart;
    this.#epochStart = now;
    return now - this.#start + epoch > (this.#options.timeLimit ?? Infinity);
  }

  #isSettled(): boolean {
    const { heldOut } = this.#options;
    return heldOut !== undefined && hasSettled(this.#history, heldOut.patience);
  }

  async #endEpoch(epoch: number): Promise<void> {
    const losses = Object.fromEntries(
      Object.entries(this.#lossSums).map(([name, total]) => [name, total / this.#stepsPerEpoch]),
    );
    const heldOut = this.#heldOut && (await this.#evaluate(this.#heldOut));
    const entry: HistoryEntry = { epoch, losses, ...(heldOut && { heldOut }) };
    this.#history.push(entry);
    this.#lossSums = this.#zeroLosses();
    this.#emit({ type: 'epoch-end', ...entry });
  }

  /** Mean loss of each student over the held-out images, in evaluation mode. */
  async #evaluate(source: TeacherFeatures): Promise<Record<string, number>> {
    const { heldOut, batchSize } = this.#options;
    const images = heldOut!.images.length;
    const totals = this.#zeroLosses();
    const indicesOf = (batch: number): number[] =>
      Array.from(
        { length: Math.min(batchSize, images - batch * batchSize) },
        (_, i) => batch * batchSize + i,
      );
    await eachBatch(
      source,
      {
        from: 0,
        to: Math.ceil(images / batchSize),
        at: (batch) => ({ indices: indicesOf(batch), epoch: 0 }),
      },
      async (features) => {
        const losses = await this.#byStudent((runner) => runner.evaluate(features));
        for (const [name, loss] of Object.entries(losses)) totals[name]! += loss * features.size;
        return true;
      },
    );
    return Object.fromEntries(Object.entries(totals).map(([name, total]) => [name, total / images]));
  }

  async #reestimateBatchNorm(): Promise<void> {
    // A run that is stopped during the pass resumes here.
    await this.#save();
    await eachBatch(
      this.#source,
      {
        from: 0,
        to: this.#stepsPerEpoch,
        at: (batch) => this.#request(this.#steps + batch),
      },
      async (features, batch) => {
        throwIfAborted(this.#options.signal);
        await this.#all((runner) => runner.observeBatchNorm(features, batch));
        return true;
      },
    );
  }

  async #stopIfAborted(): Promise<void> {
    if (!this.#options.signal?.aborted) return;
    await this.#save();
    throwIfAborted(this.#options.signal);
  }

  async #save(): Promise<void> {
    const { checkpoint, seed, batchSize, images } = this.#options;
    if (!checkpoint || this.#savedStep === this.#step) return;
    const students = await this.#capture();
    try {
      await checkpoint.save({
        seed,
        batchSize,
        images: images.length,
        step: this.#step,
        history: [...this.#history],
        lossSums: { ...this.#lossSums },
        students,
      });
    } catch (error) {
      this.#emit({ type: 'warning', message: unsaved(error) });
      return;
    }
    this.#savedStep = this.#step;
    const epoch = Math.floor(this.#step / this.#stepsPerEpoch);
    this.#emit({ type: 'checkpoint-saved', epoch, step: this.#step });
  }

  #request(step: number): { indices: number[]; epoch: number } {
    const { images, batchSize, seed } = this.#options;
    const epoch = Math.floor(step / this.#stepsPerEpoch);
    if (this.#schedule?.epoch !== epoch) {
      this.#schedule = { epoch, batches: batchesOfEpoch(images.length, batchSize, seed, epoch) };
    }
    return { indices: this.#schedule.batches[step % this.#stepsPerEpoch]!, epoch };
  }

  #capture(): Promise<StudentState[]> {
    return this.#all((runner) => runner.capture());
  }

  async #byStudent(work: (runner: StudentRunner) => Promise<number>): Promise<Record<string, number>> {
    const results = await this.#all(work);
    return Object.fromEntries(this.#runners.map(({ name }, index) => [name, results[index]!]));
  }

  /** Runs `work` for all students at once. If some fail, throws the first error after all have finished. */
  async #all<T>(work: (runner: StudentRunner) => Promise<T>): Promise<T[]> {
    const settled = await Promise.allSettled(this.#runners.map((runner) => work(runner)));
    return settled.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  }

  #zeroLosses(): Record<string, number> {
    return Object.fromEntries(this.#runners.map(({ name }) => [name, 0]));
  }

  #emit(event: Parameters<EventListener>[0]): void {
    this.#options.onEvent?.(event);
  }
}

/**
 * The warning for a checkpoint that could not be saved: a full disk must not end a training.
 * @throws `error` itself, if it does not come from saving but says that there is nothing to be saved, such as
 * `weights-not-finite`.
 */
function unsaved(error: unknown): string {
  if (isDskdError(error) && error.code !== 'file-not-writable') throw error;
  const reason = error instanceof Error ? error.message : String(error);
  return `The checkpoint could not be saved, the training goes on: ${reason}`;
}

function isMultiple(count: number, interval: number | undefined): boolean {
  return interval !== undefined && count % interval === 0;
}

function assertOptions({
  students,
  images,
  epochs,
  timeLimit = 0,
  heldOut,
  batchSize,
  checkpoint,
}: TrainStudentsOptions): void {
  const problems: string[] = [];
  const positive = (value: number, what: string): void => {
    if (!Number.isInteger(value) || value < 1)
      problems.push(`${what} is ${value}, wanted a positive integer`);
  };
  positive(images.length, 'images.length');
  positive(epochs, 'epochs');
  positive(batchSize, 'batchSize');
  if (heldOut) {
    positive(heldOut.images.length, 'heldOut.images.length');
    positive(heldOut.patience, 'heldOut.patience');
  }
  if (!(timeLimit >= 0)) problems.push(`timeLimit is ${timeLimit}, wanted milliseconds, 0 or more`);
  if (checkpoint?.everyEpochs !== undefined) positive(checkpoint.everyEpochs, 'checkpoint.everyEpochs');
  if (checkpoint?.everySteps !== undefined) positive(checkpoint.everySteps, 'checkpoint.everySteps');
  if (students.length === 0) problems.push('there are no students');
  const names = students.map(({ name }) => name);
  if (new Set(names).size !== names.length) problems.push(`student names repeat: ${names.join(', ')}`);
  if (problems.length > 0) {
    throw new DskdError('invalid-config', `Cannot train: ${problems.join('; ')}.`, { details: { problems } });
  }
}
