/**
 * The bits of float32 values as unsigned integers in the values' own order (so that sorting them is sorting
 * integers): negative values have all bits flipped, others their sign bit set. -0 counts as 0.
 */
export function orderedKey(bits: number): number {
  if (bits === 0x80000000) return 0x80000000;
  return bits >>> 31 ? ~bits >>> 0 : (bits | 0x80000000) >>> 0;
}
