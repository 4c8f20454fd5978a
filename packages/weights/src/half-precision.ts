import { DskdError } from '@dskd/base';
import { toFloat32 } from './stored-tensor.js';
import type { StateDictEntry } from './types.js';

/** Smallest magnitude that rounds to infinity in half precision. */
const HALF_OVERFLOW = 65_520;

/** Smallest positive half, a subnormal number. */
const SMALLEST = 2 ** -24;

function roundHalfToEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
}

/**
 * Converts float32 to IEEE half precision and returns the 16 bits of each number. Rounds to nearest, ties to even.
 * @param values numbers with magnitudes below {@link HALF_OVERFLOW}
 */
export function toHalf(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.slice().buffer);
  const halves = new Uint16Array(bits.length);
  // A loop: Uint16Array.from with a function takes ten times as long.
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    const sign = (word >>> 16) & 0x8000;
    const magnitude = word & 0x7fff_ffff;
    const exponent = (magnitude >>> 23) - 127;
    if (exponent < -14) {
      // A subnormal half is a multiple of SMALLEST. Rounding up to 2^10 gives the bits of the smallest normal half.
      const value = exponent === -127 ? 0 : (1 + (magnitude & 0x7f_ffff) / 2 ** 23) * 2 ** exponent;
      halves[i] = sign | roundHalfToEven(value / SMALLEST);
      continue;
    }
    // Rounds off 13 bits of the fraction, ties to even. A carry correctly increments the exponent.
    const wide = ((exponent + 15) << 23) | (magnitude & 0x7f_ffff);
    halves[i] = sign | ((wide + 0xfff + ((wide >>> 13) & 1)) >>> 13);
  }
  return halves;
}

/** Element type in which tensors with two or more axes are stored. */
export type TensorStorage = 'float32' | 'float16';

/**
 * Converts a floating-point tensor of a model to the type in which it is stored; other tensors are returned unchanged.
 * Vectors (biases, batch normalization) are not converted to float16: they are less than 1 % of the bytes, and running
 * variances can be below the range of float16.
 * @throws {DskdError} `invalid-argument` for a number that is too large for float16
 */
export function storedAs(storage: TensorStorage, name: string, entry: StateDictEntry): StateDictEntry {
  const { dtype, shape } = entry;
  if (!['F16', 'BF16', 'F32', 'F64'].includes(dtype)) return entry;
  if (storage === 'float32') return dtype === 'F32' ? entry : { dtype: 'F32', shape, data: toFloat32(entry) };
  if (dtype === 'F16' || shape.length < 2) return entry;
  const values = toFloat32(entry);
  const tooLarge = values.find((value) => Math.abs(value) >= HALF_OVERFLOW);
  if (tooLarge !== undefined) {
    throw new DskdError(
      'invalid-argument',
      `Tensor ${name} contains ${tooLarge}; the largest float16 is 65504.`,
      {
        hint: 'Use storage float32.',
        details: { tensor: name, got: tooLarge },
      },
    );
  }
  return { dtype: 'F16', shape, data: toHalf(values) };
}
