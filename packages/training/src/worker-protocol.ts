import { DskdError, isDskdError, type DskdErrorOptions, type ErrorCode } from '@dskd/base';
import { HeldFeatures, type BatchLevel, type ImageFeatures } from './feature-batch.js';
import type { FeatureBatch } from './feature-batch.js';
import type { Position, StudentRunner } from './student-runner.js';
import type { StudentState } from './student-state.js';

/** What a worker is started with. */
export interface WorkerSetUp {
  readonly name: string;
  readonly setUpModule: string;
  readonly options: unknown;
}

/** A feature batch on its way to another thread; its arrays lie in SharedArrayBuffers, nothing is copied. */
export interface PostedFeatures {
  readonly levels: readonly BatchLevel[];
  readonly images: readonly ImageFeatures[];
}

export type WorkerCall =
  | { readonly call: 'step'; readonly features: PostedFeatures; readonly position: Position }
  | { readonly call: 'observeBatchNorm'; readonly features: PostedFeatures; readonly index: number }
  | { readonly call: 'capture' }
  | { readonly call: 'restore'; readonly state: StudentState };

/** `id` counts calls; the worker's set-up answers to id 0. */
export interface WorkerRequest {
  readonly id: number;
  readonly call: WorkerCall;
}

export type WorkerAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: PostedError };

/** Errors lose their class and marker on the way; these parts survive. */
export interface PostedError {
  readonly message: string;
  readonly code: ErrorCode | undefined;
  readonly options: DskdErrorOptions;
  readonly stack: string | undefined;
}

export function postableError(error: unknown): PostedError {
  const stack = error instanceof Error ? error.stack : undefined;
  if (!isDskdError(error)) {
    return {
      message: error instanceof Error ? error.message : String(error),
      code: undefined,
      options: {},
      stack,
    };
  }
  const { message, code, details, hint } = error;
  return { message, code, options: hint === undefined ? { details } : { details, hint }, stack };
}

export function errorFromWorker(posted: PostedError, student: string): DskdError {
  if (posted.code)
    return new DskdError(posted.code, posted.message, { ...posted.options, cause: posted.stack });
  return workerFailed(student, posted.message, posted.stack);
}

export function workerFailed(student: string, message: string, cause?: unknown): DskdError {
  return new DskdError('worker-failed', `The worker of the student '${student}' failed: ${message}`, {
    details: { student },
    cause,
  });
}

export async function postableFeatures(features: FeatureBatch): Promise<PostedFeatures> {
  return { levels: features.levels, images: await features.arrays() };
}

/** What a call gave, and what of it moves to the other thread instead of being copied. */
export interface Outcome {
  readonly value: unknown;
  readonly transfer: readonly ArrayBuffer[];
}

/** Does `call` with a runner in the worker's own thread. */
export async function perform(call: WorkerCall, runner: StudentRunner): Promise<Outcome> {
  switch (call.call) {
    case 'step': {
      const loss = await withFeatures(call.features, (features) => runner.step(features, call.position));
      return { value: loss, transfer: [] };
    }
    case 'observeBatchNorm':
      await withFeatures(call.features, (features) => runner.observeBatchNorm(features, call.index));
      return NOTHING;
    case 'capture': {
      const state = await runner.capture();
      return { value: state, transfer: buffersOf(state) };
    }
    case 'restore':
      await runner.restore(call.state);
      return NOTHING;
  }
}

export const NOTHING: Outcome = { value: undefined, transfer: [] };

/** A captured state was copied from the backend: its buffers are nobody else's. */
function buffersOf({ parameters, buffers, optimizer }: StudentState): ArrayBuffer[] {
  return [parameters, buffers, optimizer.firstMoments, optimizer.secondMoments].flatMap((arrays) =>
    [...arrays.values()].map(({ data }) => data.buffer as ArrayBuffer),
  );
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
