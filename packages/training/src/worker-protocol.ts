import { DskdError, isDskdError, type DskdErrorOptions, type ErrorCode } from '@dskd/base';
import { HeldFeatures, type BatchLevel, type PictureFeatures } from './feature-batch.js';
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
  readonly pictures: readonly PictureFeatures[];
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
  return { levels: features.levels, pictures: await features.arrays() };
}

/** Does `call` with a runner in the worker's own thread. */
export async function perform(call: WorkerCall, runner: StudentRunner): Promise<unknown> {
  switch (call.call) {
    case 'step':
      return withFeatures(call.features, (features) => runner.step(features, call.position));
    case 'observeBatchNorm':
      return withFeatures(call.features, (features) => runner.observeBatchNorm(features, call.index));
    case 'capture':
      return runner.capture();
    case 'restore':
      return runner.restore(call.state);
  }
}

async function withFeatures<T>(
  { levels, pictures }: PostedFeatures,
  work: (features: FeatureBatch) => Promise<T>,
): Promise<T> {
  const features = new HeldFeatures(levels, { pictures });
  try {
    return await work(features);
  } finally {
    features.dispose();
  }
}
