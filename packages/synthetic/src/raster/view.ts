import { cosine, sine } from '../math.js';
import type { Point } from './shape.js';

/** Which point of the scene a place in the image shows; places are in pixels from the upper left corner. */
export interface View {
  /** Pixels per unit of the scene. */
  readonly scale: number;
  /** Cosine and sine of the camera's angle, divided by `scale`. */
  readonly cosine: number;
  readonly sine: number;
  /** The place in the image that shows the scene's point (`origin`, `origin`). */
  readonly middleX: number;
  readonly middleY: number;
  readonly origin: number;
  /** Returns the place in the image of a point of the scene. */
  locate(x: number, y: number): Point;
}

/** A camera above the unit square: it is rotated and scaled about its center, then moved. */
interface Camera {
  readonly angle: number;
  readonly zoom: number;
  readonly dx: number;
  readonly dy: number;
}

/** The unit square, as a camera shows it in an image of `size` pixels. */
export function cameraView(size: number, { angle, zoom, dx, dy }: Camera): View {
  const c = cosine(angle);
  const s = sine(angle);
  return {
    scale: size * zoom,
    cosine: c / (zoom * size),
    sine: s / (zoom * size),
    middleX: (0.5 + dx) * size,
    middleY: (0.5 + dy) * size,
    origin: 0.5,
    locate(x, y) {
      const u = (x - 0.5) * zoom;
      const v = (y - 0.5) * zoom;
      return [(0.5 + dx + u * c - v * s) * size, (0.5 + dy + u * s + v * c) * size];
    },
  };
}

/** The image itself: a unit is a pixel, and the centers of pixels are whole numbers. */
export const PIXEL_VIEW: View = {
  scale: 1,
  cosine: 1,
  sine: 0,
  middleX: 0.5,
  middleY: 0.5,
  origin: 0,
  locate: (x, y) => [x + 0.5, y + 0.5],
};
