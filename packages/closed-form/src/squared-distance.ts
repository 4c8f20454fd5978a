/**
 * Sum of squared differences in float64 of `width` values at the offsets `i` of `a` and `j` of `b`.
 * Stops early once the sum reaches `bound`. Sums of squares never fall, in floating point too, so the result is below
 * `bound` exactly when the whole sum is, and is then the whole sum.
 */
export function squaredDistance(
  a: Float32Array,
  i: number,
  b: Float32Array,
  j: number,
  width: number,
  bound = Infinity,
): number {
  let total = 0;
  const end = i + width;
  // Eight at a time: fewer tests of the bound, and additions that do not wait for each other.
  for (; i + 8 <= end; i += 8, j += 8) {
    const d0 = a[i]! - b[j]!;
    const d1 = a[i + 1]! - b[j + 1]!;
    const d2 = a[i + 2]! - b[j + 2]!;
    const d3 = a[i + 3]! - b[j + 3]!;
    const d4 = a[i + 4]! - b[j + 4]!;
    const d5 = a[i + 5]! - b[j + 5]!;
    const d6 = a[i + 6]! - b[j + 6]!;
    const d7 = a[i + 7]! - b[j + 7]!;
    total += d0 * d0 + d1 * d1 + (d2 * d2 + d3 * d3) + (d4 * d4 + d5 * d5 + (d6 * d6 + d7 * d7));
    if (total >= bound) return total;
  }
  for (; i < end; i++, j++) {
    const difference = a[i]! - b[j]!;
    total += difference * difference;
  }
  return total;
}
