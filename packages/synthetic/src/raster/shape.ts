import { cosine, length, sine, valueNoise } from '../math.js';

const { abs, max, min, sqrt } = Math;

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A region of the plane as a signed distance (negative inside, exact or a lower bound), x right, y down. */
export interface Shape {
  /** Contains every point whose distance is not positive. */
  readonly box: Box;
  distance(x: number, y: number): number;
}

export type Point = readonly [x: number, y: number];

/** Position of an object: rotated clockwise by `angle` radians about its origin, then moved. */
export interface Pose {
  readonly x: number;
  readonly y: number;
  readonly angle: number;
}

export function boxAround(points: readonly Point[], margin: number): Box {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return {
    left: min(...xs) - margin,
    top: min(...ys) - margin,
    right: max(...xs) + margin,
    bottom: max(...ys) + margin,
  };
}

export function corners({ left, top, right, bottom }: Box): Point[] {
  return [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ];
}

export function circle(x: number, y: number, radius: number): Shape {
  return {
    box: boxAround([[x, y]], radius),
    distance: (px, py) => length(px - x, py - y) - radius,
  };
}

/** With half sides `halfWidth`, `halfHeight` and corners rounded by `radius`. */
export function rectangle(x: number, y: number, halfWidth: number, halfHeight: number, radius = 0): Shape {
  const innerWidth = halfWidth - radius;
  const innerHeight = halfHeight - radius;
  return {
    box: { left: x - halfWidth, top: y - halfHeight, right: x + halfWidth, bottom: y + halfHeight },
    distance(px, py) {
      const dx = abs(px - x) - innerWidth;
      const dy = abs(py - y) - innerHeight;
      const inside = min(max(dx, dy), 0);
      return inside + length(max(dx, 0), max(dy, 0)) - radius;
    },
  };
}

export function ellipse(x: number, y: number, radiusX: number, radiusY: number): Shape {
  return {
    box: { left: x - radiusX, top: y - radiusY, right: x + radiusX, bottom: y + radiusY },
    distance(px, py) {
      const u = (px - x) / radiusX;
      const v = (py - y) / radiusY;
      const k = length(u, v);
      const slope = length(u / radiusX, v / radiusY);
      return slope === 0 ? -min(radiusX, radiusY) : (k * (k - 1)) / slope;
    },
  };
}

/** A line through `points`, `radius` to either side, with round ends. */
export function stroke(points: readonly Point[], radius: number): Shape {
  const segments = points.slice(1).map(([toX, toY], i) => {
    const [x, y] = points[i]!;
    const dx = toX - x;
    const dy = toY - y;
    return { x, y, dx, dy, squared: dx * dx + dy * dy || 1 };
  });
  return {
    box: boxAround(points, radius),
    distance(px, py) {
      let nearest = Infinity;
      for (const { x, y, dx, dy, squared } of segments) {
        const t = ((px - x) * dx + (py - y) * dy) / squared;
        const along = t < 0 ? 0 : t > 1 ? 1 : t;
        const u = px - x - along * dx;
        const v = py - y - along * dy;
        const distance = u * u + v * v;
        if (distance < nearest) nearest = distance;
      }
      return sqrt(nearest) - radius;
    },
  };
}

/** A simple polygon. */
export function polygon(points: readonly Point[]): Shape {
  const outline = stroke([...points, points[0]!], 0);
  return {
    box: outline.box,
    distance(px, py) {
      let inside = false;
      for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
        const [x, y] = points[i]!;
        const [fromX, fromY] = points[j]!;
        if (y > py !== fromY > py && px < ((fromX - x) * (py - y)) / (fromY - y) + x) inside = !inside;
      }
      const distance = outline.distance(px, py);
      return inside ? -distance : distance;
    },
  };
}

/** The points of a polygon with equal sides. */
export function regularPoints(sides: number, radius: number, angle = 0): Point[] {
  return Array.from({ length: sides }, (_, i): Point => {
    const at = angle + (i * 6.283185307179586) / sides;
    return [radius * cosine(at), radius * sine(at)];
  });
}

