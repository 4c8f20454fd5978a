/** What stands where a number is not known: NaN, no mask, no such class. */
export const NOT_KNOWN = 'n/a';

/** A share between 0 and 1, as metrics are: three decimals. */
export function formatShare(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3) : NOT_KNOWN;
}

/** A score or loss, whatever its size: three significant digits, more where it is large. */
export function formatScore(value: number): string {
  if (!Number.isFinite(value)) return NOT_KNOWN;
  const size = Math.abs(value);
  if (size >= 1e6 || (size < 1e-3 && size > 0)) return value.toExponential(2);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** `1 image`, `2 images`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `12 of 40 (30 %)`, with a space that does not break before the sign; without a share of nothing. */
export function formatPart(part: number, whole: number): string {
  return whole === 0 ? `${part} of 0` : `${part} of ${whole} (${Math.round((part / whole) * 100)}\u00a0%)`;
}
