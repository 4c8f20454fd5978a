import { DskdError, type DskdErrorOptions } from '@dskd/base';

/** A hostile file can put megabytes into a message. */
const MAX_PROBLEM = 600;

/** A `weights-invalid` error about a file of the given format. */
export function invalidWeights(format: string, problem: string, options: DskdErrorOptions = {}): DskdError {
  const said = problem.length > MAX_PROBLEM ? `${problem.slice(0, MAX_PROBLEM - 3)}...` : problem;
  return new DskdError('weights-invalid', `Not a valid ${format}: ${said}`, {
    hint: 'The file may be truncated or of another format; fetch or convert it again.',
    ...options,
  });
}

/** Text out of a file, fit for a message: quoted, control characters escaped, at most 80 characters. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}
