import type { PixelBuffer, RandomStream } from '@dskd/base';
import { clamp } from '../math.js';
import { blend, type Color } from '../raster/blend.js';

/** A square image in floating point, `size x size x 3`: RGB interleaved, 0..1. {@link toPixels} clips other values. */
export interface Canvas {
  readonly size: number;
  readonly data: Float32Array;
}

/** Returns the color at a pixel. */
export type Paint = (x: number, y: number) => Color;

export function newCanvas(size: number): Canvas {
  return { size, data: new Float32Array(size * size * 3) };
}

/** Covers the whole canvas. */
export function fill(canvas: Canvas, paint: Paint): void {
  for (let y = 0; y < canvas.size; y++) {
    for (let x = 0; x < canvas.size; x++) cover(canvas, x, y, paint(x, y), 1);
  }
}

/** Blends `color` into one pixel with an opacity of 0..1. */
export function cover({ size, data }: Canvas, x: number, y: number, color: Color, opacity: number): void {
  blend(data, (y * size + x) * 3, color, opacity);
}

/** Returns the canvas as bytes. */
export function toPixels({ size, data }: Canvas): PixelBuffer {
  const bytes = new Uint8ClampedArray(data.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = data[at]! * 255;
  return { data: bytes, width: size, height: size, channels: 3 };
}

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

/** Signed distance to the edge in pixels, positive inside, at a position relative to the center. Approximate for ellipses. */
type Outline = (x: number, y: number) => number;

function outlineOf(random: RandomStream, radius: number): Outline {
  const stretch = between(random, 0.35, 1);
  switch (random.integer(4)) {
    case 0:
      return (x, y) => radius - Math.sqrt(x * x + y * y);
    case 1:
      return (x, y) => (radius - Math.sqrt(x * x + (y / stretch) ** 2)) * stretch;
    case 2:
      return (x, y) => Math.min(radius - Math.abs(x), radius * stretch - Math.abs(y));
    default: {
      // A convex polygon: the distance to the nearest side.
      const sides = 3 + random.integer(5);
      const normals = Array.from({ length: sides }, (_, side) => {
        const angle = (2 * Math.PI * (side + between(random, -0.25, 0.25))) / sides;
        return [Math.cos(angle), Math.sin(angle), radius * between(random, 0.5, 0.8)] as const;
      });
      return (x, y) => {
        let nearest = Infinity;
        for (const [across, down, reach] of normals) {
          nearest = Math.min(nearest, reach - x * across - y * down);
        }
        return nearest;
      };
    }
  }
}

/** Paints a random disc, ellipse, rectangle or convex polygon of at most `radius`, rotated and anti-aliased. */
export function paintShape(
  canvas: Canvas,
  random: RandomStream,
  [centerX, centerY]: readonly [number, number],
  radius: number,
  paint: Paint,
): void {
  const outline = outlineOf(random, radius);
  const angle = between(random, 0, 2 * Math.PI);
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  // The corner of a square is sqrt(2) * radius away.
  const reach = 1.5 * radius + 1;
  const first = (center: number): number => Math.max(0, Math.ceil(center - reach));
  const last = (center: number): number => Math.min(canvas.size - 1, Math.floor(center + reach));
  for (let y = first(centerY); y <= last(centerY); y++) {
    for (let x = first(centerX); x <= last(centerX); x++) {
      const [dx, dy] = [x - centerX, y - centerY];
      const coverage = clamp(outline(dx * cosine + dy * sine, dy * cosine - dx * sine) + 0.5);
      if (coverage > 0) cover(canvas, x, y, paint(x, y), coverage);
    }
  }
}
