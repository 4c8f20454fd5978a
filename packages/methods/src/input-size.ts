import { DskdError } from '@dskd/base';
import type { Size } from './contract.js';

/**
 * Refuses to restore what was made for images of another size.
 * @param what is restored, at the beginning of the message.
 * @param details more of them.
 * @throws {DskdError} `input-size-mismatch`
 */
export function assertInputSize(what: string, made: readonly number[], wanted: Size, details = {}): void {
  if (made.join() === wanted.join()) return;
  throw new DskdError(
    'input-size-mismatch',
    `${what} is made for images of ${made.join('x')} pixels, the detector for ${wanted.join('x')}.`,
    {
      hint: 'It belongs to one input size: train another for another size.',
      details: { ...details, got: made, wanted },
    },
  );
}
