import { clamp, smoothStep } from '../math.js';
import { blend } from './blend.js';
import type { Paint } from './paint.js';
import { type Box, corners, type Shape } from './shape.js';
import type { View } from './view.js';

const { ceil, floor, max, min } = Math;

interface Shadow {
  /** Length, to the lower right. */
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

  constructor(
    readonly size: number,
    readonly view: View,
  ) {
    this.pixels = new Float32Array(size * size * 3);
  }

  /**
   * @param clip box in whole pixels, without those at `right` and `bottom`; nothing outside it is painted. Needed for
   * shapes whose distance is not cut off at their intended size.
   */
  fill(shape: Shape, paint: Paint, clip?: Box): void {
    const out = this.#out;
    const { pixels } = this;
    const { scale } = this.view;
    this.#visit(shape, clip, (distance, at, x, y) => {
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
    this.#visit(fallen, undefined, (distance, at) => {
      if (distance >= softness) return;
      const factor = 1 - darkness * smoothStep(softness, -softness, distance);
      pixels[at]! *= factor;
      pixels[at + 1]! *= factor;
      pixels[at + 2]! *= factor;
    });
  }

  /** Returns a mask of the shape, `size * size`: `value` in every pixel whose center lies within, else 0. */
  mask(shape: Shape, value: number): Uint8Array {
    const mask = new Uint8Array(this.size * this.size);
    this.#visit(shape, undefined, (distance, at) => {
      if (distance <= 0) mask[at / 3] = value;
    });
    return mask;
  }

  #visit(
    shape: Shape,
    clip: Box | undefined,
    each: (distance: number, at: number, x: number, y: number) => void,
  ): void {
    const { size } = this;
    const { origin, cosine: c, sine: s, middleX, middleY } = this.view;
    const { left, top, right, bottom } = this.#pixelBox(shape.box, clip);
    for (let row = top; row < bottom; row++) {
      const v = row + 0.5 - middleY;
      for (let column = left; column < right; column++) {
        const u = column + 0.5 - middleX;
        const x = origin + u * c + v * s;
        const y = origin + v * c - u * s;
        each(shape.distance(x, y), (row * size + column) * 3, x, y);
      }
    }
  }

  /** The pixels that anti-aliasing may change: those of the box and one more on each side. */
  #pixelBox(box: Box, clip: Box = { left: 0, top: 0, right: this.size, bottom: this.size }): Box {
    const points = corners(box).map(([x, y]) => this.view.locate(x, y));
    const xs = points.map(([x]) => x);
    const ys = points.map(([, y]) => y);
    const across = (value: number): number => clamp(value, max(clip.left, 0), min(clip.right, this.size));
    const down = (value: number): number => clamp(value, max(clip.top, 0), min(clip.bottom, this.size));
    return {
      left: across(floor(min(...xs)) - 1),
      top: down(floor(min(...ys)) - 1),
      right: across(ceil(max(...xs)) + 1),
      bottom: down(ceil(max(...ys)) + 1),
    };
  }
}
