import { DskdError, isDskdError } from '@dskd/base';
import { transferHandlers } from 'comlink';

/** A posted {@link DskdError}: structured clone keeps neither the class nor the fields of an error. */
interface Posted {
  readonly dskdError: Pick<DskdError, 'code' | 'message' | 'hint' | 'details' | 'stack'>;
}

/**
 * Makes comlink rethrow a {@link DskdError} with its code, message, hint and details, and with the worker's stack as
 * cause. Other errors keep comlink's own handling. Call it once in each thread.
 */
export function passDskdErrors(): void {
  const standard = transferHandlers.get('throw')!;
  transferHandlers.set('throw', {
    ...standard,
    serialize(thrown) {
      const error = (thrown as { readonly value: unknown }).value;
      if (!isDskdError(error)) return standard.serialize(thrown);
      const { code, message, hint, details, stack } = error;
      return [{ dskdError: { code, message, hint, details, stack } } satisfies Posted, []];
    },
    deserialize(posted) {
      const error = (posted as Partial<Posted>).dskdError;
      if (!error) return standard.deserialize(posted);
      const { code, message, hint, details, stack } = error;
      throw new DskdError(code, message, { ...(hint !== undefined && { hint }), details, cause: stack });
    },
  });
}
