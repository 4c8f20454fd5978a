import { DskdError } from '@dskd/base';

/** An image that cannot be read: where it lies, and why. */
export function unreadable(where: string, problem: string, cause?: unknown): DskdError {
  return new DskdError('image-unreadable', `${where}: ${problem}.`, { details: { where, problem }, cause });
}

/** The message of what was thrown, on one line. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replace(/\s*\n\s*/g, '; ');
}
