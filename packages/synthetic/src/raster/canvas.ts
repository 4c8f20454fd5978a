import type { PixelBuffer } from '@dskd/base';
import { clamp, cosine, type Draws, sine, smoothStep } from '../math.js';
import { blend } from './blend.js';
import type { Paint } from './paint.js';
import { type Box, corners, type Shape } from './shape.js';

const { ceil, floor, imul, max, min } = Math;

/** The camera's view of the scene (the unit square): rotated and scaled about its center, then moved. */
interface View {
  readonly angle: number;
  readonly zoom: number;
  readonly dx: number;
  readonly dy: number;
}

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

  /** Returns a mask of the shape, `size * size`: `value` in every pixel whose center lies within, else 0. */
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

/** Light and camera of one image. */
interface Exposure {
  /** Factors of red, green, blue at the center. */
  readonly gain: readonly [number, number, number];
  /** Relative change of the light across the image. */
  readonly slopeX: number;
  readonly slopeY: number;
  /** How much darker the corners are. */
  readonly vignette: number;
  /** Weight of either neighbor in the blur, 0..0.25. */
  readonly blur: number;
  /** Standard deviation of the noise, for pixels in 0..1. */
  readonly noise: number;
  readonly noiseSeed: number;
}

export function drawExposure(draws: Draws, hard: boolean): Exposure {
  const spread = hard ? 1.5 : 1;
  const brightness = 1 + draws.bell(0.06 * spread);
  const warmth = draws.bell(0.025 * spread);
  return {
    gain: [brightness * (1 + warmth), brightness, brightness * (1 - warmth)],
    slopeX: draws.bell(0.14 * spread),
    slopeY: draws.bell(0.14 * spread),
    vignette: draws.between(0.02, 0.16),
    blur: draws.between(0.05, 0.19),
    noise: draws.between(0.006, 0.012) * spread,
    noiseSeed: draws.seed(),
  };
}

/**
 * Applies light, blur and sensor noise.
 * @returns the image in bytes (RGB). The canvas must not be used afterwards.
 */
export function develop({ pixels, size }: Canvas, exposure: Exposure): PixelBuffer {
  illuminate(pixels, size, exposure);
  blur(pixels, size, exposure.blur);
  const data = new Uint8Array(pixels.length);
  let state = exposure.noiseSeed | 1;
  // The sum of the four bytes of a random word is close to normal, with standard deviation 147.8.
  const bell = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const word = imul(state, 0x9e3779b1);
    return (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24) - 510;
  };
  const common = (exposure.noise * 255) / 147.8;
  const own = common * 0.6;
  for (let at = 0; at < pixels.length; at += 3) {
    const grain = common * bell() + 0.5;
    for (let channel = 0; channel < 3; channel++) {
      const value = floor(pixels[at + channel]! * 255 + grain + own * bell());
      data[at + channel] = value < 0 ? 0 : value > 255 ? 255 : value;
    }
  }
  return { data, width: size, height: size, channels: 3 };
}

function illuminate(pixels: Float32Array, size: number, exposure: Exposure): void {
  const { gain, slopeX, slopeY, vignette } = exposure;
  for (let row = 0, at = 0; row < size; row++) {
    const y = (row + 0.5) / size - 0.5;
    for (let column = 0; column < size; column++, at += 3) {
      const x = (column + 0.5) / size - 0.5;
      const light = 1 + slopeX * x + slopeY * y - vignette * 2 * (x * x + y * y);
      pixels[at]! *= gain[0] * light;
      pixels[at + 1]! *= gain[1] * light;
      pixels[at + 2]! *= gain[2] * light;
    }
  }
}

/** A blur of three taps along rows, then along columns; edge pixels are repeated. */
function blur(pixels: Float32Array, size: number, weight: number): void {
  const line = new Float32Array(size);
  const along = (start: number, step: number): void => {
    for (let i = 0; i < size; i++) line[i] = pixels[start + i * step]!;
    for (let i = 0; i < size; i++) {
      const before = line[max(i - 1, 0)]!;
      const after = line[min(i + 1, size - 1)]!;
      pixels[start + i * step] = line[i]! + weight * (before + after - 2 * line[i]!);
    }
  };
  for (let channel = 0; channel < 3; channel++) {
    for (let row = 0; row < size; row++) along(row * size * 3 + channel, 3);
    for (let column = 0; column < size; column++) along(column * 3 + channel, size * 3);
  }
}
