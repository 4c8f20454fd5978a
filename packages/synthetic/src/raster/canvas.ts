import { clamp, cosine, sine, smoothStep } from '../math.js';
import { blend } from './blend.js';
import type { Paint } from './paint.js';
import { corners, type Box, type Shape } from './shape.js';

const { ceil, floor, max, min } = Math;

/** How the camera sees the scene (the unit square): rotated and enlarged about its middle, then moved. */
export interface View {
  readonly angle: number;
  readonly zoom: number;
  readonly dx: number;
  readonly dy: number;
}

export interface Shadow {
  /** How far it falls, to the lower right. */
  readonly reach: number;
  readonly softness: number;
  /** 0..1 */
  readonly darkness: number;
}

/** A square image in floating point that shapes are painted on, anti-aliased by their distance. */
export class Canvas {
  /** Rows top to bottom, RGB interleaved, 0..1. */
  readonly pixels: Float32Array;
  readonly #out = new Float64Array(4);
  readonly #cosine: number;
  readonly #sine: number;

  constructor(
    readonly size: number,
    readonly view: View,
  ) {
    this.pixels = new Float32Array(size * size * 3);
    this.#cosine = cosine(view.angle);
    this.#sine = sine(view.angle);
  }

  fill(shape: Shape, paint: Paint): void {
    const out = this.#out;
    const { pixels } = this;
    const scale = this.size * this.view.zoom;
    this.#visit(shape, 1, (distance, at, x, y) => {
      const coverage = clamp(0.5 - distance * scale);
      if (coverage === 0) return;
      out[3] = 1;
      paint(x, y, distance, out);
      const weight = coverage * out[3];
      blend(pixels, at, out, weight);
    });
  }

  shade(shape: Shape, { reach, softness, darkness }: Shadow): void {
    const { pixels } = this;
    const fallen: Shape = {
      box: {
        left: shape.box.left + reach * 0.6 - softness,
        top: shape.box.top + reach * 0.8 - softness,
        right: shape.box.right + reach * 0.6 + softness,
        bottom: shape.box.bottom + reach * 0.8 + softness,
      },
      distance: (x, y) => shape.distance(x - reach * 0.6, y - reach * 0.8),
    };
    this.#visit(fallen, 1, (distance, at) => {
      if (distance >= softness) return;
      const factor = 1 - darkness * smoothStep(softness, -softness, distance);
      pixels[at]! *= factor;
      pixels[at + 1]! *= factor;
      pixels[at + 2]! *= factor;
    });
  }

  /** An image of the shape alone: `value` in every pixel whose middle lies within, else 0. */
  mask(shape: Shape, value: number): Uint8Array {
    const mask = new Uint8Array(this.size * this.size);
    this.#visit(shape, 1, (distance, at) => {
      if (distance <= 0) mask[at / 3] = value;
    });
    return mask;
  }

  #visit(
    shape: Shape,
    margin: number,
    each: (distance: number, at: number, x: number, y: number) => void,
  ): void {
    const { size, view } = this;
    const { left, top, right, bottom } = this.#pixelBox(shape.box, margin);
    const c = this.#cosine / (view.zoom * size);
    const s = this.#sine / (view.zoom * size);
    const middleX = (0.5 + view.dx) * size;
    const middleY = (0.5 + view.dy) * size;
    for (let row = top; row < bottom; row++) {
      const v = row + 0.5 - middleY;
      for (let column = left; column < right; column++) {
        const u = column + 0.5 - middleX;
        const x = 0.5 + u * c + v * s;
        const y = 0.5 + v * c - u * s;
        each(shape.distance(x, y), (row * size + column) * 3, x, y);
      }
    }
  }

  #pixelBox(box: Box, margin: number): Box {
    const { size, view } = this;
    const points = corners(box).map(([x, y]) => {
      const u = (x - 0.5) * view.zoom;
      const v = (y - 0.5) * view.zoom;
      return [
        (0.5 + view.dx + u * this.#cosine - v * this.#sine) * size,
        (0.5 + view.dy + u * this.#sine + v * this.#cosine) * size,
      ] as const;
    });
    const xs = points.map(([x]) => x);
    const ys = points.map(([, y]) => y);
    return {
      left: clamp(floor(min(...xs)) - margin, 0, size),
      top: clamp(floor(min(...ys)) - margin, 0, size),
      right: clamp(ceil(max(...xs)) + margin, 0, size),
      bottom: clamp(ceil(max(...ys)) + margin, 0, size),
    };
  }
}
