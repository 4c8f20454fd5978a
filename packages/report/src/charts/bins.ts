/** Scores counted in steps of equal width that meet at the threshold, so that no step lies on both sides of it. */
export interface Bins {
  readonly low: number;
  readonly width: number;
  readonly count: number;
  /** Values above the last step are counted in it. */
  readonly cut: boolean;
  /** The step a value is counted in: its lower end does not belong to it, as the threshold is no alarm. */
  indexOf(value: number): number;
}

/** A scale that shows the values around the threshold is cut where the rest would squeeze them. */
const LONGEST_TAIL = 4;
/** Of a magnitude: scores are 32-bit floats, closer ones are one, and steps between them would round to nothing. */
const LEAST_SPREAD = 2 ** -24;
/** Fractions of what is smaller underflow. */
const LEAST_NUMBER = 2 ** -126;

/** How far a scale reaches on which all values are one. */
function unitOf(magnitude: number): number {
  return magnitude > LEAST_NUMBER ? magnitude : 1;
}

/**
 * @param values finite, at least one.
 * @param normals those that say what is ordinary; the tail beyond them is cut when it is too long.
 */
export function binsAround(
  threshold: number,
  values: readonly number[],
  normals: readonly number[],
  wanted = 32,
): Bins {
  const [bottom = threshold, top = threshold] = limits([...values, threshold]);
  const magnitude = Math.max(Math.abs(bottom), Math.abs(top), Math.abs(threshold));
  const spread = Math.max(threshold, ...limits(normals)) - bottom;
  const ordinary = spread > magnitude * LEAST_SPREAD && spread > LEAST_NUMBER ? spread : unitOf(magnitude);
  // What stands beside the threshold needs room on both sides.
  const most = Math.max(threshold + ordinary * 0.5, top);
  const high = Math.min(most, bottom + ordinary * LONGEST_TAIL);
  const least = Math.min(bottom, threshold - (high - threshold) * 0.3);
  const width = (high - least) / wanted;
  const below = Math.max(Math.ceil((threshold - least) / width - 1e-9) + 1, 1);
  const above = Math.max(Math.ceil((high - threshold) / width - 1e-9), 1);
  const count = below + above;
  return {
    low: threshold - below * width,
    width,
    count,
    cut: most > threshold + above * width,
    indexOf(value) {
      // By the comparison that gives the verdict: rounding must not carry a score over the threshold.
      const steps = Math.ceil((value - threshold) / width);
      const signed = value > threshold ? Math.max(steps, 1) : Math.min(steps, 0);
      return Math.min(Math.max(below + signed - 1, 0), count - 1);
    },
  };
}

/** Least and greatest, of lists too long for arguments. */
function limits(values: readonly number[]): number[] {
  if (values.length === 0) return [];
  return [
    values.reduce((least, value) => Math.min(least, value), Infinity),
    values.reduce((most, value) => Math.max(most, value), -Infinity),
  ];
}

/** How many values each step holds. */
export function countInBins(bins: Bins, values: readonly number[]): number[] {
  const counts = new Array<number>(bins.count).fill(0);
  for (const value of values) counts[bins.indexOf(value)]!++;
  return counts;
}
