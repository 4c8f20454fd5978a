import { cosine, sine } from '../math.js';
import type { Canvas } from '../raster/canvas.js';
import type { Paint } from '../raster/paint.js';
import {
  boxAround,
  corners,
  difference,
  intersection,
  placed,
  type Pose,
  type Shape,
} from '../raster/shape.js';

const { abs, sqrt } = Math;

export interface Layer {
  readonly shape: Shape;
  readonly paint: Paint;
}

/** An object in the scene. */
export interface Part {
  /** Back to front. */
  readonly layers: readonly Layer[];
  /** Its silhouette. */
  readonly outline: Shape;
  /** Height, which decides the length of its shadow; 0 for no shadow. */
  readonly height: number;
}

/** A damage of one part. */
export type Alteration = (part: Part) => Part;

/** A part of one layer. */
export function flat(shape: Shape, paint: Paint, height = 0): Part {
  return { layers: [{ shape, paint }], outline: shape, height };
}

function withShapes(part: Part, change: (shape: Shape) => Shape): Part {
  return {
    ...part,
    layers: part.layers.map(({ shape, paint }) => ({ shape: change(shape), paint })),
    outline: change(part.outline),
  };
}

export function placePart(part: Part, pose: Pose): Part {
  const c = cosine(pose.angle);
  const s = sine(pose.angle);
  const moved = withShapes(part, (shape) => placed(shape, pose));
  return {
    ...moved,
    layers: moved.layers.map(({ shape }, i) => {
      const { paint } = part.layers[i]!;
      return {
        shape,
        paint: (x, y, distance, out) => {
          const u = x - pose.x;
          const v = y - pose.y;
          paint(u * c + v * s, v * c - u * s, distance, out);
        },
      };
    }),
  };
}

/** Returns the part without everything in `lost`. */
export function cutPart(part: Part, lost: Shape): Part {
  return withShapes(part, (shape) => difference(shape, lost));
}

export function clipPart(part: Part, within: Shape): Part {
  return withShapes(part, (shape) => intersection(shape, within));
}

/** Bends a part that lies along x, with its paint: beyond x = `from` it rises by `slope` (0..0.8). */
export function bendPart(part: Part, from: number, slope: number): Part {
  const lift = (x: number): number => (x > from ? (x - from) * slope : 0);
  const flattening = 1 / sqrt(1 + slope * slope);
  const bent = withShapes(part, (shape) => ({
    box: boxAround(
      corners(shape.box).map(([x, y]) => [x, y] as const),
      abs(lift(shape.box.right)),
    ),
    distance: (x, y) => shape.distance(x, y - lift(x)) * (x > from ? flattening : 1),
  }));
  return {
    ...bent,
    layers: bent.layers.map(({ shape }, i) => {
      const { paint } = part.layers[i]!;
      return { shape, paint: (x, y, distance, out) => paint(x, y - lift(x), distance, out) };
    }),
  };
}

export function drawPart(canvas: Canvas, { layers, outline, height }: Part): void {
  if (height > 0) canvas.shade(outline, { reach: height, softness: height, darkness: 0.5 });
  for (const { shape, paint } of layers) canvas.fill(shape, paint);
}
