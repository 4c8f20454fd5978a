/** The first magnitude that rounds to infinity in half precision. */
export const HALF_OVERFLOW = 65_520;

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
