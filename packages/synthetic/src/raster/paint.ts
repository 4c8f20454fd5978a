import { type Cell, clamp, cosine, nearestCell, sine, valueNoise } from '../math.js';
import type { Color } from './blend.js';

import type { Pose, Shape } from './shape.js';

const { floor } = Math;

/**
 * The color at a point of a shape that lies `distance` from its outline. Writes red, green, blue and opacity
 * into `out`, where opacity is 1 on entry.
 */
export type Paint = (x: number, y: number, distance: number, out: Float64Array) => void;

/** Direction towards the light in the scene's coordinates: above left. */
const LIGHT: readonly [number, number] = [-0.6, -0.8];

/** Returns the direction of the light in the coordinates of a rotated object. */
export function lightOn({ angle }: Pick<Pose, 'angle'>): readonly [number, number] {
  const c = cosine(angle);
  const s = sine(angle);
  return [LIGHT[0] * c + LIGHT[1] * s, LIGHT[1] * c - LIGHT[0] * s];
}

export function scaled([red, green, blue]: Color, factor: number): Color {
  return [red * factor, green * factor, blue * factor];
}

export function plain([red, green, blue]: Color, opacity = 1): Paint {
  return (_x, _y, _distance, out) => {
    out[0] = red;
    out[1] = green;
    out[2] = blue;
    out[3] = opacity;
  };
}

/** Multiplies brightness by 1 plus noise. `stretch` scales the noise along x. */
export function grained(paint: Paint, amount: number, frequency: number, seed: number, stretch = 1): Paint {
  return (x, y, distance, out) => {
    paint(x, y, distance, out);
    const u = (x * frequency) / stretch;
    const v = y * frequency;
    const noise = valueNoise(u, v, seed) + 0.5 * valueNoise(2.3 * u, 2.3 * v, seed + 1);
    const factor = 1 + amount * noise;
    out[0]! *= factor;
    out[1]! *= factor;
    out[2]! *= factor;
  };
}

export interface Bevel {
  readonly width: number;
  /** Positive for raised, negative for sunken. */
  readonly strength: number;
  readonly light?: readonly [number, number];
}

/** Lights the rim of `shape` from one side, as if the rim were rounded. */
export function beveled(paint: Paint, shape: Shape, { width, strength, light = LIGHT }: Bevel): Paint {
  const step = 0.0015;
  return (x, y, distance, out) => {
    paint(x, y, distance, out);
    if (distance < -width) return;
    const here = shape.distance(x, y);
    const slope = clamp(1 + here / width);
    const across = (shape.distance(x + step, y) - here) * light[0];
    const down = (shape.distance(x, y + step) - here) * light[1];
    const factor = 1 + (strength * slope * (across + down)) / step;
    out[0]! *= factor;
    out[1]! *= factor;
    out[2]! *= factor;
  };
}

/** A rod along x with radius `radius`, lit from one side; with `ridges` per unit of length, like a thread. */
export function rod(
  [red, green, blue]: Color,
  radius: number,
  light: readonly [number, number],
  ridges = 0,
): Paint {
  return (x, y, _distance, out) => {
    const t = clamp(y / radius, -1, 1) - 0.55 * light[1];
    const shade = 0.5 + 0.62 * (1 - t * t * 0.55);
    const factor = ridges === 0 ? shade : shade * (1 + 0.28 * sine(6.283 * (x * ridges + 6 * y)));
    out[0] = red * factor;
    out[1] = green * factor;
    out[2] = blue * factor;
  };
}

/** Closely packed grains, each in one of `colors`: `frequency` per unit, `flatness` times as wide as high. */
export function granules(colors: readonly Color[], frequency: number, seed: number, flatness = 1): Paint {
  const cell: Cell = { distance: 0, identity: 0 };
  return (x, y, _distance, out) => {
    nearestCell((x * frequency) / flatness, y * frequency, seed, cell);
    const [red, green, blue] = colors[floor(cell.identity * colors.length)]!;
    const tone = cell.identity * colors.length;
    const shade =
      clamp(1.12 - cell.distance * cell.distance * 1.35, 0.28, 2) * (0.85 + 0.3 * (tone - floor(tone)));
    out[0] = red * shade;
    out[1] = green * shade;
    out[2] = blue * shade;
  };
}
