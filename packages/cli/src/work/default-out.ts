import { existsSync } from 'node:fs';
import { DskdError } from '@dskd/base';
import { DEFAULT_OUT } from '../options/train.js';

/**
 * Where a model goes. A file that was named may be replaced, one that was not stays: a second training in the same
 * folder must not cost somebody the first.
 * @throws {DskdError} `invalid-argument`
 */
export function outOf(out: string | undefined): string {
  if (out !== undefined) return out;
  if (existsSync(DEFAULT_OUT)) {
    throw new DskdError('invalid-argument', `There is a file ${DEFAULT_OUT} already.`, {
      hint: `Name another with --out, or replace it with --out ${DEFAULT_OUT}.`,
    });
  }
  return DEFAULT_OUT;
}
