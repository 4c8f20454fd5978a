import type { RandomStream } from '@dskd/base';
import { between, clamp, mix, scaleBetween, type Color, type Paint } from './canvas.js';
import { noiseField } from './noise-field.js';

type Texture = (random: RandomStream, size: number, color: () => Color) => Paint;

/** Distance to the nearest edge of stripes `period` wide, in pixels, negative between them. */
function stripe(position: number, period: number): number {
  const phase = position / period - Math.floor(position / period);
  return (0.25 - Math.abs(phase - 0.5)) * period;
}

/** Coverage of a pixel `distance` inside an edge. */
function edge(distance: number): number {
  return clamp(distance + 0.5);
}

/** Coordinates turned by a random angle. */
function turned(random: RandomStream): (x: number, y: number) => [number, number] {
  const angle = between(random, 0, 2 * Math.PI);
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return (x, y) => [x * cosine + y * sine, y * cosine - x * sine];
}

const flat: Texture = (_random, _size, color) => {
  const only = color();
  return () => only;
};

const stripes: Texture = (random, size, color) => {
  const turn = turned(random);
  const period = scaleBetween(random, 3, size / 4);
  const [a, b] = [color(), color()];
  return (x, y) => mix(a, b, edge(stripe(turn(x, y)[0], period)));
};

const checks: Texture = (random, size, color) => {
  const turn = turned(random);
  const period = scaleBetween(random, 5, size / 3);
  const [a, b] = [color(), color()];
  return (x, y) => {
    const [u, v] = turn(x, y);
    const [across, down] = [edge(stripe(u, period)), edge(stripe(v, period))];
    return mix(a, b, across + down - 2 * across * down);
  };
};

const dots: Texture = (random, size, color) => {
  const turn = turned(random);
  const period = scaleBetween(random, 5, size / 4);
  const radius = between(random, 0.15, 0.45) * period;
  const [a, b] = [color(), color()];
  return (x, y) => {
    const [u, v] = turn(x, y);
    const across = u - period * Math.round(u / period);
    const down = v - period * Math.round(v / period);
    return mix(a, b, edge(radius - Math.sqrt(across * across + down * down)));
  };
};

const gradient: Texture = (random, size, color) => {
  const turn = turned(random);
  const reach = between(random, 0.4, 1.5) * size;
  const start = between(random, -0.5, 0.5) * size;
  const [a, b] = [color(), color()];
  return (x, y) => mix(a, b, clamp((turn(x, y)[0] - start) / reach));
};

const noise: Texture = (random, size, color) => {
  const field = noiseField(random, size, {
    cells: scaleBetween(random, 2, size / 3),
    octaves: 1 + random.integer(5),
    persistence: between(random, 0.4, 1),
  });
  const contrast = between(random, 1, 4);
  const [a, b] = [color(), color()];
  return (x, y) => mix(a, b, clamp((field[y * size + x]! - 0.5) * contrast + 0.5));
};

const ALL: readonly Texture[] = [flat, stripes, checks, dots, gradient, noise, noise];

/** A paint of a random kind: flat, stripes, checks, dots, gradient, noise. Takes whole pixels inside the image. */
export function randomTexture(random: RandomStream, size: number, color: () => Color): Paint {
  return ALL[random.integer(ALL.length)]!(random, size, color);
}
