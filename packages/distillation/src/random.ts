import type { RandomStream } from '@dskd/base';

/** Returns a number in [low, high). */
export function between(random: RandomStream, low: number, high: number): number {
  return low + (high - low) * random.uniform();
}

/** Returns a number in [low, high), uniformly distributed on a logarithmic scale. */
export function scaleBetween(random: RandomStream, low: number, high: number): number {
  return low * (high / low) ** random.uniform();
}
