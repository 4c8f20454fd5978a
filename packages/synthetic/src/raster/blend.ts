/** Red, green, blue in 0..1, as displayed. */
export type Color = readonly [red: number, green: number, blue: number];

/** Returns `a` where `share` is 0, `b` where it is 1, and mixes them linearly in between. */
export function mixed(a: Color, b: Color, share: number): Color {
  return [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]), a[2] + share * (b[2] - a[2])];
}

/**
 * Blends a color into one pixel of an image in floating point.
 * @param pixels RGB interleaved.
 * @param at index of the pixel's red value.
 * @param color red, green, blue; further values are ignored.
 * @param weight opacity times the share of the pixel that is covered, 0..1.
 */
export function blend(pixels: Float32Array, at: number, color: ArrayLike<number>, weight: number): void {
  pixels[at]! += weight * (color[0]! - pixels[at]!);
  pixels[at + 1]! += weight * (color[1]! - pixels[at + 1]!);
  pixels[at + 2]! += weight * (color[2]! - pixels[at + 2]!);
}
