/**
 * The bits of float32 values as unsigned integers in the values' own order (so that sorting them is sorting
 * integers): negative values have all bits flipped, others their sign bit set. -0 counts as 0.
 */
export function orderedKey(bits: number): number {
  if (bits === 0x80000000) return 0x80000000;
  return bits >>> 31 ? ~bits >>> 0 : (bits | 0x80000000) >>> 0;
}

const buffer = new DataView(new ArrayBuffer(4));

/** The float32 value with that ordered key; 0 for the key of -0, which {@link orderedKey} never gives. */
export function valueOfKey(key: number): number {
  if (key === 0x7fffffff) return 0;
  buffer.setUint32(0, key >>> 31 ? key & 0x7fffffff : ~key >>> 0);
  return buffer.getFloat32(0);
}
