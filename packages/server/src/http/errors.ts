import { DskdError, isDskdError, type ErrorCode } from '@dskd/base';

/** Status of the answer to a request that fails with a code. All others are errors of the server: 500. */
const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  'invalid-argument': 400,
  'invalid-config': 400,
  'shape-mismatch': 400,
  'input-size-mismatch': 400,
  unauthorized: 401,
  'model-not-found': 404,
  'too-large': 413,
  'image-unreadable': 422,
  'download-failed': 422,
  'artifact-invalid': 422,
  'artifact-version': 422,
  'artifact-outdated': 422,
  'weights-invalid': 422,
  'teacher-mismatch': 422,
  'file-not-found': 422,
  'not-exportable': 422,
  'queue-full': 429,
  // Nobody reads it: the client has gone. The number is for the log.
  aborted: 499,
  'timed-out': 503,
  'worker-failed': 503,
  disposed: 503,
};

/** What a client is told of an error, and with which status. */
export interface Refusal {
  readonly status: number;
  readonly code: ErrorCode | 'internal';
  readonly message: string;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  /** Seconds for the header Retry-After. */
  readonly retryAfter: number | undefined;
}

function retryAfterOf({ details }: DskdError, status: number): number | undefined {
  if (status !== 429 && status !== 503) return undefined;
  return typeof details.retryAfter === 'number' ? details.retryAfter : 1;
}

/** Errors that no code describes are not told: their message may name what is inside of the server. */
export function refusalOf(error: unknown): Refusal {
  if (!isDskdError(error)) {
    return {
      status: 500,
      code: 'internal',
      message: 'The server failed.',
      hint: 'Its log has the error, with the id of this request.',
      details: {},
      retryAfter: undefined,
    };
  }
  const isLateBody = error.code === 'timed-out' && error.details.part === 'body';
  const status = isLateBody ? 408 : (STATUS[error.code] ?? 500);
  const { code, message, hint, details } = error;
  return { status, code, message, hint, details, retryAfter: retryAfterOf(error, status) };
}

/** The error of a request that its client, or its limit of time, has ended. */
export function errorOfSignal(signal: AbortSignal): DskdError {
  const { reason } = signal as { reason: unknown };
  if (isDskdError(reason)) return reason;
  return new DskdError('aborted', 'The client has gone.', { cause: reason });
}
