import type { PixelBuffer } from '@dskd/base';

/** Mirrors left and right, into a new buffer. */
export function flipHorizontal({ data, width, height, channels }: PixelBuffer): PixelBuffer {
  const flipped = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * channels;
      const to = (y * width + width - 1 - x) * channels;
      for (let channel = 0; channel < channels; channel++) flipped[to + channel] = data[from + channel]!;
    }
  }
  return { data: flipped, width, height, channels };
}

/** Mirrors top and bottom, into a new buffer. */
export function flipVertical({ data, width, height, channels }: PixelBuffer): PixelBuffer {
  const flipped = new Uint8Array(data.length);
  const row = width * channels;
  for (let y = 0; y < height; y++) {
    flipped.set(data.subarray(y * row, (y + 1) * row), (height - 1 - y) * row);
  }
  return { data: flipped, width, height, channels };
}

/** x^40 / 40! is below 1e-27 for half a turn, so further terms do not change a float64 sum. */
const TERMS = 40;

/**
 * Sine and cosine by their power series. `Math.sin` may differ in its last bit between engines; additions,
 * multiplications and divisions do not, so these bits are the same everywhere.
 * @param degrees -180..180.
 */
export function sineAndCosine(degrees: number): { sine: number; cosine: number } {
  const angle = (degrees * Math.PI) / 180;
  let [sine, cosine] = [0, 0];
  let term = 1;
  for (let power = 0; power <= TERMS; power++) {
    const sign = power % 4 < 2 ? 1 : -1;
    if (power % 2 === 0) cosine += sign * term;
    else sine += sign * term;
    term = (term * angle) / (power + 1);
  }
  return { sine, cosine };
}

/**
 * Rotates an image about its center, counter-clockwise as displayed (like Pillow), without changing its size:
 * bilinear between pixel centers, rounded to the nearest byte. Outside the image the nearest edge pixel is repeated,
 * so that corners get no color that is not in the image. The same bytes on every platform.
 * @param degrees -180..180.
 * @returns a new buffer.
 */
export function rotate({ data, width, height, channels }: PixelBuffer, degrees: number): PixelBuffer {
  const { sine, cosine } = sineAndCosine(degrees);
  const rotated = new Uint8Array(data.length);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const down = y + 0.5 - height / 2;
    for (let x = 0; x < width; x++) {
      const right = x + 0.5 - width / 2;
      const column = clamp(width / 2 + cosine * right - sine * down - 0.5, width - 1);
      const row = clamp(height / 2 + sine * right + cosine * down - 0.5, height - 1);
      const left = Math.floor(column);
      const top = Math.floor(row);
      const acrossWeight = column - left;
      const downWeight = row - top;
      const nextColumn = left + 1 < width ? channels : 0;
      const nextRow = top + 1 < height ? width * channels : 0;
      let from = (top * width + left) * channels;
      for (let channel = 0; channel < channels; channel++, from++) {
        const upper = (1 - acrossWeight) * data[from]! + acrossWeight * data[from + nextColumn]!;
        const lower =
          (1 - acrossWeight) * data[from + nextRow]! + acrossWeight * data[from + nextRow + nextColumn]!;
        rotated[to++] = Math.floor((1 - downWeight) * upper + downWeight * lower + 0.5);
      }
    }
  }
  return { data: rotated, width, height, channels };
}

function clamp(value: number, highest: number): number {
  return Math.min(Math.max(value, 0), highest);
}
