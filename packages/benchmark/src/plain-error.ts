import { DskdError, type ErrorCode, isDskdError } from '@dskd/base';

/** An error in a form that can be sent between processes. */
export interface PlainError {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

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
