import type { RandomStream } from '@dskd/base';

export interface NoiseOptions {
  /** Cells of the coarsest grid across the image. */
  readonly cells: number;
  readonly octaves: number;
  /** What each octave's height is of the one before: 0.5 looks like clouds, 0.9 like sand. */
  readonly persistence: number;
}

/** Noise values on ever finer grids, added: `size x size` values, 0..1. */
export function noiseField(
  random: RandomStream,
  size: number,
  { cells, octaves, persistence }: NoiseOptions,
): Float32Array {
  const sum = new Float32Array(size * size);
  let height = 1;
  let total = 0;
  for (let octave = 0; octave < octaves; octave++) {
    const across = Math.min(size, Math.round(cells * 2 ** octave));
    addOctave(sum, size, gridOf(random, across + 2), across, height);
    total += height;
    height *= persistence;
  }
  return sum.map((value) => value / total);
}

interface Grid {
  readonly side: number;
  readonly values: Float32Array;
}

function gridOf(random: RandomStream, side: number): Grid {
  const values = new Float32Array(side * side);
  for (let at = 0; at < values.length; at++) values[at] = random.uniform();
  return { side, values };
}

function smooth(t: number): number {
  return t * t * (3 - 2 * t);
}

function addOctave(
  sum: Float32Array,
  size: number,
  { side, values }: Grid,
  across: number,
  height: number,
): void {
  const step = across / size;
  for (let y = 0; y < size; y++) {
    const row = Math.floor(y * step);
    const down = smooth(y * step - row);
    for (let x = 0; x < size; x++) {
      const column = Math.floor(x * step);
      const right = smooth(x * step - column);
      const at = row * side + column;
      const above = values[at]! + (values[at + 1]! - values[at]!) * right;
      const below = values[at + side]! + (values[at + side + 1]! - values[at + side]!) * right;
      sum[y * size + x] = sum[y * size + x]! + height * (above + (below - above) * down);
    }
  }
}
