/** Values a chart's side reaches from and to, and those that are written on it. */
export interface Axis {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
}

/** Steps of 1, 2 or 5 times a power of ten, about `count` of them, that lie in `low..high`. */
function niceTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

/** An axis from `low` to `high`, widened where they are the same. */
export function linearAxis(low: number, high: number, count = 5): Axis {
  if (low === high) {
    const margin = Math.max(Math.abs(low) * 0.1, 0.5);
    return linearAxis(low - margin, high + margin, count);
  }
  return { low, high, ticks: niceTicks(low, high, count) };
}

/** From 0 to 1, for rates. */
export const RATE_AXIS = linearAxis(0, 1);
