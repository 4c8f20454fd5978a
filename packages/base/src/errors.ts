/**
 * Stable identifiers of all errors; `ERROR_CATALOG` says what each means. Programs compare the code; the message is only for
 * display.
 */
export type ErrorCode =
  | 'invalid-argument'
  | 'invalid-config'
  | 'shape-mismatch'
  | 'dataset-invalid'
  | 'image-unreadable'
  | 'file-not-found'
  | 'file-not-writable'
  | 'download-failed'
  | 'weights-invalid'
  | 'weights-mismatch'
  | 'weights-too-large'
  | 'artifact-invalid'
  | 'artifact-version'
  | 'artifact-outdated'
  | 'teacher-mismatch'
  | 'input-size-mismatch'
  | 'weights-not-finite'
  | 'dependency-missing'
  | 'backend-unavailable'
  | 'out-of-memory'
  | 'numerical-instability'
  | 'not-exportable'
  | 'plugin-failed'
  | 'worker-failed'
  | 'queue-full'
  | 'queue-unavailable'
  | 'version-mismatch'
  | 'unauthorized'
  | 'model-not-found'
  | 'too-large'
  | 'timed-out'
  | 'source-failed'
  | 'delivery-failed'
  | 'aborted'
  | 'disposed';

export interface DskdErrorOptions {
  /** What the user can do, as one sentence. */
  readonly hint?: string;
  /** Details for programs, for example the received and the expected value. JSON-serializable. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

const MARKER = Symbol.for('dskd.error');

/**
 * The error class of all `@dskd` packages. `message` says what was received and what was expected, `hint` what to
 * do. Test for it with {@link isDskdError}, which also recognizes errors of another copy of this package.
 */
export class DskdError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: DskdErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DskdError';
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
    Object.defineProperty(this, MARKER, { value: true });
  }
}

/** Whether `error` is a {@link DskdError} and, if `code` is given, has this code. */
export function isDskdError(error: unknown, code?: ErrorCode): error is DskdError {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as Record<symbol, unknown>)[MARKER] === true &&
    (code === undefined || (error as DskdError).code === code)
  );
}

/**
 * Throws if `signal` was aborted. Long operations call it between steps.
 * @throws {DskdError} `aborted`, with the signal's reason as cause.
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new DskdError('aborted', 'The operation was aborted.', { cause: signal.reason });
  }
}
