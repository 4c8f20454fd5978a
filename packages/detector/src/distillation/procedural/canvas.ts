import type { PixelBuffer, RandomStream } from '@dskd/base';

/** A square color image while it is painted: RGB, interleaved, 0..1 (what lies outside is cut at the end). */
export interface Canvas {
  readonly size: number;
  readonly data: Float32Array;
}

export type Color = readonly [red: number, green: number, blue: number];

/** A color for each place of an image, in pixels. */
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

/** Mixes `color` into one pixel. */
export function cover(
  { size, data }: Canvas,
  x: number,
  y: number,
  [red, green, blue]: Color,
  opacity: number,
): void {
  const at = (y * size + x) * 3;
  data[at] = data[at]! + (red - data[at]!) * opacity;
  data[at + 1] = data[at + 1]! + (green - data[at + 1]!) * opacity;
  data[at + 2] = data[at + 2]! + (blue - data[at + 2]!) * opacity;
}

export function toPixels({ size, data }: Canvas): PixelBuffer {
  const bytes = new Uint8ClampedArray(data.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = data[at]! * 255;
  return { data: bytes, width: size, height: size, channels: 3 };
}

export function between(random: RandomStream, low: number, high: number): number {
  return low + (high - low) * random.uniform();
}

/** As likely between 1 and 2 as between 2 and 4. */
export function scaleBetween(random: RandomStream, low: number, high: number): number {
  return low * (high / low) ** random.uniform();
}

export function clamp(value: number): number {
  return value < 0 ? 0 : value > 1 ? 1 : value;
}

export function mix(a: Color, b: Color, share: number): Color {
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share];
}

/** A few colors that go together: shades of a center, gray in one image of three. */
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
