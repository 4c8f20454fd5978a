import type { RandomStream } from '@dskd/base';
import { clamp, smoothStep } from '../math.js';
import { mixed, type Color } from '../raster/blend.js';
import { between, scaleBetween } from './random.js';
import type { Texture } from './shapes.js';

export interface NoiseOptions {
  /** Number of grid cells across the image in the coarsest octave. */
  readonly cells: number;
  readonly octaves: number;
  /** Amplitude of an octave relative to the one before: 0.5 looks like clouds, 0.9 like sand. */
  readonly persistence: number;
}

/** Returns value noise summed over octaves, `size x size` values in 0..1. The grid values come from the stream. */
export function noiseField(
  random: RandomStream,
  size: number,
  { cells, octaves, persistence }: NoiseOptions,
): Float32Array {
  const sum = new Float32Array(size * size);
  let amplitude = 1;
  let total = 0;
  for (let octave = 0; octave < octaves; octave++) {
    const across = Math.min(size, Math.round(cells * 2 ** octave));
    addOctave(sum, size, gridOf(random, across + 2), across, amplitude);
    total += amplitude;
    amplitude *= persistence;
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

function addOctave(
  sum: Float32Array,
  size: number,
  { side, values }: Grid,
  across: number,
  amplitude: number,
): void {
  const step = across / size;
  for (let y = 0; y < size; y++) {
    const row = Math.floor(y * step);
    const down = smoothStep(0, 1, y * step - row);
    for (let x = 0; x < size; x++) {
      const column = Math.floor(x * step);
      const right = smoothStep(0, 1, x * step - column);
      const at = row * side + column;
      const above = values[at]! + (values[at + 1]! - values[at]!) * right;
      const below = values[at + side]! + (values[at + side + 1]! - values[at + side]!) * right;
      sum[y * size + x] = sum[y * size + x]! + amplitude * (above + (below - above) * down);
    }
  }
}

type TextureFamily = (random: RandomStream, size: number, color: () => Color) => Texture;

/** Signed distance in pixels to the nearest edge of stripes with this period, negative between stripes. */
function stripe(position: number, period: number): number {
  const phase = position / period - Math.floor(position / period);
  return (0.25 - Math.abs(phase - 0.5)) * period;
}

/** Coverage, 0..1, of a pixel whose center lies `distance` pixels inside an edge. */
function edge(distance: number): number {
  return clamp(distance + 0.5);
}

/** Returns a rotation of coordinates by a random angle. */
function turned(random: RandomStream): (x: number, y: number) => [number, number] {
  const angle = between(random, 0, 2 * Math.PI);
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return (x, y) => [x * cosine + y * sine, y * cosine - x * sine];
}

const flat: TextureFamily = (_random, _size, color) => {
  const only = color();
  return () => only;
};

const stripes: TextureFamily = (random, size, color) => {
  const turn = turned(random);
  const period = scaleBetween(random, 3, size / 4);
  const [a, b] = [color(), color()];
  return (x, y) => mixed(a, b, edge(stripe(turn(x, y)[0], period)));
};

const checks: TextureFamily = (random, size, color) => {
  const turn = turned(random);
  const period = scaleBetween(random, 5, size / 3);
  const [a, b] = [color(), color()];
  return (x, y) => {
    const [u, v] = turn(x, y);
    const [across, down] = [edge(stripe(u, period)), edge(stripe(v, period))];
    return mixed(a, b, across + down - 2 * across * down);
  };
};

const dots: TextureFamily = (random, size, color) => {
  const turn = turned(random);
  const period = scaleBetween(random, 5, size / 4);
  const radius = between(random, 0.15, 0.45) * period;
  const [a, b] = [color(), color()];
  return (x, y) => {
    const [u, v] = turn(x, y);
    const across = u - period * Math.round(u / period);
    const down = v - period * Math.round(v / period);
    return mixed(a, b, edge(radius - Math.sqrt(across * across + down * down)));
  };
};

const gradient: TextureFamily = (random, size, color) => {
  const turn = turned(random);
  const reach = between(random, 0.4, 1.5) * size;
  const start = between(random, -0.5, 0.5) * size;
  const [a, b] = [color(), color()];
  return (x, y) => mixed(a, b, clamp((turn(x, y)[0] - start) / reach));
};

const noise: TextureFamily = (random, size, color) => {
  const field = noiseField(random, size, {
    cells: scaleBetween(random, 2, size / 3),
    octaves: 1 + random.integer(5),
    persistence: between(random, 0.4, 1),
  });
  const contrast = between(random, 1, 4);
  const [a, b] = [color(), color()];
  return (x, y) => mixed(a, b, clamp((field[y * size + x]! - 0.5) * contrast + 0.5));
};

const ALL: readonly TextureFamily[] = [flat, stripes, checks, dots, gradient, noise, noise];

/** Returns a random texture: flat, stripes, checks, dots, gradient or noise. Its coordinates are whole pixels of the image. */
export function randomTexture(random: RandomStream, size: number, color: () => Color): Texture {
  return ALL[random.integer(ALL.length)]!(random, size, color);
}
