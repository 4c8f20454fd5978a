import type { PixelBuffer } from '@dskd/base';

/** Pillow's gray of a color (ITU-R 601), in 16-bit fixed point. */
export function grayOf(red: number, green: number, blue: number): number {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}

/** Pillow's blend of two bytes: float32, cut off (not rounded), held within 0..255. */
function blend(from: number, to: number, factor: number): number {
  const value = Math.fround(from + Math.fround(factor * (to - from)));
  return Math.trunc(Math.min(Math.max(value, 0), 255));
}

/** Every byte blended with the same one: away from it for a factor over 1, toward it below. */
function blendWith(byte: number, { data, ...shape }: PixelBuffer, factor: number): PixelBuffer {
  const single = Math.fround(factor);
  const table = Uint8Array.from({ length: 256 }, (_, value) => blend(byte, value, single));
  const blended = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) blended[i] = table[data[i]!]!;
  return { ...shape, data: blended };
}

/**
 * torchvision's `adjust_brightness` of a PIL image. Here and below: RGB, a new buffer.
 * @param factor at least 0; 1 changes nothing.
 */
export function adjustBrightness(image: PixelBuffer, factor: number): PixelBuffer {
  return blendWith(0, image, factor);
}

/** torchvision's `adjust_contrast`: about the image's mean gray. */
export function adjustContrast(image: PixelBuffer, factor: number): PixelBuffer {
  const { data, width, height } = image;
  let total = 0;
  for (let at = 0; at < data.length; at += 3) total += grayOf(data[at]!, data[at + 1]!, data[at + 2]!);
  return blendWith(Math.trunc(total / (width * height) + 0.5), image, factor);
}

/** torchvision's `adjust_saturation`: about each pixel's gray. */
export function adjustSaturation({ data, ...shape }: PixelBuffer, factor: number): PixelBuffer {
  const single = Math.fround(factor);
  const adjusted = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at += 3) {
    const gray = grayOf(data[at]!, data[at + 1]!, data[at + 2]!);
    for (let i = at; i < at + 3; i++) adjusted[i] = blend(gray, data[i]!, single);
  }
  return { ...shape, data: adjusted };
}
