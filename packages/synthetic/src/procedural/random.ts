import type { RandomStream } from '@dskd/base';
import { clamp } from '../math.js';
import type { Color } from '../raster/blend.js';

/** Returns a uniformly distributed number in [low, high). */
export function between(random: RandomStream, low: number, high: number): number {
  return low + (high - low) * random.uniform();
}

/** Returns a number in [low, high), uniformly distributed on a logarithmic scale. */
export function scaleBetween(random: RandomStream, low: number, high: number): number {
  return low * (high / low) ** random.uniform();
}

/** Returns a source of similar colors: variations of one random color, all gray with probability 1/3. */
export function palette(random: RandomStream): () => Color {
  const center = [random.uniform(), random.uniform(), random.uniform()];
  const spread = between(random, 0.2, 1.2);
  const isGray = random.uniform() < 1 / 3;
  return () => {
    const light = (random.uniform() - 0.5) * spread;
    const channel = (index: number): number =>
      clamp((isGray ? center[0]! : center[index]! + (random.uniform() - 0.5) * spread * 0.5) + light);
    return [channel(0), channel(1), channel(2)];
  };
}
