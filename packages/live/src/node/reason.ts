import { types } from 'node:util';

/** The message of an error. `fetch` has it as the cause of its own, which says nothing. */
export function reasonOf(error: unknown): string {
  // Not instanceof: errors of Node may come from another realm.
  if (!types.isNativeError(error)) return String(error);
  const { cause } = error;
  const shown = types.isNativeError(cause) ? cause : error;
  return shown.message === '' ? shown.name : shown.message;
}
