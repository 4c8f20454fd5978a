/**
 * Stable identifiers of everything that can go wrong. Programs branch on these, people read the message.
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
  | 'kernel-unsupported'
  | 'out-of-memory'
  | 'device-lost'
  | 'numerical-instability'
  | 'plugin-failed'
  | 'worker-failed'
  | 'aborted'
  | 'disposed';

export interface DskdErrorOptions {
  /** What the reader can do about it, one sentence. */
  readonly hint?: string;
  /** Machine-readable particulars: what was got, what was wanted. JSON-serializable. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

const MARKER = Symbol.for('dskd.error');

/**
 * The one error class of all `@dskd` packages. `message` says what was got and what was wanted, `hint` what
 * to do. Test with {@link isDskdError}, which also works across duplicate copies of this package.
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

/** Whether `error` is a {@link DskdError}, with code `code` if one is given. */
export function isDskdError(error: unknown, code?: ErrorCode): error is DskdError {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as Record<symbol, unknown>)[MARKER] === true &&
    (code === undefined || (error as DskdError).code === code)
  );
}

/**
 * Throws when `signal` was aborted. Long calls ask between steps.
 * @throws {DskdError} `aborted`, with the signal's reason as cause.
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new DskdError('aborted', 'The operation was aborted.', { cause: signal.reason });
  }
}