export function union(...shapes: Shape[]): Shape {
  const boxes = shapes.flatMap(({ box }) => corners(box));
  return {
    box: boxAround(boxes, 0),
    distance(x, y) {
      let nearest = Infinity;
      for (const shape of shapes) {
        const distance = shape.distance(x, y);
        if (distance < nearest) nearest = distance;
      }
      return nearest;
    },
  };
}

export function intersection(a: Shape, b: Shape): Shape {
  const box = {
    left: max(a.box.left, b.box.left),
    top: max(a.box.top, b.box.top),
    right: min(a.box.right, b.box.right),
    bottom: min(a.box.bottom, b.box.bottom),
  };
  return { box, distance: (x, y) => max(a.distance(x, y), b.distance(x, y)) };
}

export function difference(from: Shape, cut: Shape): Shape {
  return { box: from.box, distance: (x, y) => max(from.distance(x, y), -cut.distance(x, y)) };
}

/** The shape grown by `amount` on all sides; shrunk if `amount` is negative. */
export function grown(shape: Shape, amount: number): Shape {
  return {
    box: boxAround(corners(shape.box), max(amount, 0)),
    distance: (x, y) => shape.distance(x, y) - amount,
  };
}

/** The band of `halfWidth` to either side of the outline. */
export function band(shape: Shape, halfWidth: number): Shape {
  return {
    box: boxAround(corners(shape.box), halfWidth),
    distance: (x, y) => abs(shape.distance(x, y)) - halfWidth,
  };
}

/** Box of unbounded shapes, larger than any scene. */
const ENDLESS: Box = { left: -1e6, top: -1e6, right: 1e6, bottom: 1e6 };

/** The whole plane. */
export const PLANE: Shape = { box: ENDLESS, distance: () => -Infinity };

/** A side of a convex shape: its unit normal, and its distance from the origin along the normal. */
export type Side = readonly [across: number, down: number, reach: number];

/** The intersection of half-planes, one per side; unbounded if the sides do not enclose an area. */
export function convex(sides: readonly Side[]): Shape {
  return {
    box: ENDLESS,
    distance(x, y) {
      let farthest = -Infinity;
      for (const [across, down, reach] of sides) farthest = max(farthest, x * across - reach + y * down);
      return farthest;
    },
  };
}

/** The shape squeezed along y to `factor` of its height, 0..1. */
export function squeezed(shape: Shape, factor: number): Shape {
  const { box } = shape;
  return {
    box: { ...box, top: box.top * factor, bottom: box.bottom * factor },
    distance: (x, y) => shape.distance(x, y / factor) * factor,
  };
}

/** Everything on the side of the line through (`x`, `y`) that the angle points to, with a jagged edge. */
export function jaggedHalfPlane(x: number, y: number, angle: number, jag: number, seed: number): Shape {
  const c = cosine(angle);
  const s = sine(angle);
  return {
    box: { left: -9, top: -9, right: 9, bottom: 9 },
    distance(px, py) {
      const along = -(px - x) * s + (py - y) * c;
      return -((px - x) * c + (py - y) * s) + jag * valueNoise((along * 1.5) / jag, 0.5, seed);
    },
  };
}

/** The shape with its outline moved by smooth noise of up to `amplitude`, one feature per `1 / frequency`. */
export function wobbled(shape: Shape, amplitude: number, frequency: number, seed: number): Shape {
  return {
    box: boxAround(corners(shape.box), amplitude),
    distance: (x, y) => shape.distance(x, y) - amplitude * valueNoise(x * frequency, y * frequency, seed),
  };
}

export function placed(shape: Shape, { x, y, angle }: Pose): Shape {
  return turned(shape, x, y, cosine(angle), sine(angle));
}

/**
 * {@link placed} with the cosine and sine of its angle, for images that were frozen with the engine's own `Math.cos`
 * and `Math.sin`; those of {@link placed} differ from them after the seventh digit.
 */
export function turned(shape: Shape, x: number, y: number, c: number, s: number): Shape {
  const moved = corners(shape.box).map(([u, v]): Point => [x + u * c - v * s, y + u * s + v * c]);
  return {
    box: boxAround(moved, 0),
    distance(px, py) {
      const u = px - x;
      const v = py - y;
      return shape.distance(u * c + v * s, v * c - u * s);
    },
  };
}
