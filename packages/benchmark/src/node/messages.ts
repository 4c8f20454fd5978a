import { DskdError, isDskdError, type ErrorCode } from '@dskd/base';
import type { Job } from '../jobs.js';

/** From the pool to its process. */
export interface JobMessage {
  readonly job: Job;
}

/** An error between processes. */
export interface PlainError {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** From a process to its pool: once, then the process ends. */
export type AnswerMessage = { readonly result: unknown } | { readonly error: PlainError };

export function plainError(error: unknown): PlainError {
  if (isDskdError(error)) {
    const { code, message, hint, details } = error;
    return { code, message, hint, details };
  }
  return { code: undefined, message: error instanceof Error ? error.message : String(error) };
}

export function fromPlain({ code, message, hint, details }: PlainError): DskdError {
  return new DskdError(code ?? 'worker-failed', message, {
    ...(hint !== undefined && { hint }),
    ...(details && { details }),
  });
}
