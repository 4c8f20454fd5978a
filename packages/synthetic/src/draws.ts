import { randomStream } from '@dskd/base';

/** What scenes draw from a random stream; no function that engines compute differently. */
export interface Draws {
  between(low: number, high: number): number;
  /** Bell-shaped about 0 (the sum of four uniform numbers), within 3.5 deviations. */
  bell(deviation: number): number;
  /** Uniform integer in [0, bound). */
  integer(bound: number): number;
  pick<T>(items: readonly T[]): T;
  /** -1 or 1. */
  sign(): number;
  /** A shuffled copy. */
  shuffled<T>(items: readonly T[]): T[];
  /** A seed for noise. */
  seed(): number;
}

export function drawsOf(seed: number, ...keys: (string | number)[]): Draws {
  const stream = randomStream(seed, ...keys);
  const draws: Draws = {
    between: (low, high) => low + (high - low) * stream.uniform(),
    bell(deviation) {
      const sum = stream.uniform() + stream.uniform() + stream.uniform() + stream.uniform();
      return (sum - 2) * 1.7320508075688772 * deviation;
    },
    integer: (bound) => stream.integer(bound),
    pick: (items) => items[stream.integer(items.length)]!,
    sign: () => (stream.integer(2) === 0 ? -1 : 1),
    shuffled: (items) => stream.shuffle([...items]),
    seed: () => stream.integer(0x100000000),
  };
  return draws;
}
