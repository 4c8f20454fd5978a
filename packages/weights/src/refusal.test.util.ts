import { isDskdError, type DskdError, type ErrorCode } from '@dskd/base';
import { readStateDict, type ReadStateDictOptions } from './index.js';

/** The error with which a file is refused. Anything but a DskdError of that code passes through. */
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
