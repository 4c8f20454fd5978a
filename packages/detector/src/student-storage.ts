import { DskdError } from '@dskd/base';
import { toFloat32, type StateDictEntry } from '@dskd/weights';
import type { DetectorDescription } from './description.js';
import { HALF_OVERFLOW, toHalf } from '@dskd/weights';

/** Element type of a student's filters in a file. */
export type StudentStorage = DetectorDescription['storage'];

/**
 * A student's tensor as it goes into a file. Vectors (biases, batch norms) stay float32 in any case: they are
 * less than a hundredth of the bytes, and a running variance can be smaller than float16 reaches.
 * @throws {DskdError} `invalid-argument` for a number too large for float16.
 */
export function storedAs(storage: StudentStorage, name: string, entry: StateDictEntry): StateDictEntry {
  const { dtype, shape } = entry;
  if (storage === 'float32') return dtype === 'F32' ? entry : { dtype: 'F32', shape, data: toFloat32(entry) };
  if (dtype === 'F16' || shape.length < 2) return entry;
  const values = toFloat32(entry);
  const tooLarge = values.find((value) => Math.abs(value) >= HALF_OVERFLOW);
  if (tooLarge !== undefined) {
    throw new DskdError('invalid-argument', `${name} holds ${tooLarge}; float16 ends at 65504.`, {
      hint: 'Save with storage float32.',
      details: { tensor: name, got: tooLarge },
    });
  }
  return { dtype: 'F16', shape, data: toHalf(values) };
}
