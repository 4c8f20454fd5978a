import { isDskdError, type DskdError, type ErrorCode } from '@dskd/base';
import { readStateDict, type ReadStateDictOptions } from './index.js';

/** Returns the DskdError with the given code that reading `bytes` throws. Other errors are thrown. */
export function refusalOf(
  bytes: Uint8Array,
  options: ReadStateDictOptions = {},
  code: ErrorCode = 'weights-invalid',
): DskdError {
  try {
    readStateDict(bytes, options);
  } catch (error) {
    if (isDskdError(error, code)) return error;
    throw error;
  }
  throw new Error('The file was read.');
}
