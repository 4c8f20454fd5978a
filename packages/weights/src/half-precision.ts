import { DskdError } from '@dskd/base';
import { toFloat32 } from './stored-tensor.js';
import type { StateDictEntry } from './types.js';

/** The first magnitude that rounds to infinity in half precision. */
const HALF_OVERFLOW = 65_520;

const SMALLEST = 2 ** -24;

function roundHalfToEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
}

/**
 * Float32 as the 16 bits of IEEE half precision, rounded to nearest, ties to even.
 * @param values magnitudes below {@link HALF_OVERFLOW}.
 */
export function toHalf(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.slice().buffer);
  return Uint16Array.from(bits, (word) => {
    const sign = (word >>> 16) & 0x8000;
    const magnitude = word & 0x7fff_ffff;
    const exponent = (magnitude >>> 23) - 127;
    if (exponent < -14) {
      // Below the smallest normal half: a count of the smallest half. 2^10 of them make the smallest normal one.
      const value = exponent === -127 ? 0 : (1 + (magnitude & 0x7f_ffff) / 2 ** 23) * 2 ** exponent;
      return sign | roundHalfToEven(value / SMALLEST);
    }
    // 13 bits of the fraction are lost; a carry moves into the exponent, as it should.
    const halves = ((exponent + 15) << 23) | (magnitude & 0x7f_ffff);
    return sign | roundHalfToEven(halves / 2 ** 13);
  });
}

/** Element type of matrices and filters in a file. */
export type TensorStorage = 'float32' | 'float16';

/**
 * A model's tensor as it goes into a file. Vectors (biases, batch norms) stay float32 in any case: they are
 * less than a hundredth of the bytes, and a running variance can be smaller than float16 reaches.
 * @throws {DskdError} `invalid-argument` for a number too large for float16.
 */
export function storedAs(storage: TensorStorage, name: string, entry: StateDictEntry): StateDictEntry {
  const { dtype, shape } = entry;
  // Indexes and the like stay as they are.
  if (!['F16', 'BF16', 'F32', 'F64'].includes(dtype)) return entry;
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
