import type { PixelBuffer } from '@dskd/base';
import type { Draws } from '../math.js';
import type { Canvas } from './canvas.js';

const { floor, imul, max, min } = Math;

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
