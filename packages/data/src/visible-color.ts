/**
 * From RGBA to what is seen on a black ground: each color times its opacity, rounded. What is invisible
 * is no part of the image, whatever color a program left there.
 * @param rgba interleaved, 8 bits.
 * @returns RGB, interleaved.
 */
export function overBlack(rgba: Uint8Array | Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    const alpha = rgba[from + 3]!;
    for (let channel = 0; channel < 3; channel++) {
      rgb[to++] = Math.round((rgba[from + channel]! * alpha) / 255);
    }
  }
  return rgb;
}
