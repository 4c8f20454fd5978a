import type { PixelBuffer } from '@dskd/base';

/** Pillow's conversion of a color to gray (ITU-R 601), in 16-bit fixed point. */
export function grayOf(red: number, green: number, blue: number): number {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}

/** Pillow's blend of two bytes: float32, clamped to 0..255 and truncated, not rounded. */
function blend(from: number, to: number, factor: number): number {
  const value = Math.fround(from + Math.fround(factor * (to - from)));
  return Math.trunc(Math.min(Math.max(value, 0), 255));
}

/** Blends every byte with the constant `byte`: away from it for a factor over 1, toward it for a factor below 1. */
function blendWith(byte: number, { data, ...shape }: PixelBuffer, factor: number): PixelBuffer {
  const single = Math.fround(factor);
  const table = Uint8Array.from({ length: 256 }, (_, value) => blend(byte, value, single));
  const blended = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) blended[i] = table[data[i]!]!;
  return { ...shape, data: blended };
}

/**
 * torchvision's `adjust_brightness` of a PIL image. Here and below: the input is RGB, the result a new buffer.
 * @param factor at least 0; 1 has no effect.
 */
export function adjustBrightness(image: PixelBuffer, factor: number): PixelBuffer {
  return blendWith(0, image, factor);
}

/** torchvision's `adjust_contrast`: relative to the mean gray of the image. */
export function adjustContrast(image: PixelBuffer, factor: number): PixelBuffer {
  const { data, width, height } = image;
  let total = 0;
  for (let at = 0; at < data.length; at += 3) total += grayOf(data[at]!, data[at + 1]!, data[at + 2]!);
  return blendWith(Math.trunc(total / (width * height) + 0.5), image, factor);
}

/** torchvision's `adjust_saturation`: relative to the gray of each pixel. */
export function adjustSaturation({ data, ...shape }: PixelBuffer, factor: number): PixelBuffer {
  const single = Math.fround(factor);
  const adjusted = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at += 3) {
    const gray = grayOf(data[at]!, data[at + 1]!, data[at + 2]!);
    for (let i = at; i < at + 3; i++) adjusted[i] = blend(gray, data[i]!, single);
  }
  return { ...shape, data: adjusted };
}

const { fround } = Math;

/** Hue, saturation and value as bytes, computed as in Pillow: float32, then truncated. */
function toHsv(red: number, green: number, blue: number): [number, number, number] {
  const value = Math.max(red, green, blue);
  const range = value - Math.min(red, green, blue);
  if (range === 0) return [0, 0, value];
  const [fromRed, fromGreen, fromBlue] = [red, green, blue].map((byte) => fround((value - byte) / range)) as [
    number,
    number,
    number,
  ];
  let sixths: number;
  if (red === value) sixths = fromBlue - fromGreen;
  else if (green === value) sixths = 2 + fromRed - fromBlue;
  else sixths = 4 + fromGreen - fromRed;
  const hue = fround((fround(sixths) / 6 + 1) % 1);
  return [Math.trunc(hue * 255), Math.trunc(fround(range / value) * 255), value];
}

function toRgb(hue: number, saturation: number, value: number): readonly [number, number, number] {
  if (saturation === 0) return [value, value, value];
  const sixths = (hue * 6) / 255;
  const sector = Math.floor(sixths);
  const within = fround(sixths - sector);
  const strength = fround(saturation / 255);
  const lowest = Math.round(value * (1 - strength));
  const falling = Math.round(value * (1 - strength * within));
  const rising = Math.round(value * (1 - strength * (1 - within)));
  const sectors = [
    [value, rising, lowest],
    [falling, value, lowest],
    [lowest, value, rising],
    [lowest, falling, value],
    [rising, lowest, value],
    [value, lowest, falling],
  ] as const;
  return sectors[sector % 6]!;
}

/**
 * torchvision's `adjust_hue` of a PIL image: through 8-bit HSV, the byte of the hue shifted by `trunc(shift * 255)`.
 * The conversion to HSV and back changes values by a few gray levels, as in torchvision. A shift of 0 skips it.
 * @param shift in turns, -0.5..0.5.
 * @returns a new buffer.
 */
export function adjustHue({ data, ...shape }: PixelBuffer, shift: number): PixelBuffer {
  if (shift === 0) return { ...shape, data: Uint8Array.from(data) };
  const offset = Math.trunc(shift * 255);
  const adjusted = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at += 3) {
    const [hue, saturation, value] = toHsv(data[at]!, data[at + 1]!, data[at + 2]!);
    adjusted.set(toRgb((hue + offset) & 255, saturation, value), at);
  }
  return { ...shape, data: adjusted };
}
