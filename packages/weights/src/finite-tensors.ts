import { DskdError } from '@dskd/base';
import type { StateDict, StateDictEntry } from './types.js';

const SHOWN = 8;

/** Names for a message: the first few, and how many more. */
export function listed(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  return `${names.slice(0, SHOWN).join(', ')}${more}`;
}

/** Zero times a number is zero unless the number is NaN or infinite: one sum tells of all. */
function areFinite(values: Float32Array | Float64Array): boolean {
  let sum = 0;
  for (const value of values) sum += 0 * value;
  return sum === 0;
}

/** Whether every element is a number one can compute with. Integers always are. */
function isFinite({ dtype, data }: StateDictEntry): boolean {
  switch (dtype) {
    case 'F16':
      return (data as Uint16Array).every((bits) => (bits & 0x7c00) !== 0x7c00);
    case 'BF16':
      return (data as Uint16Array).every((bits) => (bits & 0x7f80) !== 0x7f80);
    case 'F32':
    case 'F64':
      return areFinite(data as Float32Array | Float64Array);
    default:
      return true;
  }
}

/**
 * Refuses NaN and infinity.
 * @throws {DskdError} `weights-not-finite`, naming the tensors.
 */
export function assertFinite(tensors: StateDict): void {
  const damaged = [...tensors].filter(([, entry]) => !isFinite(entry)).map(([name]) => name);
  if (damaged.length === 0) return;
  throw new DskdError('weights-not-finite', `NaN or infinite numbers in ${listed(damaged)}.`, {
    hint: 'Training diverged (try a lower learning rate) or the file is damaged.',
    details: { tensors: damaged },
  });
}
