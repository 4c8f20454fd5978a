import type { PixelBuffer } from '@dskd/base';

/** Bright blue with a dark edge: seen on light and on dark parts, and no color of the heat scale. */
const LINE = [0, 229, 255] as const;
const EDGE = [0, 24, 48] as const;

/** Which pixels lie at most one step from a set one, corners included. */
function grown(mask: Uint8Array, width: number, height: number): Uint8Array {
  const result = Uint8Array.from(mask);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (mask[y * width + x] === 0) continue;
      for (let row = Math.max(y - 1, 0); row <= Math.min(y + 1, height - 1); row++) {
        for (let column = Math.max(x - 1, 0); column <= Math.min(x + 1, width - 1); column++) {
          result[row * width + column] = 1;
        }
      }
    }
  }
  return result;
}

/**
 * The image with a line around what is set in `mask`: outside it, so that a small defect stays in sight. Where a
 * region reaches the image's edge, the line is open.
 * @param mask row-major, as large as the image: not 0 where the defect is.
 * @param thickness of the line, in pixels; a dark edge of one pixel comes on top. Default 1.
 * @returns RGB.
 */
export function drawContour(image: PixelBuffer, mask: Uint8Array, thickness = 1): PixelBuffer {
  const { width, height, channels } = image;
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      data[pixel * 3 + channel] = image.data[pixel * channels + Math.min(channel, channels - 1)]!;
    }
  }
  let reached = mask;
  for (let ring = 0; ring <= thickness; ring++) {
    const next = grown(reached, width, height);
    const color = ring < thickness ? LINE : EDGE;
    next.forEach((set, pixel) => {
      if (set !== 0 && reached[pixel] === 0) data.set(color, pixel * 3);
    });
    reached = next;
  }
  return { data, width, height, channels: 3 };
}
