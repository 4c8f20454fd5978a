import type { PixelBuffer, RandomStream } from '@dskd/base';
import type { Color } from '../raster/blend.js';
import { Canvas } from '../raster/canvas.js';
import type { Paint } from '../raster/paint.js';
import { type Box, circle, convex, PLANE, type Shape, squeezed, turned } from '../raster/shape.js';
import { PIXEL_VIEW } from '../raster/view.js';
import { between } from './random.js';

/** Returns the color at a pixel. */
export type Texture = (x: number, y: number) => Color;

/** A square image whose units are pixels. {@link toPixels} clips values that are not in 0..1. */
export function newCanvas(size: number): Canvas {
  return new Canvas(size, PIXEL_VIEW);
}

/** Returns the canvas as bytes. */
export function toPixels({ size, pixels }: Canvas): PixelBuffer {
  const bytes = new Uint8ClampedArray(pixels.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = pixels[at]! * 255;
  return { data: bytes, width: size, height: size, channels: 3 };
}

export function paintOf(texture: Texture, opacity = 1): Paint {
  return (x, y, _distance, out) => {
    const [red, green, blue] = texture(x, y);
    out[0] = red;
    out[1] = green;
    out[2] = blue;
    out[3] = opacity;
  };
}

/** Covers the whole canvas. */
export function fill(canvas: Canvas, texture: Texture): void {
  canvas.fill(PLANE, paintOf(texture));
}

/** A disc, ellipse, rectangle or convex polygon about the origin. */
function drawOutline(random: RandomStream, radius: number): Shape {
  const stretch = between(random, 0.35, 1);
  switch (random.integer(4)) {
    case 0:
      return circle(0, 0, radius);
    case 1:
      return squeezed(circle(0, 0, radius), stretch);
    case 2:
      return convex([
        [1, 0, radius],
        [0, 1, radius * stretch],
        [-1, 0, radius],
        [0, -1, radius * stretch],
      ]);
    default: {
      const sides = 3 + random.integer(5);
      return convex(
        Array.from({ length: sides }, (_, side) => {
          const angle = (2 * Math.PI * (side + between(random, -0.25, 0.25))) / sides;
          return [Math.cos(angle), Math.sin(angle), radius * between(random, 0.5, 0.8)];
        }),
      );
    }
  }
}

/** Paints a random disc, ellipse, rectangle or convex polygon of at most `radius`, rotated and anti-aliased. */
export function paintShape(
  canvas: Canvas,
  random: RandomStream,
  [x, y]: readonly [number, number],
  radius: number,
  texture: Texture,
): void {
  const outline = drawOutline(random, radius);
  const angle = between(random, 0, 2 * Math.PI);
  const shape = turned(outline, x, y, Math.cos(angle), Math.sin(angle));
  // The corner of a square is sqrt(2) * radius away. That of a polygon may be anywhere: it is cut off.
  const reach = 1.5 * radius + 1;
  canvas.fill(shape, paintOf(texture), pixelsWithin(x - reach, y - reach, x + reach, y + reach));
}

/** The pixels whose centers lie within, as the clip of a canvas. */
function pixelsWithin(left: number, top: number, right: number, bottom: number): Box {
  return {
    left: Math.ceil(left),
    top: Math.ceil(top),
    right: Math.floor(right) + 1,
    bottom: Math.floor(bottom) + 1,
  };
}

/** Paints a disc. The clip is that of the first release: a disc may lack the outermost pixels below and to the right. */
export function paintDot(canvas: Canvas, x: number, y: number, radius: number, paint: Paint): void {
  const reach = Math.ceil(radius);
  canvas.fill(
    circle(x, y, radius),
    paint,
    pixelsWithin(Math.floor(x) - reach, Math.floor(y) - reach, x + reach, y + reach),
  );
}
