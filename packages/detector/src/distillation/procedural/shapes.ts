import type { RandomStream } from '@dskd/base';
import { between, clamp, cover, type Canvas, type Paint } from './canvas.js';

/** Signed distance to a shape's edge in pixels from its center, positive inside; roughly, where it is stretched. */
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
      // A convex polygon: the nearest of its sides.
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

/** Paints a disc, ellipse, rectangle or polygon no larger than `radius`, turned at random, with soft edges. */
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
  // A square's corner is sqrt(2) away.
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
